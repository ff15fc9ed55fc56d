/** File operations of the store that are independent of blobs. */
import { constants } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { callbackify } from 'node:util';
import { DaisError } from '@dais/api';
import { fileError, errnoOf } from './fs-errors.ts';

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

/** 256 KiB reads: larger reads do not increase throughput, and a hundred readers use 25 MB. */
const READ_BYTES = 256 * 1024;

export interface ReadRequest {
  readonly handle: FileHandle;
  readonly root: string;
  readonly locator: string;
  readonly start: number;
  /** Number of bytes to return. */
  readonly length: number;
}

/**
 * Streams part of an open file and closes it. Unlike `createReadStream`, it returns every requested byte or fails, so that a
 * truncated file is not treated as complete.
 */
export function readFilePart(request: ReadRequest): Readable {
  const { handle, root, locator } = request;
  let position = request.start;
  const end = request.start + request.length;
  let reading: Promise<void> = Promise.resolve();

  async function readNext(stream: Readable): Promise<void> {
    const want = Math.min(READ_BYTES, end - position);
    if (want === 0) {
      stream.push(null);
      return;
    }
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(want), 0, want, position);
    if (bytesRead === 0) {
      const detail = `${locator} ends at byte ${position} of ${end} in ${root}: the file is truncated; restore it from a backup`;
      throw new DaisError('blobs_unavailable', detail);
    }
    position += bytesRead;
    stream.push(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
  }

  const closeAfterReading = callbackify(async () => {
    await reading;
    await handle.close().catch(() => {});
  });

  return new Readable({
    highWaterMark: READ_BYTES,
    read() {
      reading = readNext(this).catch((error: unknown) => {
        const known = fileError(error, root, 'reading a blob');
        this.destroy(known instanceof Error ? known : new Error(String(known)));
      });
    },
    destroy(error, done) {
      // The descriptor may be reused as soon as it is closed, so the active read must end first.
      closeAfterReading(() => done(error));
    },
  });
}
