/** The few requests from which `ObjectBlobStore` builds a blob store: implemented once for each API of an object store. */
import type { OpenedObject } from './resumed-read.ts';
import type { ByteRange } from './contract.ts';

export interface ObjectInfo {
  readonly size: number;
  readonly modifiedAt: Date;
}

export interface ListedObject extends ObjectInfo {
  readonly key: string;
}

/** An upload in parts. No object exists under its key before `complete`. */
export interface ObjectUpload {
  /** Sends part `index`, counted from 0. Only the last part may be smaller than `partBytes`. */
  send(index: number, bytes: Buffer, isLast: boolean): Promise<void>;
  complete(): Promise<void>;
  /** Removes all parts. */
  abort(): Promise<void>;
}

/** An upload that was neither completed nor aborted. */
export interface UnfinishedUpload {
  readonly key: string;
  readonly startedAt: Date;
  remove(): Promise<void>;
}

/** Every call throws DaisError `blobs_unavailable` or `storage_full` with the remedy, unless stated otherwise. */
export interface ObjectService {
  /** The store in errors: `container c of storage account a`. */
  readonly where: string;
  /** Bytes of one part of an upload. A blob up to this size is buffered in memory and sent in one request. */
  readonly partBytes: number;
  /** Maximum parts of one upload. */
  readonly maxParts: number;
  /** Maximum parts that are sent at the same time. */
  readonly parallelParts: number;
  /** The address of a key, for an operator. */
  addressOf(key: string): string;
  /** Stores an object and replaces an older one. */
  write(key: string, bytes: Buffer): Promise<void>;
  /** Stores an object unless there is one, in one atomic step. Does nothing if there is one. */
  writeNew(key: string, bytes: Buffer): Promise<void>;
  startUpload(key: string): Promise<ObjectUpload>;
  /** Copies inside the store and replaces an older object. Returns false when `from` does not exist. */
  copy(from: string, to: string): Promise<boolean>;
  /**
   * Opens a range of an object; undefined when there is no object.
   * @param version only these bytes: the result is undefined or an error if the object was replaced.
   * @throws DaisError `range_not_satisfiable`.
   */
  open(
    key: string,
    range: ByteRange | undefined,
    version: string | undefined,
    locator: string,
  ): Promise<OpenedObject | undefined>;
  head(key: string): Promise<ObjectInfo | undefined>;
  /** Deletes an object; a missing one is no error. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
  /** Lists the objects whose keys start with `prefix` and sort after `after`, in order of their keys. */
  list(prefix: string, after: string | undefined): AsyncIterable<ListedObject>;
  /** Lists unfinished uploads; absent when the store discards them itself. */
  readonly unfinished?: (prefix: string) => AsyncIterable<UnfinishedUpload>;
  /** Translates the error of a stream that `open` returned. */
  asError(error: unknown, doing: string): unknown;
  /** Signs a URL for a download; absent when the credentials cannot sign. */
  readonly presign?: (key: string, seconds: number, disposition: string) => Promise<string>;
}
