import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, mkdtemp, readFile, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { keyStoreSuite } from '../suite.ts';
import { openFileKeys } from './file-keys.ts';

let root: string;
let made = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'dais-keys-'));
});
afterAll(async () => {
  await rm(root, { recursive: true });
});

async function openIn(
  folder: string,
  now = Date.now,
): Promise<{ keys: Awaited<ReturnType<typeof openFileKeys>>; announced: string[] }> {
  const announced: string[] = [];
  const keys = await openFileKeys({
    folder,
    dataFolder: join(root, 'data'),
    now,
    announce: (line) => announced.push(line),
  });
  return { keys, announced };
}

async function anyFolder(): Promise<string> {
  made += 1;
  return join(root, `keys-${made}`);
}

keyStoreSuite('file', false, async () => {
  const { keys } = await openIn(await anyFolder());
  return {
    keys,
    addKey: async () => {
      await keys.rotate();
      return keys;
    },
    otherStore: async () => (await openIn(await anyFolder())).keys,
    end: async () => await keys.close(),
  };
});

describe('the key folder', () => {
  test('is created privately with the first key, and reported once', async () => {
    const folder = await anyFolder();
    const { keys, announced } = await openIn(folder);
    expect(await keys.list()).toEqual([]);
    const [first, second] = await Promise.all([keys.current(), keys.current()]);
    expect(first).toEqual(second);
    expect(announced).toHaveLength(1);
    expect(announced[0]).toContain(first.fingerprint);
    expect(announced[0]).toContain('Keep a copy');
    const names = await readdir(folder);
    expect(names).toEqual([`${first.keyId}.key`]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, names[0]!))).mode & 0o777).toBe(0o600);
    const text = await readFile(join(folder, names[0]!), 'ascii');
    expect(announced[0]).not.toContain(text.split(' ')[1]!.trim());
  });

  test('is read by another process immediately, also after a rotation there', async () => {
    const folder = await anyFolder();
    const { keys: here } = await openIn(folder);
    const { keys: there } = await openIn(folder);
    const old = await here.wrap(Buffer.alloc(32, 1), 'c');
    const rotated = await there.rotate();
    expect(await here.current()).toEqual(rotated);
    expect(await there.unwrap(old, 'c')).toEqual(Buffer.alloc(32, 1));
    const { keys: later } = await openIn(folder);
    expect(await later.unwrap(await here.wrap(Buffer.alloc(32, 2), 'c'), 'c')).toEqual(Buffer.alloc(32, 2));
  });

  test('loses no key in concurrent rotations', async () => {
    const folder = await anyFolder();
    const stores = await Promise.all(
      [1, 2, 3, 4].map(async () => (await openIn(folder, () => 1_700_000_000_000)).keys),
    );
    const wrapped = await Promise.all(
      stores.map(async (keys) => {
        await keys.rotate();
        return await keys.wrap(Buffer.alloc(32, 9), 'c');
      }),
    );
    const { keys } = await openIn(folder);
    expect(await keys.list()).toHaveLength(4);
    for (const one of wrapped) expect(await keys.unwrap(one, 'c')).toEqual(Buffer.alloc(32, 9));
  });

  test('keeps the newest key when the clock goes back', async () => {
    const folder = await anyFolder();
    const { keys: before } = await openIn(folder, () => 1_900_000_000_000);
    await before.rotate();
    const { keys: after } = await openIn(folder, () => 1_000_000_000_000);
    const made = await after.rotate();
    expect(await after.current()).toEqual(made);
    expect(await before.current()).toEqual(made);
  });

  test('is rejected when others can read a key or write to the folder, with the command to fix it', async () => {
    const folder = await anyFolder();
    const { keys } = await openIn(folder);
    const { keyId } = await keys.current();
    const file = join(folder, `${keyId}.key`);
    for (const mode of [0o640, 0o604, 0o660]) {
      await chmod(file, mode);
      const { keys: fresh } = await openIn(folder);
      await expect(fresh.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({
        code: 'keys_unavailable',
        message: expect.stringContaining(`chmod go= ${file}`),
      });
    }
    await chmod(file, 0o600);
    await chmod(folder, 0o770);
    await expect(keys.current()).rejects.toMatchObject({
      code: 'keys_unavailable',
      message: expect.stringContaining(`chmod go= ${folder}`),
    });
    await chmod(folder, 0o500);
    expect((await keys.current()).keyId).toBe(keyId);
  });

  test.skipIf(process.geteuid?.() !== 0)('rejects a key of another user (needs root)', async () => {
    const folder = await anyFolder();
    const { keys } = await openIn(folder);
    const { keyId } = await keys.current();
    await chown(join(folder, `${keyId}.key`), 12_345, 12_345);
    const { keys: fresh } = await openIn(folder);
    await expect(fresh.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({ code: 'keys_unavailable' });
  });

  test('names a damaged key without its content', async () => {
    const folder = await anyFolder();
    const { keys } = await openIn(folder);
    const { keyId } = await keys.current();
    const file = join(folder, `${keyId}.key`);
    for (const text of ['', 'dais-key-v1 short\n', `dais-key-v1 ${randomBytes(32).toString('base64')}\n`]) {
      await writeFile(file, text);
      const { keys: fresh } = await openIn(folder);
      await expect(fresh.current()).resolves.toMatchObject({ keyId });
      await expect(fresh.wrap(Buffer.alloc(32), 'c')).rejects.toMatchObject({
        code: 'keys_unavailable',
        message: `the key file ${file} is damaged: restore a copy of it`,
      });
    }
  });

  test('ignores leftovers of an interrupted write', async () => {
    const folder = await anyFolder();
    const { keys } = await openIn(folder);
    await keys.current();
    await writeFile(join(folder, '20300101T000000000Z-0123456789abcdef.key.new'), 'half', { mode: 0o600 });
    await writeFile(join(folder, 'README'), 'hello', { mode: 0o600 });
    expect(await keys.list()).toHaveLength(1);
  });

  test('cannot be in the data folder, also not through a link', async () => {
    const data = join(root, 'data');
    await mkdir(data, { recursive: true });
    await symlink(data, join(root, 'link'));
    for (const folder of [
      data,
      join(data, 'keys'),
      join(root, 'link', 'deep', 'keys'),
      join(data, '..', 'data', 'k'),
    ]) {
      await expect(openIn(folder)).rejects.toMatchObject({ code: 'invalid_config' });
    }
    await expect(openIn(join(root, 'data-keys'))).resolves.toBeDefined();
  });

  test('reports a path that cannot be a folder', async () => {
    const file = join(root, 'a-file');
    await writeFile(file, '');
    await expect(openIn(join(file, 'keys'))).rejects.toMatchObject({ code: 'keys_unavailable' });
  });
});
