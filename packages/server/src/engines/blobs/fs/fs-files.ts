/** File operations of the store that are independent of blobs. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readFile, unlink, type FileHandle } from 'node:fs/promises';
import { DaisError } from '@dais/api';
import { errnoOf } from './fs-errors.ts';

/** Writes all buffers at the end of the file. */
export async function writeAll(handle: FileHandle, batch: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await handle.writev(batch);
  const total = batch.reduce((sum, buffer) => sum + buffer.length, 0);
  if (bytesWritten === total) return;
  // A disk that fills up accepts a part of a write and fails the next one with ENOSPC here.
  const rest = Buffer.concat(batch).subarray(bytesWritten);
  for (let at = 0; at < rest.length;) at += (await handle.write(rest, at)).bytesWritten;
}

/**
 * @throws DaisError `blobs_unavailable` when the path is a link or not a folder; the system error when it does not exist.
 */
export async function requireFolder(path: string): Promise<void> {
  const stat = await lstat(path);
  if (!stat.isDirectory()) {
    const what = stat.isSymbolicLink() ? 'a symbolic link' : 'not a folder';
    throw new DaisError('blobs_unavailable', `${path} is ${what}; the blob store needs a real folder there`);
  }
}

/** Creates one folder. A recursive mkdir hides ENOSPC behind another error. */
export async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw error;
  }
}

/** Makes the entries of a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Closes and removes a temporary file; the sweep removes leftovers. */
export async function remove(path: string, handle?: FileHandle): Promise<void> {
  await handle?.close().catch(() => {});
  await unlink(path).catch(() => {});
}

/** Returns the recorded owner; undefined when there is none. */
export async function readOwner(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, { encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NOFOLLOW })).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
