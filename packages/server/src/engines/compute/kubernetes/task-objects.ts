/**
 * The objects of tasks in the named objects of a blob store. Bytes of any size are stored in parts below the folder of their attempt: any process reads
 * them, a crash loses none that were stored, and they are deleted with the folder, so that no collector has to know them.
 */
import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api/errors';
import { Semaphore } from '#lib/concurrency/semaphore.ts';
import { deleteObjects, type StoredBytes, type TaskObjects } from './task-store.ts';

/** Interface: named objects of a blob store, at most 64 MiB each. */
export interface NamedStore {
  /** Durable when it resolves. Readers see the old or the new bytes. */
  put(name: string, bytes: Uint8Array): Promise<void>;
  /** @throws DaisError `content_missing` when there is none */
  get(name: string): Promise<Buffer>;
  /** Lists the objects below a folder (with its `/`) in the order of their names. */
  list(prefix: string): AsyncIterable<{ readonly name: string; readonly size: number; readonly modifiedAt: Date }>;
  /** Deleting a missing object succeeds. */
  delete(name: string): Promise<void>;
  /** Removes leftovers of interrupted puts. Returns their number. Absent when there are none. */
  sweep?(olderThanMs: number): Promise<number>;
}

const PART_BYTES = 8 * 2 ** 20;
/** Transfers of one process at the same time. Each has one part in memory, and a second one for a moment: at most 1 GiB. */
const TRANSFERS = 64;
/** Passed on at once to the reader of a part. */
const SLICE_BYTES = 256 * 1024;
/** Names sort like their numbers: 8 TB. */
const PART_DIGITS = 6;
const LOCATOR = /^((?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)+[0-9a-f-]{36}):(\d{1,6}):(\d{1,16})$/;

export interface TaskObjectsOptions {
  /** Bytes of one part, at most 64 MiB, default 8 MiB. */
  readonly partBytes?: number;
  /** Transfers at the same time; others wait. Default 64. */
  readonly transfers?: number;
}

export function openTaskObjects(
  store: NamedStore,
  { partBytes = PART_BYTES, transfers = TRANSFERS }: TaskObjectsOptions = {},
): TaskObjects {
  return new NamedTaskObjects(store, partBytes, new Semaphore(transfers));
}

class NamedTaskObjects implements TaskObjects {
  readonly #store: NamedStore;
  readonly #partBytes: number;
  readonly #transfers: Semaphore;

  constructor(store: NamedStore, partBytes: number, transfers: Semaphore) {
    this.#store = store;
    this.#partBytes = partBytes;
    this.#transfers = transfers;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    await this.#store.put(name, bytes);
  }

  async get(name: string): Promise<Buffer | undefined> {
    try {
      return await this.#store.get(name);
    } catch (error) {
      if (error instanceof DaisError && error.code === 'content_missing') return undefined;
      throw error;
    }
  }

  async *list(prefix: string): AsyncGenerator<string> {
    for await (const { name } of this.#store.list(prefix)) yield name;
  }

  async delete(name: string): Promise<void> {
    await this.#store.delete(name);
  }

  async putBytes(folder: string, source: Readable): Promise<StoredBytes> {
    // While it waits for its turn, an error is for the reader, not for the process.
    source.on('error', () => {});
    try {
      return await this.#transfers.run(async () => await this.#putParts(`${folder}/${randomUUID()}`, source));
    } finally {
      source.destroy();
    }
  }

  async getBytes(locator: string): Promise<Readable> {
    const [, folder = '', count = '', size = ''] = LOCATOR.exec(locator) ?? [];
    if (folder === '') throw missing(locator);
    const parts: { readonly name: string; readonly size: number }[] = [];
    for await (const part of this.#store.list(`${folder}/`)) parts.push(part);
    // Before the first byte, so that nobody takes the rest of deleted bytes for an interrupted transfer.
    const stored = parts.reduce((sum, part) => sum + part.size, 0);
    if (parts.length !== Number(count) || stored !== Number(size)) throw missing(locator);
    return Readable.from(this.#read(parts), { objectMode: false });
  }

  async #putParts(name: string, source: Readable): Promise<StoredBytes> {
    const hash = createHash('sha256');
    const names: string[] = [];
    let size = 0;
    try {
      for await (const part of partsOf(source, this.#partBytes)) {
        hash.update(part);
        size += part.length;
        names.push(partName(name, names.length));
        await this.#store.put(names.at(-1) ?? '', part);
      }
    } catch (error) {
      // What remains after a crash is deleted with the attempt.
      await deleteObjects(this.#store, names).catch(() => {});
      throw error;
    }
    return { locator: `${name}:${names.length}:${size}`, size, sha256: hash.digest('hex') };
  }

  /** Takes its turn with the first byte that somebody reads: a stream that nobody reads holds no memory. */
  async *#read(parts: readonly { readonly name: string; readonly size: number }[]): AsyncGenerator<Buffer> {
    const [turn, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    void this.#transfers.run(async () => {
      turn.resolve();
      await end.promise;
    });
    await turn.promise;
    try {
      for (const { name, size } of parts) {
        const bytes = await this.#store.get(name);
        if (bytes.length !== size) throw new DaisError('content_damaged', `The object ${name} is truncated.`);
        for (let at = 0; at < size; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
      }
    } finally {
      end.resolve();
    }
  }
}

function partName(name: string, index: number): string {
  return `${name}/${String(index).padStart(PART_DIGITS, '0')}`;
}

function missing(locator: string): DaisError {
  return new DaisError('content_missing', `The bytes ${locator} of a task were deleted.`);
}

/** Combines chunks into parts of the same size, and a smaller last one. */
async function* partsOf(source: Readable, partBytes: number): AsyncGenerator<Buffer> {
  let chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of source as AsyncIterable<Buffer>) {
    let rest = chunk;
    while (size + rest.length >= partBytes) {
      const taken = partBytes - size;
      chunks.push(rest.subarray(0, taken));
      const part = Buffer.concat(chunks);
      chunks = [];
      size = 0;
      yield part;
      rest = rest.subarray(taken);
    }
    if (rest.length > 0) chunks.push(rest);
    size += rest.length;
  }
  if (size > 0) yield Buffer.concat(chunks);
}
