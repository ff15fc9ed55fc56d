import { Readable } from 'node:stream';
import { callbackify } from 'node:util';
import type { FileHandle } from 'node:fs/promises';
import { DaisError } from '@dais/api';
import { fileError } from './fs-errors.ts';

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
