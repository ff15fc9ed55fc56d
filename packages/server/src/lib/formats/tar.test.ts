import { expect, test } from 'vitest';
import { readTar, TAR_END, tarHeader, tarPadding } from './tar.ts';

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

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}

test('reads what it wrote, in chunks of any size, and skips content that is not read', async () => {
  for (const size of [1, 7, 512, 10_000]) {
    const found = new Map<string, Buffer>();
    for await (const { name, isFolder, content } of readTar(chunks(archive(), size))) {
      if (isFolder || name === 'base/1') continue;
      const read: Buffer[] = [];
      for await (const chunk of content) read.push(chunk);
      found.set(name, Buffer.concat(read));
    }
    expect([...found.keys()]).toEqual(['empty', 'base/block']);
    expect(found.get('base/block')).toEqual(files.get('base/block'));
  }
});

test('a damaged or incomplete archive is an error', async () => {
  const readAll = async (bytes: Buffer) => {
    for await (const _ of readTar(chunks(bytes, 512)));
  };
  const whole = archive();
  await expect(readAll(whole)).resolves.toBeUndefined();
  await expect(readAll(whole.subarray(0, 1600))).rejects.toThrow('incomplete');
  const damaged = Buffer.from(whole);
  damaged[3]! ^= 1;
  await expect(readAll(damaged)).rejects.toThrow('damaged');
  expect(() => tarHeader({ name: 'x'.repeat(101), isFolder: false, size: 0 })).toThrow('too long');
});
