/** The `dais` command of a checkout: what `npm ci` links, before the build and after it. */
import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const execute = promisify(execFile);
const cli = fileURLToPath(new URL('..', import.meta.url));
const root = fileURLToPath(new URL('../../..', import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-bin-'));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

/** A folder of the command without `dist`. */
async function unbuilt(name: string): Promise<string> {
  const path = join(folder, name);
  await mkdir(path);
  for (const part of ['bin', 'package.json']) await cp(join(cli, part), join(path, part), { recursive: true });
  return path;
}

test('a checkout has the command once npm ci has linked it', async () => {
  const { stdout } = await execute(join(root, 'node_modules/.bin/dais'), ['--version']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('before the build the command runs the sources, with their exit code', async () => {
  const path = await unbuilt('sources');
  await symlink(join(cli, 'src'), join(path, 'src'));
  await symlink(join(root, 'node_modules'), join(path, 'node_modules'));
  const dais = async (...words: string[]) => await execute(process.execPath, [join(path, 'bin/dais.js'), ...words]);
  expect((await dais('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  await expect(dais('no-such-command')).rejects.toMatchObject({ code: 2 });
});

test('without a build and without sources the command prints the remedy', async () => {
  const path = await unbuilt('nothing');
  await expect(execute(process.execPath, [join(path, 'bin/dais.js'), 'up'])).rejects.toMatchObject({
    code: 1,
    stderr: 'dais is not built: run `npm ci`, then `npm run build`, in the folder of the repository.\n',
  });
});

test('an older Node is not enough for an installed command', async () => {
  const older = join(folder, 'older.mjs');
  await writeFile(older, "Object.defineProperty(process.versions, 'node', { value: '20.20.2' });\n");
  const path = await unbuilt('older');
  const args = ['--import', older, join(path, 'bin/dais.js'), '--version'];
  await expect(execute(process.execPath, args)).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Dais needs Node 24 or newer; this is Node 20.20.2.') as string,
  });
});
