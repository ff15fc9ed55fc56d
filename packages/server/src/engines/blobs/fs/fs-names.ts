/** Locators of the file store: `sha256:<hex>`. Nothing else ever becomes a path. */
import { createHash } from 'node:crypto';
import { checkProcess, processIdentity, type ProcessIdentity } from '#lib/system/process-identity.mjs';

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

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}';
/** The writer is missing on systems without process identities. */
export const TEMPORARY_NAME = new RegExp(`^${UUID}(?:\\.(\\d+)\\.(\\d+)\\.([0-9a-f]{16}))?$`);

let own: ProcessIdentity | undefined;

/**
 * Returns the name of a temporary file. It contains the identity of the writing process, so that leftovers of a killed process are
 * removed at the next start, not after two days: the output of a step can be as large as the disk.
 */
export function temporaryName(id: string): string {
  own ??= processIdentity(process.pid);
  return own === undefined ? id : `${id}.${own.pid}.${own.startTime}.${scopeOf(own)}`;
}

/**
 * Returns whether the process that wrote the file has ended. False when unknown, for a process of another machine or container.
 */
export function isAbandoned(name: string): boolean {
  own ??= processIdentity(process.pid);
  const [, pid, startTime, scope] = TEMPORARY_NAME.exec(name) ?? [];
  if (own === undefined || pid === undefined || startTime === undefined || scope !== scopeOf(own)) return false;
  return checkProcess({ ...own, pid: Number(pid), startTime }) === 'gone';
}

/** Identifies the scope in which a pid is unique: one boot of a machine, in one container. */
function scopeOf({ bootId, pidNamespace }: ProcessIdentity): string {
  return createHash('sha256').update(`${bootId} ${pidNamespace}`).digest('hex').slice(0, 16);
}
