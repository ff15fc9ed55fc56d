import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { credentialPath, readCredential, writeCredential } from '#connection/credentials.ts';

let home: string;
let path: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'dais-credentials-'));
  path = credentialPath({ home, variables: {} });
});
afterEach(async () => {
  await rm(home, { recursive: true, force: true });
});

const mine = { token: 'dais_ses_x', user: 'ada' };

test('it is in the configuration folder of the user', () => {
  expect(path).toBe(join(home, '.config', 'dais', 'credentials.json'));
  expect(credentialPath({ home, variables: { XDG_CONFIG_HOME: '/x' } })).toBe('/x/dais/credentials.json');
});

test('only the user can read it, and no other file remains', async () => {
  await writeCredential(path, 'https://a.example', mine);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect((await stat(join(path, '..'))).mode & 0o777).toBe(0o700);
  expect(await readdir(join(path, '..'))).toEqual(['credentials.json']);
});

test('each server has its own, in every notation of its URL', async () => {
  await writeCredential(path, 'https://a.example/', mine);
  await writeCredential(path, 'https://b.example/base', { ...mine, user: 'bea' });
  expect(await readCredential(path, 'HTTPS://A.example:443', 0)).toEqual(mine);
  expect(await readCredential(path, 'https://b.example/base/', 0)).toMatchObject({ user: 'bea' });
  expect(await readCredential(path, 'http://a.example', 0)).toBeUndefined();
  expect(await readCredential(path, 'https://b.example', 0)).toBeUndefined();
  await writeCredential(path, 'https://a.example', undefined);
  expect(await readCredential(path, 'https://a.example', 0)).toBeUndefined();
  expect(await readCredential(path, 'https://b.example/base', 0)).toMatchObject({ user: 'bea' });
});

test('an expired one is ignored', async () => {
  const expiresAt = new Date(1000).toISOString();
  await writeCredential(path, 'https://a.example', { ...mine, expiresAt });
  expect(await readCredential(path, 'https://a.example', 999)).toBeDefined();
  expect(await readCredential(path, 'https://a.example', 1000)).toBeUndefined();
});

test('a file that others can read, or of another format, is rejected', async () => {
  await writeCredential(path, 'https://a.example', mine);
  await chmod(path, 0o640);
  await expect(readCredential(path, 'https://a.example', 0)).rejects.toMatchObject({ code: 'forbidden' });
  await chmod(path, 0o600);
  for (const text of ['', '[]', '{"servers":1}', 'x']) {
    await writeFile(path, text);
    await expect(readCredential(path, 'https://a.example', 0)).rejects.toMatchObject({ code: 'invalid_config' });
  }
  expect(await readFile(path, 'utf8')).toBe('x');
});
