import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { namedObjectsSuite } from '../named-objects.testing.ts';
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
  } finally {
    await rm(folder, { recursive: true });
  }
});
