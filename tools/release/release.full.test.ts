/** The files of a release: complete, with correct checksums, and equal for two builds of the same sources. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { root, runCommand } from '../command.mjs';
import { copyCheckout } from '../mutation/checkout-copy.ts';
import { writeRelease } from '../release.mjs';

let folder: string;
let out: string;
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'release-'));
  out = join(folder, 'out');
  await writeRelease(out, () => {});
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a release has the npm packages, the wheel, the bill of materials and their checksums', async () => {
  expect(readdirSync(out).sort()).toEqual([
    'SHA256SUMS',
    `dais-${version}-py3-none-any.whl`,
    `dais-${version}.cdx.json`,
    `dais-api-${version}.tgz`,
    `dais-cli-${version}.tgz`,
    `dais-server-${version}.tgz`,
  ]);
  const checked = await runCommand('sha256sum', ['--check', '--strict', 'SHA256SUMS'], { quiet: true, cwd: out });
  expect(checked).toMatchObject({ code: 0 });
  expect(checked.output.match(/: OK$/gm)).toHaveLength(5);
});

test('a folder that is not empty is refused', async () => {
  await expect(writeRelease(out, () => {})).rejects.toThrow('is not empty');
});

test('the command names its option', async () => {
  const { code, output } = await runCommand('node', ['tools/release.mjs'], { quiet: true });
  expect({ code, output }).toEqual({ code: 2, output: expect.stringContaining('usage: npm run release -- --out DIR') });
});

test('no file of a release names the folder of the checkout', async () => {
  const unpacked = join(folder, 'unpacked');
  const program = `
import pathlib, sys, tarfile, zipfile
out, target, secret = sys.argv[1:]
for file in pathlib.Path(out).iterdir():
    folder = pathlib.Path(target, file.name)
    if file.suffix == ".tgz":
        with tarfile.open(file) as archive:
            archive.extractall(folder)
    elif file.suffix == ".whl":
        with zipfile.ZipFile(file) as archive:
            archive.extractall(folder)
    elif secret.encode() in file.read_bytes():
        print(file)
for file in pathlib.Path(target).rglob("*"):
    if file.is_file() and secret.encode() in file.read_bytes():
        print(file)
`;
  const found = await runCommand('python3', ['-I', '-W', 'ignore', '-c', program, out, unpacked, root], {
    quiet: true,
  });
  expect(found).toMatchObject({ code: 0, output: '' });
});

test('another build of the same sources, in another folder, has the same checksums', async () => {
  const copy = await copyCheckout();
  try {
    const again = join(folder, 'again');
    const made = await runCommand('node', ['tools/release.mjs', '--out', again], { quiet: true, cwd: copy.folder });
    expect(made).toMatchObject({ code: 0 });
    expect(readFileSync(join(again, 'SHA256SUMS'), 'utf8')).toBe(readFileSync(join(out, 'SHA256SUMS'), 'utf8'));
  } finally {
    await copy.remove();
  }
});
