/**
 * A blob store whose readers never receive damaged bytes as if they were whole: bytes are hashed while they are sent,
 * and every object that is found damaged is reported.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import { pacer } from '#lib/concurrency/pacer.ts';
import { ChunkDamaged, chunksAround, ChunkSums, fitsSize, verifiedChunks } from './chunk-sums.ts';
import {
  damageError,
  labelDamage,
  type BlobLabel,
  type BlobStat,
  type BlobStore,
  type ByteRange,
  type ExpectedBytes,
  type ExpectedObject,
  type FoundDamage,
  type LocalBlobs,
  type PresignedUploads,
  type StagedBlob,
  type StoredBlob,
  type VerificationOptions,
  type VerifiedBlobs,
  WHOLE_FIRST_BYTES,
} from './contract.ts';

/** Files that are read by others (DuckDB) are checked later than they are read, beyond 0.3 s of CPU in 10 s. */
const FOREGROUND_BUDGET = 512 * 2 ** 20;
/** Of sums of chunks in memory; 16 MiB are the sums of 1 TiB. */
const SUMS_BYTES = 16 * 2 ** 20;
const BUDGET_WINDOW_MS = 10_000;
/** An object that was read whole is trusted for so long, as long as its size and time do not change. */
const TRUST_MS = 24 * 3_600_000;
const TRUSTED = 10_000;
const BACKGROUND_BYTES_PER_SECOND = 50 * 2 ** 20;
/** What does not fit in here waits for the scrub. */
const BACKGROUND_OBJECTS = 1000;
const NAMED_BY_DIGEST = /^sha256:([0-9a-f]{64})$/;

export function verifiedBlobs(
  store: BlobStore & Partial<LocalBlobs> & Partial<PresignedUploads>,
  options: VerificationOptions,
): VerifiedBlobs {
  const reader = new VerifiedReader(store, options);
  const { localPath, freeBytes, begin, complete, abort, verify, presignGet } = store;
  return {
    stage: async (source, expected) => await reader.stage(source, expected),
    put: async (source, expected) => await reader.put(source, expected),
    get: async (locator, range, label) =>
      await (range === undefined ? reader.whole(locator, label) : reader.part(locator, range, label)),
    stat: async (locator) => await store.stat(locator),
    delete: async (locator, signal) => await store.delete(locator, signal),
    list: (after) => store.list(after),
    sweep: async (olderThanMs) => await store.sweep(olderThanMs),
    claimFor: async (id) => await store.claimFor(id),
    check: async () => await store.check(),
    checkObject: async (locator, pace, signal) => await reader.check(locator, pace, signal),
    close: async () => {
      await reader.close();
      await store.close();
    },
    ...(localPath !== undefined &&
      freeBytes !== undefined &&
      ({
        localPath: async (locator: string, label?: BlobLabel) => {
          await reader.ensureVerified(locator, label);
          return await localPath.call(store, locator);
        },
        freeBytes: async () => await freeBytes.call(store),
      } satisfies LocalBlobs)),
    ...(begin !== undefined && { begin: begin.bind(store) }),
    ...(complete !== undefined && { complete: complete.bind(store) }),
    ...(abort !== undefined && { abort: abort.bind(store) }),
    ...(verify !== undefined && { verify: verify.bind(store) }),
    ...(presignGet !== undefined && {
      presignGet: async (locator: string, seconds: number, fileName?: string) => {
        // The client reads from the store itself: what it receives is not verified here.
        reader.checkLater(locator);
        return await presignGet.call(store, locator, seconds, fileName);
      },
    }),
  };
}

interface VerifiedRead {
  readonly locator: string;
  readonly expected: ExpectedObject;
  readonly label?: BlobLabel | undefined;
}

interface VerifiedPart {
  readonly locator: string;
  readonly sums: Buffer;
  readonly range: ByteRange;
  readonly size: number;
  readonly label?: BlobLabel | undefined;
}

interface Trust {
  readonly size: number;
  readonly modifiedAt: number;
  readonly until: number;
}

class VerifiedReader {
  readonly #store: BlobStore;
  readonly #options: VerificationOptions;
  readonly #trusted = new Map<string, Trust>();
  readonly #running = new Map<string, Promise<number>>();
  readonly #waiting = new Set<string>();
  readonly #reportedHere = new Set<string>();
  readonly #sums = new Map<string, Buffer>();
  #sumsBytes = 0;
  readonly #stop = new AbortController();
  readonly #budget = { from: 0, left: 0 };
  #background: Promise<void> | undefined;

  constructor(store: BlobStore, options: VerificationOptions) {
    this.#store = store;
    this.#options = options;
  }

  async stage(source: Readable, expected?: ExpectedBytes): Promise<StagedBlob> {
    const staged = await this.#store.stage(source, expected);
    const { locator, sums } = staged;
    if (sums === undefined) return staged;
    return {
      ...staged,
      commit: async () => {
        await staged.commit();
        await this.#keepSums(locator, sums);
      },
    };
  }

  async put(source: Readable, expected?: ExpectedBytes): Promise<StoredBlob> {
    const staged = await this.stage(source, expected);
    const { locator, size, sha256 } = staged;
    try {
      await staged.commit();
    } catch (error) {
      await staged.discard();
      throw error;
    }
    return { locator, size, sha256 };
  }

  /** The last bytes leave only when all of them were the right ones: a damaged object never arrives complete. */
  async whole(locator: string, label?: BlobLabel): Promise<Readable> {
    const expected = await this.#expected(locator);
    const source = await this.#open(locator, label);
    const stream = Readable.from(this.#verified(source, { locator, expected, label }), { objectMode: false });
    // A generator that was never started runs no `finally`.
    stream.once('close', () => source.destroy());
    return stream;
  }

  async part(locator: string, range: ByteRange, label?: BlobLabel): Promise<Readable> {
    const stat = await this.#requireStat(locator, label);
    try {
      if (this.#isTrusted(stat)) return await this.#store.get(locator, range);
      if (stat.size > WHOLE_FIRST_BYTES) return await this.#partOfLarge(stat, range, label);
      await this.#checkFor(locator, label);
      return await this.#store.get(locator, range);
    } catch (error) {
      // The caller checked the range against the size that was stored: the object has become shorter.
      if (error instanceof DaisError && error.code === 'range_not_satisfiable') await this.#checkFor(locator, label);
      throw labelDamage(await this.#reported(error, locator), label);
    }
  }

  /** Each chunk is verified before a byte of it is served. Without sums the whole object is, and its sums are kept. */
  async #partOfLarge(stat: BlobStat, range: ByteRange, label?: BlobLabel): Promise<Readable> {
    const { locator, size } = stat;
    const sums = await this.#sumsOf(locator);
    if (sums === undefined || !fitsSize(sums, size)) {
      await this.#checkFor(locator, label);
      return await this.#store.get(locator, range);
    }
    // The rest of the object may be damaged as well.
    this.checkLater(locator);
    const source = await this.#store.get(locator, chunksAround(range, size));
    const chunks = this.#labeledChunks(source, { locator, sums, range, size, label });
    // The first chunk decides whether the range is refused or ends early.
    const first = await chunks.next();
    const stream = Readable.from(
      (async function* () {
        if (first.done !== true) yield first.value;
        yield* chunks;
      })(),
      { objectMode: false },
    );
    stream.once('close', () => source.destroy());
    return stream;
  }

  async *#labeledChunks(
    source: Readable,
    { locator, label, ...part }: VerifiedPart,
  ): AsyncGenerator<Buffer, undefined> {
    try {
      yield* verifiedChunks(source as AsyncIterable<Buffer>, part);
    } catch (error) {
      const damage = { locator, kind: 'altered', size: part.size } as const;
      throw labelDamage(
        error instanceof ChunkDamaged ? await this.#damaged(damage) : await this.#reported(error, locator),
        label,
      );
    } finally {
      source.destroy();
    }
    return undefined;
  }

  async #sumsOf(locator: string): Promise<Buffer | undefined> {
    const known = this.#sums.get(locator);
    if (known !== undefined) return known;
    const kept = await this.#options.sums?.(locator);
    if (kept !== undefined) this.#holdSums(locator, kept);
    return kept;
  }

  async #keepSums(locator: string, sums: Buffer): Promise<void> {
    this.#holdSums(locator, sums);
    await this.#options.keepSums?.(locator, sums);
  }

  #holdSums(locator: string, sums: Buffer): void {
    this.#sumsBytes += sums.length - (this.#sums.get(locator)?.length ?? 0);
    this.#sums.delete(locator);
    this.#sums.set(locator, sums);
    for (const [oldest, { length }] of this.#sums) {
      if (this.#sumsBytes <= SUMS_BYTES) break;
      this.#sums.delete(oldest);
      this.#sumsBytes -= length;
    }
  }

  /**
   * Verifies an object that others read from its file: now, within a budget, or in the background after the
   * reader has started. @throws DaisError `content_damaged`, `content_missing`, `blobs_unavailable`.
   */
  async ensureVerified(locator: string, label?: BlobLabel): Promise<void> {
    const stat = await this.#requireStat(locator, label);
    if (this.#isTrusted(stat)) return;
    if (this.#takeBudget(stat.size)) await this.#checkFor(locator, label);
    else this.checkLater(locator);
  }

  async #requireStat(locator: string, label: BlobLabel | undefined): Promise<BlobStat> {
    const stat = await this.#store.stat(locator);
    if (stat === undefined) {
      const error = damageError('missing', locator);
      throw labelDamage(await this.#reported(error, locator), label);
    }
    return stat;
  }

  async #checkFor(locator: string, label: BlobLabel | undefined): Promise<void> {
    try {
      await this.check(locator);
    } catch (error) {
      throw labelDamage(error, label);
    }
  }

  checkLater(locator: string): void {
    if (this.#stop.signal.aborted || this.#waiting.size >= BACKGROUND_OBJECTS) return;
    this.#waiting.add(locator);
    this.#background ??= this.#checkWaiting().finally(() => (this.#background = undefined));
  }

  async check(locator: string, pace?: (bytes: number) => Promise<void>, signal?: AbortSignal): Promise<number> {
    const running = this.#running.get(locator) ?? this.#check(locator, pace, signal);
    this.#running.set(locator, running);
    try {
      return await running;
    } finally {
      this.#running.delete(locator);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the store is being closed'));
    await this.#background;
  }

  async #check(
    locator: string,
    pace: (bytes: number) => Promise<void> = async () => {},
    signal?: AbortSignal,
  ): Promise<number> {
    // Before the bytes: an object that is replaced meanwhile is not trusted.
    const stat = await this.#store.stat(locator);
    const expected = await this.#expected(locator);
    let bytes = 0;
    const isLarge = stat !== undefined && stat.size > WHOLE_FIRST_BYTES;
    const sums = isLarge && (await this.#sumsOf(locator)) === undefined ? new ChunkSums() : undefined;
    for await (const chunk of this.#verified(await this.#open(locator), { locator, expected })) {
      signal?.throwIfAborted();
      sums?.update(chunk);
      bytes += chunk.length;
      await pace(chunk.length);
    }
    if (this.#reportedHere.delete(locator)) await this.#options.intact(locator);
    if (stat !== undefined) this.#trust(stat);
    if (sums !== undefined) await this.#keepSums(locator, sums.end());
    return bytes;
  }

  async *#verified(source: Readable, { locator, expected, label }: VerifiedRead): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let size = 0;
    let held: Buffer | undefined;
    try {
      for await (const chunk of source as AsyncIterable<Buffer>) {
        hash.update(chunk);
        size += chunk.length;
        if (held !== undefined) yield held;
        held = chunk;
      }
    } catch (error) {
      throw labelDamage(await this.#reported(error, locator), label);
    } finally {
      source.destroy();
    }
    const sha256 = hash.digest('hex');
    const isRight =
      (expected.sha256 === null || expected.sha256 === sha256) && (expected.size === null || expected.size === size);
    if (!isRight) throw labelDamage(await this.#damaged({ locator, kind: 'altered', size }), label);
    if (held !== undefined) yield held;
  }

  async #open(locator: string, label?: BlobLabel): Promise<Readable> {
    try {
      return await this.#store.get(locator);
    } catch (error) {
      throw labelDamage(await this.#reported(error, locator), label);
    }
  }

  /** Reports what an error of the store says of the object, and returns what the reader receives. */
  async #reported(error: unknown, locator: string): Promise<unknown> {
    if (!(error instanceof DaisError)) return error;
    if (error.code === 'content_missing') await this.#options.report({ locator, kind: 'missing' });
    const isUnreadable = error.code === 'blobs_unavailable' && (error.cause as { code?: unknown })?.code === 'EIO';
    return isUnreadable ? await this.#damaged({ locator, kind: 'unreadable' }) : error;
  }

  async #damaged(damage: FoundDamage): Promise<DaisError> {
    await this.#options.report(damage);
    this.#reportedHere.add(damage.locator);
    // The reader may have opened it before it was repaired: the check in the background withdraws a wrong report.
    this.checkLater(damage.locator);
    return damageError(damage.kind, damage.locator);
  }

  async #expected(locator: string): Promise<ExpectedObject> {
    const sha256 = NAMED_BY_DIGEST.exec(locator)?.[1];
    if (sha256 !== undefined) return { sha256, size: null };
    return (await this.#options.expected(locator)) ?? { sha256: null, size: null };
  }

  #isTrusted({ locator, size, modifiedAt }: BlobStat): boolean {
    const trust = this.#trusted.get(locator);
    return trust?.size === size && trust.modifiedAt === modifiedAt.getTime() && this.#options.clock.now() < trust.until;
  }

  #trust({ locator, size, modifiedAt }: BlobStat): void {
    this.#trusted.delete(locator);
    this.#trusted.set(locator, {
      size,
      modifiedAt: modifiedAt.getTime(),
      until: this.#options.clock.now() + TRUST_MS,
    });
    if (this.#trusted.size <= TRUSTED) return;
    const [oldest] = this.#trusted.keys();
    if (oldest !== undefined) this.#trusted.delete(oldest);
  }

  #takeBudget(bytes: number): boolean {
    const now = this.#options.clock.now();
    if (now - this.#budget.from >= BUDGET_WINDOW_MS)
      Object.assign(this.#budget, { from: now, left: FOREGROUND_BUDGET });
    if (this.#budget.left < bytes) return false;
    this.#budget.left -= bytes;
    return true;
  }

  async #checkWaiting(): Promise<void> {
    const pace = pacer(this.#options.clock, BACKGROUND_BYTES_PER_SECOND, this.#stop.signal);
    for (const locator of this.#waiting) {
      this.#waiting.delete(locator);
      if (this.#stop.signal.aborted) return;
      // A damaged object was reported; what the store cannot say now, the scrub finds out.
      await this.#checkReported(locator, pace).catch(() => {});
    }
  }

  /** Like `check`, but an object that is still damaged is not queued another time. */
  async #checkReported(locator: string, pace: (bytes: number) => Promise<void>): Promise<void> {
    try {
      await this.check(locator, pace, this.#stop.signal);
    } finally {
      this.#waiting.delete(locator);
    }
  }
}
