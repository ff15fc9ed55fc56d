/**
 * The blob engine: bytes by opaque locator. It knows nothing of projects, references or quotas (kernel/content does).
 * Locators are made by the engine; no part of one ever comes from a user. A locator that this store could not have made
 * names nothing here: `get` throws `content_missing`, `stat` gives undefined, `delete` has nothing to do.
 */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';

export interface StoredBlob {
  /** Opaque: only this engine understands it. Printable ASCII, <= 512 characters. */
  readonly locator: string;
  readonly size: number;
  /** Lower-case hex SHA-256 of the bytes, computed while they passed through. */
  readonly sha256: string;
  /** Of an object above `WHOLE_FIRST_BYTES`: sums of its chunks, by which ranges are verified. */
  readonly sums?: Buffer;
}

/** Up to this size an object is read whole before its first range: 32 MiB take 19 ms of CPU. Larger ones have sums of chunks. */
export const WHOLE_FIRST_BYTES = 32 * 2 ** 20;

/** Bytes that the store has read and measured but that no locator gives yet. */
export interface StagedBlob extends StoredBlob {
  /**
   * Makes the bytes what the locator gives; durable when it resolves. They replace an object of the same locator, so
   * that uploading the right bytes repairs a damaged one. May be repeated after a failure.
   * @throws DaisError `storage_full`, `blobs_unavailable`.
   */
  commit(): Promise<void>;
  /** Gives the bytes up; nothing after `commit`. Never throws: what it cannot remove is left to `sweep`. */
  discard(): Promise<void>;
}

/** What the sender says of the bytes. */
export interface ExpectedBytes {
  /** Lower-case hex SHA-256. */
  readonly sha256?: string;
  readonly maxBytes?: number;
}

export interface BlobStat {
  readonly locator: string;
  readonly size: number;
  /** When the bytes came, by the clock of the store. */
  readonly modifiedAt: Date;
}

export interface StoreOwner {
  readonly id: string;
  /** Where the owner is entered, for a person: removing it lets another one in. */
  readonly place: string;
}

/** An inclusive range of bytes, already checked against the size of the blob: 0 <= start <= end < size. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What people call an object: `verifiedBlobs` names it in errors, stores do not need it. */
export type BlobLabel = string;

/** `owner`: what people call it, if they do. Names that are digests say nothing to people. */
export function blobLabel(name: string, owner: string | undefined): BlobLabel {
  if (owner === undefined) return name;
  return /^[0-9a-f]{64}$/.test(name) ? `a file of ${owner}` : `file ${name} of ${owner}`;
}

export interface BlobStore {
  /**
   * Reads `source` to its end with flat memory (any size) without making anything visible, so that the caller can
   * record the locator before the blob exists. A source that fails or is destroyed leaves nothing behind; the source is
   * always destroyed afterwards.
   * @throws DaisError `storage_full`, `digest_mismatch` (bytes differ from `expected.sha256`), `too_large`
   *   (more than `expected.maxBytes`), `blobs_unavailable`; the source's own error when the source fails.
   */
  stage(source: Readable, expected?: ExpectedBytes): Promise<StagedBlob>;
  /**
   * `stage` and `commit` in one. Content-addressed: the same bytes give the same locator and are kept once, also when
   * they come at the same time. A failed or aborted put leaves nothing that `get` could return.
   * @throws DaisError as `stage` and `commit` do.
   */
  put(source: Readable, expected?: ExpectedBytes): Promise<StoredBlob>;
  /**
   * Streams a blob, whole or a range. A blob that is deleted meanwhile may still be read to its end or fail, but never
   * ends early: the stream gives every byte asked for or an error (`blobs_unavailable`, `content_missing`).
   * @throws DaisError `content_missing` when there is none, `blobs_unavailable`.
   */
  get(locator: string, range?: ByteRange, label?: BlobLabel): Promise<Readable>;
  /** Undefined when there is no such blob. @throws DaisError `blobs_unavailable`. */
  stat(locator: string): Promise<BlobStat | undefined>;
  /**
   * Deletes a blob; deleting what is not there succeeds. Idempotent. Once `signal` is aborted nothing more is sent and
   * the call rejects: the caller's right to delete may have ended.
   * @throws DaisError `blobs_unavailable`.
   */
  delete(locator: string, signal?: AbortSignal): Promise<void>;
  /** Every blob in locator order, from after `after`; for collection and backup. Unfinished puts are not listed. */
  list(after?: string): AsyncIterable<BlobStat>;
  /** Removes the remains of puts that a crash interrupted more than `olderThanMs` ago. Returns how many. */
  sweep(olderThanMs: number): Promise<number>;
  /**
   * Enters `id` (printable ASCII without blanks) as the owner of the store, unless there is one already, and gives the
   * owner. Only the owner deletes what it does not know: two installations on one store would take each other's content
   * for garbage. Idempotent; of two at the same time one wins.
   * @throws DaisError `storage_full`, `blobs_unavailable`.
   */
  claimFor(id: string): Promise<StoreOwner>;
  /** Resolves when the store can be written and read; throws `blobs_unavailable` or `storage_full` with the remedy. */
  check(): Promise<void>;
  /** Ends idle connections; running calls may fail. Idempotent. */
  close(): Promise<void>;
}

/** Optional ability of stores whose blobs are files of this machine. */
export interface LocalBlobs {
  /**
   * Returns the path of the file that holds exactly the bytes of a blob; to be read, never written. Undefined for a
   * foreign locator. The store itself does not check that the file exists; `verifiedBlobs` checks its bytes too.
   * @throws DaisError `content_damaged` (`verifiedBlobs` only).
   */
  localPath(locator: string, label?: BlobLabel): Promise<string | undefined>;
  /** Free bytes of the disk that holds them, as far as Dais may use it. @throws DaisError `blobs_unavailable`. */
  freeBytes(): Promise<number>;
}

/** Returns the error of a reader with what people call the damaged object, and what to do. Other errors stay as they are. */
export function labelDamage(error: unknown, label: BlobLabel | undefined): unknown {
  if (label === undefined || !(error instanceof DaisError) || labeled.has(error)) return error;
  const state = { content_damaged: 'damaged', content_missing: 'missing' }[error.code as string];
  if (state === undefined) return error;
  const what = `${label[0]?.toUpperCase()}${label.slice(1)} is ${state}`;
  const why = error.message.replace(/^The object/, 'the object');
  const told = new DaisError(error.code, `${what}: ${why} Upload the same bytes again, or restore them from a backup.`);
  labeled.add(told);
  return told;
}

const labeled = new WeakSet<DaisError>();

export const damageKinds = ['missing', 'truncated', 'altered', 'unreadable'] as const;
export type DamageKind = (typeof damageKinds)[number];

const FINDINGS: Readonly<Record<DamageKind, string>> = {
  missing: 'is not in the blob store',
  truncated: 'is truncated',
  altered: 'does not match its digest',
  unreadable: 'cannot be read from its disk',
};

export function damageError(kind: DamageKind, object: string): DaisError {
  return new DaisError(
    kind === 'missing' ? 'content_missing' : 'content_damaged',
    `The object ${object} ${FINDINGS[kind]}.`,
  );
}

/** What a reader found wrong with a stored object. */
export interface FoundDamage {
  readonly locator: string;
  readonly kind: DamageKind;
  /** Bytes that the store returned; undefined when it returned none. */
  readonly size?: number;
}

/** What the bytes of an object must be; null where it is not known. */
export interface ExpectedObject {
  readonly sha256: string | null;
  readonly size: number | null;
}

/** Optional ability of stores that clients can reach themselves (S3). */
export interface PresignedUploads {
  /**
   * Starts an upload that a client makes by itself: one PUT of `partBytes` (the last one less) to each URL in order,
   * keeping the ETag of each answer. The digest stays unknown until `verify` has read the bytes.
   * @throws DaisError `too_large` (more than 10,000 parts), `invalid_request` (part size outside 5 MiB to 5 GiB),
   *   `blobs_unavailable`.
   */
  begin(size: number, partBytes: number): Promise<PresignedUpload>;
  /**
   * Joins the parts. Repeating it after it succeeded gives the same answer.
   * @throws DaisError `invalid_request` when the parts are not all there, `blobs_unavailable`.
   */
  complete(
    upload: PresignedUpload,
    etags: readonly string[],
  ): Promise<{ readonly locator: string; readonly size: number }>;
  /** Gives the upload up. Idempotent. */
  abort(upload: PresignedUpload): Promise<void>;
  /** Reads the whole blob and gives its digest. @throws DaisError `content_missing`, `blobs_unavailable`. */
  verify(locator: string): Promise<StoredBlob>;
  /**
   * A URL for a direct download, valid for `seconds` (at most 7 days); the browser saves it as `fileName` and never
   * shows it. Whether the blob exists is not asked. @throws DaisError `content_missing` for a foreign locator.
   */
  presignGet(locator: string, seconds: number, fileName?: string): Promise<string>;
}

/** Plain data, so that it can be stored between requests. `urls` are secrets while they are valid. */
export interface PresignedUpload {
  readonly locator: string;
  readonly uploadId: string;
  /** What was announced; `complete` refuses anything else. */
  readonly size: number;
  readonly urls: readonly string[];
}

export interface VerificationOptions {
  readonly clock: Clock;
  /** What is known of an object whose locator does not contain its digest. */
  expected(locator: string): Promise<ExpectedObject | undefined>;
  /** Records damage; awaited before the reader receives the error. */
  report(damage: FoundDamage): Promise<void>;
  /** The sums of the chunks of a large object; undefined when none are kept. Absent: they are kept in memory only. */
  sums?(locator: string): Promise<Buffer | undefined>;
  /** Keeps them. Never throws: without them an object is read whole before its next range. */
  keepSums?(locator: string, sums: Buffer): Promise<void>;
  /** Withdraws what was reported from here: the object was read whole and is as it should be. */
  intact(locator: string): Promise<void>;
}

export interface VerifiedBlobs extends BlobStore, Partial<LocalBlobs>, Partial<PresignedUploads> {
  /**
   * Reads a whole object and reports what it finds. Returns the number of bytes read.
   * @throws DaisError `content_damaged`, `content_missing`, `blobs_unavailable`; the reason of `signal`.
   */
  checkObject(locator: string, pace?: (bytes: number) => Promise<void>, signal?: AbortSignal): Promise<number>;
}
