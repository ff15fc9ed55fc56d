/**
 * A blob store whose readers never receive damaged bytes as if they were whole: bytes are hashed while they are sent,
 * and every object that is found damaged is reported.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import { pacer } from '#lib/pacer.ts';
import {
  labelDamage,
  type BlobLabel,
  type BlobStat,
  type BlobStore,
  type ByteRange,
  type ExpectedObject,
  type FoundDamage,
  type LocalBlobs,
  type PresignedUploads,
  type VerificationOptions,
  type VerifiedBlobs,
} from './contract.ts';

/** Hashing 32 MiB takes 17 ms of CPU (0.53 ms/MiB): nobody notices it before the first range of an object. */
const FOREGROUND_BYTES = 32 * 2 ** 20;
/** Objects that many readers want at once are checked later than they are read, beyond 0.14 s of CPU in 10 s. */
const FOREGROUND_BUDGET = 256 * 2 ** 20;
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
    stage: async (source, expected) => await store.stage(source, expected),
    put: async (source, expected) => await store.put(source, expected),
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
  readonly #stop = new AbortController();
  readonly #budget = { from: 0, left: 0 };
  #background: Promise<void> | undefined;

  constructor(store: BlobStore, options: VerificationOptions) {
    this.#store = store;
    this.#options = options;
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
    await this.ensureVerified(locator, label);
    try {
      return await this.#store.get(locator, range);
    } catch (error) {
      // The caller checked the range against the size that was stored: the object has become shorter.
      if (error instanceof DaisError && error.code === 'range_not_satisfiable') await this.#checkFor(locator, label);
      throw labelDamage(await this.#reported(error, locator), label);
    }
  }

  /**
   * Verifies an object of which a reader takes what it likes: small ones now, larger ones in the background after the
   * reader has started. @throws DaisError `content_damaged`, `content_missing`, `blobs_unavailable`.
   */
  async ensureVerified(locator: string, label?: BlobLabel): Promise<void> {
    const stat = await this.#store.stat(locator);
    if (stat === undefined) {
      const error = new DaisError('content_missing', `The object ${locator} is not in the store.`);
      throw labelDamage(await this.#reported(error, locator), label);
    }
    if (this.#isTrusted(stat)) return;
    if (stat.size <= FOREGROUND_BYTES && this.#takeBudget(stat.size)) await this.#checkFor(locator, label);
    else this.checkLater(locator);
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
    for await (const chunk of this.#verified(await this.#open(locator), { locator, expected })) {
      signal?.throwIfAborted();
      bytes += chunk.length;
      await pace(chunk.length);
    }
    if (this.#reportedHere.delete(locator)) await this.#options.intact(locator);
    if (stat !== undefined) this.#trust(stat);
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
    const what = damage.kind === 'unreadable' ? 'cannot be read from its disk' : 'has other bytes than were stored';
    return new DaisError('content_damaged', `The object ${damage.locator} ${what}.`);
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
