/** File operations of the store that know nothing of blobs. */
import { constants } from 'node:fs';
import { lstat, mkdir, open, readFile, unlink, type FileHandle } from 'node:fs/promises';
import { DaisError } from '@dais/api';
import { errnoOf } from './fs-errors.ts';

/** Writes all buffers at the end of the file. */
export async function writeAll(handle: FileHandle, batch: readonly Buffer[]): Promise<void> {
  const { bytesWritten } = await handle.writev(batch);
  const total = batch.reduce((sum, buffer) => sum + buffer.length, 0);
  if (bytesWritten === total) return;
  // A disk that fills up takes part of a write and refuses the next: ENOSPC comes from here.
  const rest = Buffer.concat(batch).subarray(bytesWritten);
  for (let at = 0; at < rest.length;) at += (await handle.write(rest, at)).bytesWritten;
}

/**
 * @throws DaisError `blobs_unavailable` when a link or something else stands there; the system's error when nothing does.
 */
export async function requireFolder(path: string): Promise<void> {
  const stat = await lstat(path);
  if (!stat.isDirectory()) {
    const what = stat.isSymbolicLink() ? 'a symbolic link' : 'not a folder';
    throw new DaisError(
      'blobs_unavailable',
      `${path} is ${what}; the blob store needs a real folder there`,
    );
  }
}

/** Makes one folder. A recursive mkdir hides ENOSPC behind another error. */
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

/** Closes and removes a temporary file; what cannot be removed is left to the sweep. */
export async function remove(path: string, handle?: FileHandle): Promise<void> {
  await handle?.close().catch(() => {});
  await unlink(path).catch(() => {});
}

/** Undefined when nobody has been entered. */
export async function readOwner(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, { encoding: 'utf8', flag: constants.O_RDONLY | constants.O_NOFOLLOW })).trim();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
