import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { TAR_END, tarHeader, tarPadding } from './tar.ts';

const files = new Map([
  ['base/1', Buffer.alloc(1500, 'x')],
  ['empty', Buffer.alloc(0)],
  ['base/block', Buffer.alloc(512, 'y')],
]);

function archive(): Buffer {
  const parts = [tarHeader({ name: 'base', isFolder: true, size: 0 })];
  for (const [name, bytes] of files) {
    parts.push(tarHeader({ name, isFolder: false, size: bytes.length }), bytes, tarPadding(bytes.length));
  }
  return Buffer.concat([...parts, TAR_END]);
}

test('the tar command extracts it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-tar-'));
  try {
    await writeFile(join(folder, 'a.tar'), archive());
    const env = { PATH: '/usr/bin:/bin' };
    expect(await run('tar', ['xf', 'a.tar'], { cwd: folder, env })).toMatchObject({ code: 0, stderr: '' });
    for (const [name, bytes] of files) expect(await readFile(join(folder, name))).toEqual(bytes);
  } finally {
    await rm(folder, { recursive: true });
  }
});
