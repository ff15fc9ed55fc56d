/**
 * The blob engine stores bytes under opaque locators. It has no projects, references or quotas (kernel/content does). The
 * engine creates locators; no part of one ever comes from a user. For a locator that this store cannot have created, `get`
 * throws `content_missing`, `stat` returns undefined and `delete` does nothing.
 */
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';

export interface StoredBlob {
  /** Opaque: only this engine interprets it. Printable ASCII, <= 512 characters. */
  readonly locator: string;
  readonly size: number;
  /** Lower-case hex SHA-256 of the bytes, computed during the write. */
  readonly sha256: string;
  /** Checksums of the chunks of an object above `WHOLE_FIRST_BYTES`; they verify ranges. */
  readonly sums?: Buffer;
}

/**
 * An object up to this size is read completely before its first range: 32 MiB take 19 ms of CPU. Larger objects have checksums
 * of chunks.
 */
export const WHOLE_FIRST_BYTES = 32 * 2 ** 20;

/** Bytes that the store has read and measured, but that are not available under a locator yet. */
export interface StagedBlob extends StoredBlob {
  /**
   * Publishes the bytes under the locator; durable when it resolves. They replace an object of the same locator, so that an
   * upload of the correct bytes repairs a damaged object. The caller may repeat it after a failure.
   * @throws DaisError `storage_full`, `blobs_unavailable`.
   */
  commit(): Promise<void>;
  /** Discards the bytes; does nothing after `commit`. Never throws: `sweep` removes leftovers. */
  discard(): Promise<void>;
}

/** The properties of the bytes that the sender declares. */
export interface ExpectedBytes {
  /** Lower-case hex SHA-256. */
  readonly sha256?: string;
  readonly maxBytes?: number;
}

export interface BlobStat {
  readonly locator: string;
  readonly size: number;
  /** When the bytes were stored, by the clock of the store. */
  readonly modifiedAt: Date;
}

export interface StoreOwner {
  readonly id: string;
  /** Where the owner is recorded, for an operator: after its removal another owner can be recorded. */
  readonly place: string;
}

/** An inclusive range of bytes, already checked against the size of the blob: 0 <= start <= end < size. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The name of an object for users: `verifiedBlobs` uses it in errors, stores do not need it. */
export type BlobLabel = string;

/** Returns the label of an object. `owner`: its display name, if it has one. Names that are digests are omitted. */
export function blobLabel(name: string, owner: string | undefined): BlobLabel {
  if (owner === undefined) return name;
  return /^[0-9a-f]{64}$/.test(name) ? `a file of ${owner}` : `file ${name} of ${owner}`;
}

export interface BlobStore {
  /**
   * Reads `source` to its end with constant memory and publishes nothing, so that the caller can record the locator before the
   * blob exists. A source that fails or is destroyed leaves no data; the source is always destroyed afterwards.
   * @throws DaisError `storage_full`, `digest_mismatch` (bytes differ from `expected.sha256`), `too_large` (more than
   *   `expected.maxBytes`), `blobs_unavailable`; the source's own error when the source fails.
   */
  stage(source: Readable, expected?: ExpectedBytes): Promise<StagedBlob>;
  /**
   * Combines `stage` and `commit`. Content-addressed: the same bytes get the same locator and are stored once, also when they
   * are written concurrently. A failed or aborted put leaves nothing that `get` can return.
   * @throws DaisError as `stage` and `commit` do.
   */
  put(source: Readable, expected?: ExpectedBytes): Promise<StoredBlob>;
  /**
   * Streams a blob or a range of it. If a blob is deleted during the read, the stream completes or fails, but never ends early:
   * it returns every requested byte or an error (`blobs_unavailable`, `content_missing`).
   * @throws DaisError `content_missing` when there is none, `blobs_unavailable`.
   */
  get(locator: string, range?: ByteRange, label?: BlobLabel): Promise<Readable>;
  /** Undefined when there is no such blob. @throws DaisError `blobs_unavailable`. */
  stat(locator: string): Promise<BlobStat | undefined>;
  /**
   * Deletes a blob; deleting a missing blob succeeds. Idempotent. After `signal` aborts, nothing more is sent and the call
   * rejects: the deletion lease of the caller may have ended.
   * @throws DaisError `blobs_unavailable`.
   */
  delete(locator: string, signal?: AbortSignal): Promise<void>;
  /** Lists all blobs after `after` in locator order, for garbage collection and backup. Unfinished puts are not listed. */
  list(after?: string): AsyncIterable<BlobStat>;
  /** Removes leftovers of puts that a crash interrupted more than `olderThanMs` ago. Returns their number. */
  sweep(olderThanMs: number): Promise<number>;
  /**
   * Records `id` (printable ASCII without spaces) as the owner of the store, unless it has one, and returns the owner. Only the
   * owner deletes unknown objects: two installations on one store would collect each other's content as garbage. Idempotent; of
   * two concurrent calls one wins.
   * @throws DaisError `storage_full`, `blobs_unavailable`.
   */
  claimFor(id: string): Promise<StoreOwner>;
  /** Resolves if the store is readable and writable; throws `blobs_unavailable` or `storage_full` with the remedy otherwise. */
  check(): Promise<void>;
  /** Ends idle connections; running calls may fail. Idempotent. */
  close(): Promise<void>;
}

/** Optional capability of stores whose blobs are local files. */
export interface LocalBlobs {
  /**
   * Returns the path of the read-only file that contains exactly the bytes of a blob. Undefined for a
   * foreign locator. The store itself does not check that the file exists; `verifiedBlobs` checks its bytes too.
   * @throws DaisError `content_damaged` (`verifiedBlobs` only).
   */
  localPath(locator: string, label?: BlobLabel): Promise<string | undefined>;
  /** Returns the free bytes of the disk that Dais may use. @throws DaisError `blobs_unavailable`. */
  freeBytes(): Promise<number>;
}

/** Adds the label of the damaged object and a remedy to the error of a reader. Returns other errors unchanged. */
export function labelDamage(error: unknown, label: BlobLabel | undefined): unknown {
  if (label === undefined || !(error instanceof DaisError) || labeled.has(error)) return error;
  const state = { content_damaged: 'damaged', content_missing: 'missing' }[error.code as string];
  if (state === undefined) return error;
  const what = `${label[0]?.toUpperCase()}${label.slice(1)} is ${state}`;
  const why = error.message.replace(/^The object/, 'the object');
  const labeledError = new DaisError(
    error.code,
    `${what}: ${why} Upload the same bytes again, or restore them from a backup.`,
  );
  labeled.add(labeledError);
  return labeledError;
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

/** Damage of a stored object that a reader found. */
export interface FoundDamage {
  readonly locator: string;
  readonly kind: DamageKind;
  /** Bytes that the store returned; undefined when it returned none. */
  readonly size?: number;
}

/** The expected size and digest of an object; null where unknown. */
export interface ExpectedObject {
  readonly sha256: string | null;
  readonly size: number | null;
}

/**
 * Optional capability of stores that clients can access directly: all of it in S3; only downloads in Azure and Google Cloud, with
 * a key that can sign.
 */
export interface PresignedUploads {
  /**
   * Starts a direct upload by a client: one PUT of `partBytes` (the last part may be smaller) to each URL in order; the client
   * keeps the ETag of each response. The digest is unknown until `verify` has read the bytes.
   * @throws DaisError `too_large` (more than 10,000 parts), `invalid_request` (part size outside 5 MiB to 5 GiB),
   *   `blobs_unavailable`.
   */
  begin(size: number, partBytes: number): Promise<PresignedUpload>;
  /**
   * Completes the upload. Repeating it after a success returns the same result.
   * @throws DaisError `invalid_request` when parts are missing, `blobs_unavailable`.
   */
  complete(
    upload: PresignedUpload,
    etags: readonly string[],
  ): Promise<{ readonly locator: string; readonly size: number }>;
  /** Aborts the upload. Idempotent. */
  abort(upload: PresignedUpload): Promise<void>;
  /** Reads the whole blob and returns its digest. @throws DaisError `content_missing`, `blobs_unavailable`. */
  verify(locator: string): Promise<StoredBlob>;
  /**
   * Returns a URL for a direct download, valid for `seconds` (at most 7 days); the browser saves the file as `fileName` and
   * never displays it. Does not check whether the blob exists. @throws DaisError `content_missing` for a foreign locator.
   */
  presignGet(locator: string, seconds: number, fileName?: string): Promise<string>;
}

/** Plain data, so that it can be stored between requests. `urls` are secrets while they are valid. */
export interface PresignedUpload {
  readonly locator: string;
  readonly uploadId: string;
  /** The declared size; `complete` rejects any other size. */
  readonly size: number;
  readonly urls: readonly string[];
}

export interface VerificationOptions {
  readonly clock: Clock;
  /** Returns the expected size and digest of an object whose locator does not contain its digest. */
  expected(locator: string): Promise<ExpectedObject | undefined>;
  /** Records damage; awaited before the reader receives the error. */
  report(damage: FoundDamage): Promise<void>;
  /**
   * Returns the chunk checksums of a large object; undefined when none are stored. Absent: checksums are kept in memory only.
   */
  sums?(locator: string): Promise<Buffer | undefined>;
  /** Stores checksums. Never throws: without them an object is read completely before its next range. */
  keepSums?(locator: string, sums: Buffer): Promise<void>;
  /** Withdraws a damage report: the whole object was read and is intact. */
  intact(locator: string): Promise<void>;
}

export interface VerifiedBlobs extends BlobStore, Partial<LocalBlobs>, Partial<PresignedUploads> {
  /**
   * Verifies a whole object and reports damage. Returns the number of bytes read.
   * @throws DaisError `content_damaged`, `content_missing`, `blobs_unavailable`; the reason of `signal`.
   */
  checkObject(locator: string, pace?: (bytes: number) => Promise<void>, signal?: AbortSignal): Promise<number>;
}

export interface NamedObject {
  readonly name: string;
  readonly size: number;
  /** When the object was stored, by the clock of the store. */
  readonly modifiedAt: Date;
}

/** What named objects are for. In a bucket each family has its own prefix, next to those of content, which lists only its own. */
export type ObjectFamily = 'archive' | 'tasks';

/**
 * Objects of at most 64 MiB under names that the caller chooses: for what must be found without a database. A name consists of
 * parts of letters, digits, `.`, `_` and `-`, separated by `/`; no part starts with a dot.
 */
export interface NamedObjects {
  /** Stores an object or replaces it; durable when it resolves. Readers see the old or the new bytes. Idempotent. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** @throws DaisError `content_missing` when there is none, `blobs_unavailable`. */
  get(name: string): Promise<Buffer>;
  /** Lists the objects below the folder `prefix` (with its `/`, or empty) in the order of their names. */
  list(prefix: string): AsyncIterable<NamedObject>;
  /** Deletes an object; deleting a missing one succeeds. */
  delete(name: string): Promise<void>;
  /**
   * Removes leftovers of puts that a crash interrupted more than `olderThanMs` ago. Returns their number. Absent when an interrupted put leaves
   * nothing.
   */
  sweep?(olderThanMs: number): Promise<number>;
  /** Ends idle connections. Idempotent. */
  close(): Promise<void>;
}

/** @throws RangeError for a name that no store may interpret. */
export function requireObjectName(name: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]*(?:\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/.test(name)) return name;
  throw new RangeError(`not the name of an object: ${name}`);
}
