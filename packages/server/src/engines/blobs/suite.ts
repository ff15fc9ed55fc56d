/** Tests that every blob store must pass. */
import { createHash, randomBytes } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { DaisError, type ErrorCode } from '@dais/api';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { BlobStat, BlobStore } from './contract.ts';

export interface BlobStoreSubject {
  readonly store: BlobStore;
  /** Number of leftovers of puts: temporary files, temporary objects, unfinished multipart uploads. */
  remains(): Promise<number>;
  end(): Promise<void>;
}

const MIB = 2 ** 20;
/** More than two parts of a multipart upload (5 MiB is the smallest part of S3). */
const LARGE = 11 * MIB + 7;

export function blobStoreSuite(name: string, open: () => Promise<BlobStoreSubject>): void {
  describe(`blob engine: ${name}`, () => {
    let subject: BlobStoreSubject;
    let store: BlobStore;
    beforeAll(async () => {
      subject = await open();
      store = subject.store;
    });
    afterAll(async () => await subject.end());

    test.each([0, 1, 65_536, 262_145, LARGE])('returns a blob of %i bytes unchanged', async (size) => {
      const bytes = randomBytes(size);
      const blob = await store.put(Readable.from([bytes]), { sha256: sha256(bytes), maxBytes: size });
      expect(blob).toMatchObject({ size, sha256: sha256(bytes) });
      expect(blob.locator).toMatch(/^[\x21-\x7e]{1,512}$/);
      expect(Buffer.compare(await buffer(await store.get(blob.locator)), bytes)).toBe(0);
      const stat = await store.stat(blob.locator);
      expect(stat).toMatchObject({ locator: blob.locator, size });
      expect(Math.abs(stat!.modifiedAt.getTime() - Date.now())).toBeLessThan(600_000);
      expect(await subject.remains()).toBe(0);
    });

    test('records only the first owner', async () => {
      const before = await locators(store);
      const answers = await Promise.all(['one', 'two', 'three'].map(async (id) => await store.claimFor(id)));
      const owner = answers[0]!;
      expect(['one', 'two', 'three']).toContain(owner.id);
      expect(new Set(answers.map(({ id }) => id)).size).toBe(1);
      expect(await store.claimFor('four')).toEqual(owner);
      expect(await locators(store)).toEqual(before);
      expect(await subject.remains()).toBe(0);
    });

    test('stores the same bytes once, under one locator', async () => {
      const bytes = randomBytes(LARGE);
      const first = await store.put(Readable.from([bytes]));
      const second = await store.put(Readable.from([bytes.subarray(0, 3), bytes.subarray(3)]));
      expect(second).toEqual(first);
      expect((await locators(store)).filter((locator) => locator === first.locator)).toHaveLength(1);
      expect(await subject.remains()).toBe(0);
    });

    test('the sizes of the chunks do not affect the result', async () => {
      const chunk = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.string({ unit: 'grapheme', maxLength: 10 }));
      await fc.assert(
        fc.asyncProperty(fc.array(chunk, { maxLength: 30 }), async (chunks) => {
          const whole = Buffer.concat(chunks.map((part) => Buffer.from(part)));
          const blob = await store.put(Readable.from(chunks));
          expect(blob.sha256).toBe(sha256(whole));
          expect((await buffer(await store.get(blob.locator))).equals(whole)).toBe(true);
        }),
        { numRuns: 15 },
      );
    });

    test('returns exactly the bytes of a range', async () => {
      const bytes = randomBytes(600_000);
      const { locator } = await store.put(Readable.from([bytes]));
      const location = fc.oneof(fc.nat(599_999), fc.constantFrom(0, 262_143, 262_144, 599_999));
      await fc.assert(
        fc.asyncProperty(location, location, async (a, b) => {
          const [start, end] = [Math.min(a, b), Math.max(a, b)];
          const part = await buffer(await store.get(locator, { start, end }));
          expect(Buffer.compare(part, bytes.subarray(start, end + 1))).toBe(0);
        }),
        { numRuns: 25 },
      );
    });

    test('rejects a range outside the blob', async () => {
      const { locator } = await store.put(Readable.from([Buffer.from('0123456789')]));
      await expectCode('range_not_satisfiable', store.get(locator, { start: 4, end: 10 }));
      await expectCode('range_not_satisfiable', store.get(locator, { start: 10, end: 12 }));
    });

    test.each([10, LARGE])('stores nothing when %i bytes do not match the expected digest', async (size) => {
      const bytes = randomBytes(size);
      const source = Readable.from([bytes]);
      await expectCode('digest_mismatch', store.put(source, { sha256: sha256(Buffer.from('other')) }));
      expect(await store.stat(locatorLike(await store.put(Readable.from(['x'])), bytes))).toBeUndefined();
      expect(await subject.remains()).toBe(0);
    });

    test.each([10, 6 * MIB])('stops an endless source at %i bytes and stores nothing', async (maxBytes) => {
      const endless = new Readable({
        read() {
          this.push(Buffer.alloc(65_536, 1));
        },
      });
      await expectCode('too_large', store.put(endless, { maxBytes }));
      expect(endless.destroyed).toBe(true);
      expect(await subject.remains()).toBe(0);
    });

    test.each([10, LARGE])(
      'returns the error of a source that fails after %i bytes and stores nothing',
      async (size) => {
        const before = await locators(store);
        const failure = new Error('the source failed');
        await expect(store.put(failing(size, failure))).rejects.toBe(failure);
        expect(await locators(store)).toEqual(before);
        expect(await subject.remains()).toBe(0);
      },
    );

    test.each([10, LARGE])('stores nothing of a source that stops after %i bytes without an end', async (size) => {
      const before = await locators(store);
      await expect(store.put(failing(size, undefined))).rejects.toThrow('Premature close');
      expect(await locators(store)).toEqual(before);
      expect(await subject.remains()).toBe(0);
    });

    test('rejects a source that failed or was read before', async () => {
      const failed = new PassThrough();
      failed.once('error', () => {});
      failed.destroy(new Error('failed before'));
      await expect(store.put(failed)).rejects.toThrow('failed before');
      const used = Readable.from(['used']);
      await buffer(used);
      await expect(store.put(used)).rejects.toThrow('already been read');
      await expect(store.put(Readable.from([{ no: 'bytes' }]))).rejects.toThrow(TypeError);
      expect(await subject.remains()).toBe(0);
    });

    test.each([10, LARGE])('returns %i staged bytes only after the commit', async (size) => {
      const bytes = randomBytes(size);
      const staged = await store.stage(Readable.from([bytes]));
      expect(staged).toMatchObject({ size, sha256: sha256(bytes) });
      expect(await store.stat(staged.locator)).toBeUndefined();
      await expectCode('content_missing', store.get(staged.locator));
      expect(await locators(store)).not.toContain(staged.locator);
      await staged.commit();
      await staged.commit();
      await staged.discard();
      expect(Buffer.compare(await buffer(await store.get(staged.locator)), bytes)).toBe(0);
      expect(await subject.remains()).toBe(0);
    });

    test.each([10, LARGE])('discards %i staged bytes', async (size) => {
      const staged = await store.stage(Readable.from([randomBytes(size)]));
      await staged.discard();
      await staged.discard();
      expect(await store.stat(staged.locator)).toBeUndefined();
      expect(await subject.remains()).toBe(0);
    });

    test('deletes a blob permanently, and stores it again', async () => {
      const bytes = randomBytes(20_000);
      const { locator } = await store.put(Readable.from([bytes]));
      await store.delete(locator);
      await store.delete(locator);
      expect(await store.stat(locator)).toBeUndefined();
      await expectCode('content_missing', store.get(locator));
      await store.put(Readable.from([bytes]));
      expect((await buffer(await store.get(locator))).equals(bytes)).toBe(true);
    });

    test('deletes nothing after the deletion lease has ended', async () => {
      const { locator } = await store.put(Readable.from([randomBytes(100)]));
      await expect(store.delete(locator, AbortSignal.abort())).rejects.toThrow('aborted');
      expect(await store.stat(locator)).toBeDefined();
    });

    test.each([
      '',
      '../../../../etc/passwd',
      'sha256:../../../../etc/passwd',
      `sha256:${'A'.repeat(64)}`,
      `sha256:${'a'.repeat(63)}`,
      `sha256:${'a'.repeat(65)}`,
      `sha256:${'a'.repeat(64)}\n`,
      `sha256:${'a'.repeat(64)}/../x`,
      `sha256:aa/bb/${'a'.repeat(58)}`,
      `sha256:${'a'.repeat(64)}\0`,
      `SHA256:${'a'.repeat(64)}`,
      `/sha256:${'a'.repeat(64)}`,
      'direct:../x',
      'tmp/x',
    ])('rejects the locator %j', async (locator) => {
      expect(await store.stat(locator)).toBeUndefined();
      await expectCode('content_missing', store.get(locator));
      await store.delete(locator);
    });

    test('lists all blobs in order, from any position', async () => {
      for (let n = 0; n < 12; n += 1) await store.put(Readable.from([`listed ${n}`]));
      const unfinished = await store.stage(Readable.from([randomBytes(LARGE)]));
      const all: BlobStat[] = [];
      for await (const stat of store.list()) all.push(stat);
      const names = all.map((stat) => stat.locator);
      expect(names.length).toBeGreaterThanOrEqual(12);
      expect(names).toEqual([...new Set(names)].sort());
      expect(names).not.toContain(unfinished.locator);
      await unfinished.discard();
      for (const at of [0, 5, names.length - 1]) {
        expect(await locators(store, names[at])).toEqual(names.slice(at + 1));
      }
      const between = `${names[4]!.slice(0, -1)}/`;
      expect(await locators(store, between)).toEqual(names.slice(4));
      expect(await locators(store, 'zzz')).toEqual([]);
      expect(await locators(store, 'a')).toEqual(names);
      for (const stat of all) expect(await store.stat(stat.locator)).toEqual(stat);
    });

    test('stores the same content once for eight puts at the same time', async () => {
      const bytes = randomBytes(LARGE);
      const blobs = await Promise.all(Array.from({ length: 8 }, async () => await store.put(Readable.from([bytes]))));
      expect(new Set(blobs.map((blob) => blob.locator)).size).toBe(1);
      expect((await locators(store)).filter((locator) => locator === blobs[0]!.locator)).toHaveLength(1);
      expect((await buffer(await store.get(blobs[0]!.locator))).equals(bytes)).toBe(true);
      expect(await subject.remains()).toBe(0);
    });

    test('puts, reads and deletes of the same content at the same time never return a part of it', async () => {
      const bytes = randomBytes(400_000);
      const { locator } = await store.put(Readable.from([bytes]));
      const readers = Array.from({ length: 12 }, async () => await readOrCode(store, locator));
      const writers = Array.from({ length: 12 }, async () => await store.put(Readable.from([bytes])));
      const deleters = Array.from({ length: 12 }, async () => await store.delete(locator));
      await Promise.all([...writers, ...deleters]);
      for (const read of await Promise.all(readers)) {
        const allowed = Buffer.isBuffer(read) ? read.equals(bytes) : /^(content_missing|blobs_unavailable)$/.test(read);
        expect(allowed).toBe(true);
      }
      await store.put(Readable.from([bytes]));
      expect((await buffer(await store.get(locator))).equals(bytes)).toBe(true);
      expect(await subject.remains()).toBe(0);
    });

    test('a reader can stop at any time', async () => {
      const { locator } = await store.put(Readable.from([randomBytes(LARGE)]));
      (await store.get(locator)).destroy();
      for await (const chunk of await store.get(locator)) {
        expect(chunk).toBeInstanceOf(Buffer);
        break;
      }
      expect((await buffer(await store.get(locator))).length).toBe(LARGE);
    });

    test('the sweep removes only the leftovers of old puts', async () => {
      const abandoned = await store.stage(Readable.from([randomBytes(LARGE)]));
      expect(await store.sweep(3_600_000)).toBe(0);
      expect(await subject.remains()).toBe(1);
      // S3 keeps times in whole seconds and some servers round them up.
      expect(await store.sweep(-1000)).toBe(1);
      expect(await subject.remains()).toBe(0);
      await expectCode('blobs_unavailable', abandoned.commit());
      await abandoned.discard();
      expect(await store.stat(abandoned.locator)).toBeUndefined();
    });

    test('a health check succeeds and leaves no files', async () => {
      const before = await locators(store);
      await store.check();
      expect(await locators(store)).toEqual(before);
      expect(await subject.remains()).toBe(0);
    });
  });
}

export async function expectCode(code: ErrorCode, work: Promise<unknown>): Promise<DaisError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(DaisError);
  expect(error).toMatchObject({ code });
  return error as DaisError;
}

/** Returns the whole blob, or the code of its error. */
async function readOrCode(store: BlobStore, locator: string): Promise<Buffer | string> {
  try {
    return await buffer(await store.get(locator));
  } catch (error) {
    return error instanceof DaisError ? error.code : String(error);
  }
}

export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** A source of `size` bytes that then fails with `failure`, or is destroyed without an error. */
function failing(size: number, failure: Error | undefined): Readable {
  let left = size;
  return new Readable({
    read() {
      if (left === 0) {
        this.destroy(failure);
        return;
      }
      const chunk = Math.min(left, 65_536);
      left -= chunk;
      this.push(randomBytes(chunk));
    },
  });
}

export async function locators(store: BlobStore, after?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const stat of store.list(after)) found.push(stat.locator);
  return found;
}

/** Returns the locator that `bytes` would have, derived from that of another blob. */
function locatorLike(other: { readonly locator: string; readonly sha256: string }, bytes: Buffer): string {
  return other.locator.replace(other.sha256, sha256(bytes));
}
