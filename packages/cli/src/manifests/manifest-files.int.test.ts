import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaisError } from '@dais/api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readManifestFiles } from '#manifests/manifest-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-files-'));
  for (const path of ['b.yaml', 'a.YML', 'c.json', 'd.txt', 'deep/e.yaml', 'node_modules/f.yaml', '.git/g.yaml']) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), path);
  }
  await symlink('b.yaml', join(folder, 'link.yaml'));
  await symlink('..', join(folder, 'deep/circle'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function read(given: readonly string[], recursive = false, workingFolder = folder) {
  return await readManifestFiles(given, {
    workingFolder,
    recursive,
    readStdin: () => Promise.resolve(Buffer.from('from stdin')),
  });
}

test('a folder: its manifests by name; links to files, never to folders', async () => {
  expect((await read(['.'])).map((file) => file.name)).toEqual(['a.YML', 'b.yaml', 'c.json', 'link.yaml']);
  expect((await read(['.'], true)).map((file) => file.name)).toEqual([
    'a.YML',
    'b.yaml',
    'c.json',
    'deep/e.yaml',
    'link.yaml',
  ]);
});

test('each file once, in the given order; any name when it is explicit; standard input', async () => {
  const files = await read(['d.txt', '-', 'b.yaml', '.']);
  expect(files.map((file) => [file.name, file.text])).toEqual([
    ['d.txt', 'd.txt'],
    ['-', 'from stdin'],
    ['b.yaml', 'b.yaml'],
    ['a.YML', 'a.YML'],
    ['c.json', 'c.json'],
    ['link.yaml', 'b.yaml'],
  ]);
});

test('names are relative to the working folder, and absolute outside of it', async () => {
  const [inside, outside] = await read(['e.yaml', '../b.yaml'], false, join(folder, 'deep'));
  expect(inside?.name).toBe('e.yaml');
  expect(outside?.name).toBe(join(folder, 'b.yaml'));
});

test('all unreadable files are reported together', async () => {
  const error = await read(['nope.yaml', 'node_modules', 'also-not']).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DaisError);
  expect((error as DaisError).issues).toMatchObject([{ file: 'nope.yaml' }, { file: 'also-not' }]);
});

test('the first byte that is not UTF-8', async () => {
  await writeFile(join(folder, 'latin1.yaml'), Buffer.from('a: ü\nb: \xfc\n', 'latin1'));
  await writeFile(join(folder, 'cut.yaml'), Buffer.concat([Buffer.from('a: ü\nb: '), Buffer.from([0xc3])]));
  const locationsOf = async (name: string) => {
    const error = (await read([name]).catch((reason: unknown) => reason)) as DaisError;
    return error.issues?.map(({ line, column }) => [line, column]);
  };
  expect(await locationsOf('latin1.yaml')).toEqual([[1, 4]]);
  expect(await locationsOf('cut.yaml')).toEqual([[2, 4]]);
});
