import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { expectUnseen, namedObjectsSuite } from '../named-objects.testing.ts';
import { openFsBlobStore } from './fs-blob-store.ts';
import { openFsNamedObjects } from './fs-named-objects.ts';

namedObjectsSuite('fs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-objects-'));
  return {
    objects: openFsNamedObjects(join(folder, 'new', 'archive')),
    end: async () => await rm(folder, { recursive: true }),
  };
});

test('an error names the folder; a file that was being written is no object', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-objects-'));
  try {
    await writeFile(join(folder, 'file'), '');
    const blocked = openFsNamedObjects(join(folder, 'file', 'archive'));
    await expect(blocked.put('a/b', Buffer.from('x'))).rejects.toMatchObject({
      code: 'blobs_unavailable',
      message: expect.stringContaining(folder) as unknown,
    });
    const objects = openFsNamedObjects(folder);
    await mkdir(join(folder, 'a'));
    await writeFile(join(folder, 'a', '.partial-1'), 'half');
    for await (const { name } of objects.list('a/')) throw new Error(`listed: ${name}`);
    await objects.put('b/c', Buffer.from('x'));
    await objects.delete('b/c');
    expect(await readdir(folder)).toEqual(['a', 'file']);
    expect(await objects.sweep?.(3_600_000)).toBe(0);
    expect(await objects.sweep?.(-1000)).toBe(1);
    expect(await readdir(folder)).toEqual(['file']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('removes the folders that became empty, and leaves the reserve of the disk', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-objects-'));
  try {
    const objects = openFsNamedObjects(folder);
    await objects.put('a/b/c/d', Buffer.from('x'));
    await objects.put('a/e', Buffer.from('x'));
    await objects.delete('a/b/c/d');
    expect(await readdir(join(folder, 'a'))).toEqual(['e']);
    await objects.delete('a/e');
    expect(await readdir(folder)).toEqual([]);
    const full = openFsNamedObjects(folder, { minFreeBytes: Number.MAX_SAFE_INTEGER });
    await expect(full.put('a/b', Buffer.from('x'))).rejects.toMatchObject({ code: 'storage_full' });
    for await (const { name } of full.list('')) throw new Error(`listed: ${name}`);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a put creates its folders again as often as deletions remove them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-objects-'));
  try {
    const objects = openFsNamedObjects(folder);
    const deep = Array.from({ length: 8 }, (_, n) => `a/b/c/d/${n % 2}/${n}`);
    const rounds = async (name: string) => {
      for (let round = 0; round < 300; round += 1) {
        await objects.put(name, Buffer.from('x'));
        await objects.delete(name);
      }
    };
    await Promise.all(deep.map(rounds));
    expect(await readdir(folder)).toEqual([]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a store of content in the same folder does not see them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-objects-'));
  try {
    const objects = openFsNamedObjects(join(folder, 'tasks'));
    await objects.put('a/b', Buffer.from('x'));
    await expectUnseen(await openFsBlobStore({ root: folder, clock: systemClock }), objects, 'a/b');
  } finally {
    await rm(folder, { recursive: true });
  }
});
