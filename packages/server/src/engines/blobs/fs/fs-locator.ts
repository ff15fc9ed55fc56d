/** Locators of the file store: `sha256:<hex>`. Nothing else ever becomes a path. */
const LOCATOR = /^sha256:([0-9a-f]{64})$/;

/** Names of folders on both levels: with 10 M blobs, each of the 65,536 folders contains about 150 files. */
export const FOLDER_NAME = /^[0-9a-f]{2}$/;
export const BLOB_NAME = /^[0-9a-f]{64}$/;

export function toLocator(sha256: string): string {
  return `sha256:${sha256}`;
}

/** Returns the digest in a locator; undefined when this store cannot have created it. */
export function digestOf(locator: string): string | undefined {
  return LOCATOR.exec(locator)?.[1];
}

export interface BlobPath {
  /** First-level folder, `ab`. */
  readonly outer: string;
  /** Second-level folder, `cd`. */
  readonly inner: string;
  /** The 64 hex digits. */
  readonly name: string;
}

export function pathOf(sha256: string): BlobPath {
  return { outer: sha256.slice(0, 2), inner: sha256.slice(2, 4), name: sha256 };
}

/**
 * Returns the digest after which a listing starts. Undefined when it starts at the beginning (no `after`, or a locator of a
 * store whose locators sort before these).
 */
export function digestAfter(after: string | undefined): string | undefined {
  if (after === undefined || after < 'sha256:') return undefined;
  return after.startsWith('sha256:') ? after.slice('sha256:'.length) : '~';
}
