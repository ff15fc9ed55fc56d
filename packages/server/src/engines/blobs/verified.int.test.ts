/** Reads of objects that a disk damaged. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, open, readdir, rename, rm, truncate, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import type { BlobStore, FoundDamage, LocalBlobs, VerifiedBlobs } from './contract.ts';
import { openFsBlobStore } from './fs/fs-blob-store.ts';
import { blobStoreSuite, expectCode } from './suite.ts';
import { verifiedBlobs } from './verified.ts';

const MIB = 2 ** 20;

blobStoreSuite('fs, verified', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'dais-verified-'));
  const store = await openFsBlobStore({ root: folder, clock: systemClock });
  return {
    store: verifiedBlobs(store, {
      clock: systemClock,
      expected: async () => await Promise.resolve(undefined),
      report: async () => {},
      intact: async () => {},
    }),
    remains: async () => (await readdir(join(folder, 'tmp'))).length,
    end: async () => await rm(folder, { recursive: true }),
  };
});

describe('a damaged object', () => {
  let root: string;
  let plain: BlobStore & Partial<LocalBlobs>;
  let store: VerifiedBlobs;
  let found: FoundDamage[];
  let intact: string[];
  let reads: number;
  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'dais-damage-'));
    plain = await openFsBlobStore({ root, clock: systemClock });
    found = [];
    intact = [];
    reads = 0;
    const get = plain.get.bind(plain);
    plain.get = async (locator, range) => {
      if (range === undefined) reads += 1;
      return await get(locator, range);
    };
    store = verifiedBlobs(plain, {
      clock: systemClock,
      expected: async () => await Promise.resolve(undefined),
      report: async (damage) => void found.push(await Promise.resolve(damage)),
      intact: async (locator) => void intact.push(await Promise.resolve(locator)),
    });
  });
  afterEach(async () => {
    await store.close();
    await rm(root, { recursive: true });
  });

  const fileOf = async (locator: string) => (await plain.localPath!(locator))!;

  async function flip(locator: string, at: number): Promise<void> {
    const file = await open(await fileOf(locator), 'r+');
    const { buffer: one } = await file.read(Buffer.alloc(1), 0, 1, at);
    await file.write(Buffer.from([one[0]! ^ 1]), 0, 1, at);
    await file.close();
  }

  /** Bytes that arrive before the stream ends or fails. */
  async function received(stream: Readable): Promise<{ readonly bytes: number; readonly code: string }> {
    let bytes = 0;
    try {
      for await (const chunk of stream) bytes += (chunk as Buffer).length;
      return { bytes, code: 'complete' };
    } catch (error) {
      return { bytes, code: (error as { code: string }).code };
    }
  }

  test.each([0, 1, 700_000, 1_999_999])('never arrives complete when byte %i is changed', async (at) => {
    const { locator, size } = await store.put(Readable.from([randomBytes(2_000_000)]));
    await flip(locator, at);
    const { bytes, code } = await received(await store.get(locator));
    expect(code).toBe('content_damaged');
    expect(bytes).toBeLessThan(size);
    expect(found[0]).toEqual({ locator, kind: 'altered', size });
  });

  test('of one chunk returns no byte', async () => {
    const { locator } = await store.put(Readable.from([randomBytes(1000)]));
    await flip(locator, 500);
    expect(await received(await store.get(locator))).toEqual({ bytes: 0, code: 'content_damaged' });
  });

  test.each([0, 1, 1_000_000])('that was truncated to %i bytes is an error and not a short object', async (size) => {
    const { locator } = await store.put(Readable.from([randomBytes(2_000_000)]));
    await truncate(await fileOf(locator), size);
    expect((await received(await store.get(locator))).code).toBe('content_damaged');
    expect(found[0]).toEqual({ locator, kind: 'altered', size });
    await expectCode('content_damaged', store.get(locator, { start: 1_500_000, end: 1_600_000 }));
  });

  test('is reported as missing by all reads when its file does not exist', async () => {
    const { locator } = await store.put(Readable.from([randomBytes(1000)]));
    await rm(await fileOf(locator));
    await expectCode('content_missing', store.get(locator));
    await expectCode('content_missing', store.get(locator, { start: 0, end: 9 }));
    await expectCode('content_missing', store.localPath!(locator));
    await expectCode('content_missing', store.checkObject(locator));
    expect(found).toEqual(Array.from({ length: 4 }, () => ({ locator, kind: 'missing' })));
  });

  test('serves no range and no path of a small object', async () => {
    const { locator } = await store.put(Readable.from([randomBytes(2 * MIB)]));
    await flip(locator, 2 * MIB - 1);
    await expectCode('content_damaged', store.get(locator, { start: 0, end: 9 }));
    await expectCode('content_damaged', store.localPath!(locator));
  });

  test('is verified again when its file changes', async () => {
    const { locator } = await store.put(Readable.from([randomBytes(2 * MIB)]));
    expect((await buffer(await store.get(locator, { start: 0, end: 9 }))).length).toBe(10);
    expect(reads).toBe(1);
    await store.get(locator, { start: 10, end: 19 }).then((stream) => stream.destroy());
    expect(reads).toBe(1);
    await flip(locator, 5);
    // File timestamps are coarse: a change right after the check may keep the same timestamp.
    await utimes(await fileOf(locator), new Date(), new Date(Date.now() + 1000));
    await expectCode('content_damaged', store.get(locator, { start: 0, end: 9 }));
  });

  test('is found in the background after its first range when it is large', async () => {
    const { locator, size } = await store.put(Readable.from([randomBytes(33 * MIB)]));
    await flip(locator, 33 * MIB - 1);
    expect((await buffer(await store.get(locator, { start: 0, end: 9 }))).length).toBe(10);
    await expect.poll(() => found).toEqual([{ locator, kind: 'altered', size }]);
  });

  describe('of many chunks', () => {
    const SIZE = 33 * MIB;
    let kept: Map<string, Buffer>;
    /** The store of a restarted process: it has only the stored state. */
    const again = () =>
      verifiedBlobs(plain, {
        clock: systemClock,
        expected: async () => await Promise.resolve(undefined),
        report: async (damage) => void found.push(await Promise.resolve(damage)),
        intact: async () => {},
        sums: async (locator) => await Promise.resolve(kept.get(locator)),
        keepSums: async (locator, sums) => void kept.set(locator, await Promise.resolve(sums)),
      });
    beforeEach(() => {
      kept = new Map();
    });

    test('serves ranges of its intact chunks, and no byte of a damaged one', async () => {
      const bytes = randomBytes(SIZE);
      const { locator } = await again().put(Readable.from([bytes]));
      const at = 20 * MIB + 12_345;
      await flip(locator, at);
      const reader = again();
      const read = async (start: number, end: number) => await buffer(await reader.get(locator, { start, end }));
      for (const [start, end] of [
        [0, 9],
        [262_143, 262_144],
        [19 * MIB, 20 * MIB - 1],
        [SIZE - 1, SIZE - 1],
        [at + 262_144, SIZE - 3],
      ] as const) {
        expect((await read(start, end)).equals(bytes.subarray(start, end + 1))).toBe(true);
      }
      await expectCode('content_damaged', reader.get(locator, { start: at - 5, end: at + 5 }));
      // The bytes before the damaged chunk have already been sent: the connection ends.
      const crossing = await received(await reader.get(locator, { start: 19 * MIB, end: 21 * MIB }));
      expect(crossing).toEqual({ bytes: MIB, code: 'content_damaged' });
      expect(found).toContainEqual({ locator, kind: 'altered', size: SIZE });
      await reader.close();
    });

    test('is read completely once before its first range when no checksums are stored', async () => {
      const bytes = randomBytes(SIZE);
      const { locator } = await plain.put(Readable.from([bytes]));
      const range = { start: 5, end: 14 };
      const seen: number[] = [];
      for (let process = 0; process < 2; process += 1) {
        const reader = again();
        expect((await buffer(await reader.get(locator, range))).equals(bytes.subarray(5, 15))).toBe(true);
        seen.push(reads);
        await reader.close();
      }
      expect(seen[0]).toBe(1);
      expect(kept.get(locator)?.length).toBe((SIZE / 262_144) * 4);
      kept.clear();
      await flip(locator, SIZE - 1);
      const reader = again();
      await expectCode('content_damaged', reader.get(locator, range));
      await reader.close();
    });

    test('serves no range when it became shorter', async () => {
      const { locator } = await again().put(Readable.from([randomBytes(SIZE)]));
      await truncate(await fileOf(locator), SIZE - MIB);
      const reader = again();
      await expectCode('content_damaged', reader.get(locator, { start: 0, end: 9 }));
      await reader.close();
    });

    test('is not returned as a local path', async () => {
      const { locator } = await again().put(Readable.from([randomBytes(SIZE)]));
      await flip(locator, SIZE - 1);
      const reader = again();
      await expectCode('content_damaged', reader.localPath!(locator));
      await reader.close();
    });
  });

  test('is repaired by an upload of the correct bytes, for any file size', async () => {
    const bytes = randomBytes(300_000);
    const { locator } = await store.put(Readable.from([bytes]));
    for (const damage of [() => flip(locator, 7), async () => await truncate(await fileOf(locator), 9)]) {
      await damage();
      await expectCode('content_damaged', store.checkObject(locator));
      const reader = await store.get(locator);
      await store.put(Readable.from([bytes]));
      expect((await received(reader)).code).toBe('content_damaged');
      expect((await buffer(await store.get(locator))).equals(bytes)).toBe(true);
    }
    // A reader of the replaced file reported damage that was repaired: the background check withdraws the report.
    await expect.poll(() => intact).toContain(locator);
  });

  test('a reader that stops early, or never starts, leaves no descriptor open', async () => {
    const { locator } = await store.put(Readable.from([randomBytes(2_000_000)]));
    const count = async () => (await readdir('/proc/self/fd')).length;
    const before = await count();
    for (let n = 0; n < 20; n += 1) {
      (await store.get(locator)).destroy();
      for await (const chunk of await store.get(locator)) if (chunk) break;
    }
    await expect.poll(count).toBeLessThanOrEqual(before);
  });

  test('a folder in its place is not an object', async () => {
    const { locator } = await store.put(Readable.from([randomBytes(10)]));
    await rename(await fileOf(locator), join(root, 'elsewhere'));
    await expectCode('content_missing', store.get(locator));
  });
});
