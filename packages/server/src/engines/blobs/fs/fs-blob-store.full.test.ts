import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { openFsBlobStore } from './fs-blob-store.ts';

const GIB = 2 ** 30;

test('streams 10 GiB with less than 200 MiB of memory', { timeout: 900_000 }, async () => {
  const root = await mkdtemp(join(tmpdir(), 'dais-blobs-'));
  try {
    const store = await openFsBlobStore({ root, clock: systemClock });
    const block = Buffer.alloc(2 ** 20, 'dais');
    const size = 10 * GIB;
    const before = process.memoryUsage.rss();
    let peak = before;
    const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
    let left = size;
    const source = new Readable({
      read() {
        this.push(left === 0 ? null : block);
        left -= block.length;
      },
    });
    const blob = await store.put(source);
    const hash = createHash('sha256');
    let read = 0;
    for await (const chunk of await store.get(blob.locator)) {
      hash.update(chunk as Buffer);
      read += (chunk as Buffer).length;
    }
    clearInterval(watch);
    expect({ put: blob.size, read, sha256: hash.digest('hex') }).toEqual({
      put: size,
      read: size,
      sha256: blob.sha256,
    });
    expect(peak - before).toBeLessThan(200 * 2 ** 20);
  } finally {
    await rm(root, { recursive: true });
  }
});
