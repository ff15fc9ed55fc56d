/**
 * The newest part of the masked output, in files whose names are their positions. The oldest file is removed when there are
 * too many. Writes are synchronous: they go to the page cache, and a queue would only hold the same bytes once more.
 */
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, truncateSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';

const FILES = 8;
const MIN_FILE_BYTES = 4096;

export interface LogPart {
  /** After the requested position when the output there was dropped. */
  readonly position: number;
  readonly bytes: Buffer;
}

export class LogStore {
  readonly #folder: string;
  readonly #fileBytes: number;
  /** Positions of the files. */
  readonly #files: number[];
  #current: number | undefined;
  #end: number;

  /** Continues at a position; what a killed agent wrote after it is removed. */
  constructor(folder: string, logBytes: number, end: number) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.#folder = folder;
    this.#fileBytes = Math.max(MIN_FILE_BYTES, Math.ceil(logBytes / FILES));
    this.#end = end;
    this.#files = readdirSync(folder)
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .toSorted((one, other) => one - other);
    while ((this.#files.at(-1) ?? -1) >= end) rmSync(this.#path(this.#files.pop() ?? 0));
    const last = this.#files.at(-1);
    if (last === undefined) return;
    const size = end - last;
    if (statSync(this.#path(last)).size >= size) truncateSync(this.#path(last), size);
    else throw new Error(`The log in ${folder} ends before position ${end}.`);
  }

  /** Position of the oldest kept output. */
  get start(): number {
    return this.#files[0] ?? this.#end;
  }

  get end(): number {
    return this.#end;
  }

  /** @throws the error of the system on a full disk; `end` shows how much was written. */
  append(bytes: Buffer): void {
    let rest = bytes;
    while (rest.length > 0) {
      const file = this.#writable();
      const used = this.#end - (this.#files.at(-1) ?? 0);
      const written = writeSync(file, rest, 0, Math.min(rest.length, this.#fileBytes - used), used);
      this.#end += written;
      rest = rest.subarray(written);
    }
  }

  /** Reads at most `maxBytes` from a position on; undefined at the end. */
  async read(position: number, maxBytes: number): Promise<LogPart | undefined> {
    const from = Math.max(position, this.start);
    const first = this.#files.findLast((file) => file <= from);
    if (first === undefined || from >= this.#end) return undefined;
    const next = this.#files.find((file) => file > from) ?? this.#end;
    const handle = await open(this.#path(first)).catch(() => undefined);
    // It was removed in this moment.
    if (handle === undefined) return await this.read(position, maxBytes);
    try {
      const size = Math.min(maxBytes, next - from);
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, from - first);
      return { position: from, bytes: buffer.subarray(0, bytesRead) };
    } finally {
      await handle.close();
    }
  }

  /** Makes space on a full disk, if more than the newest file is there. */
  dropOldest(): void {
    if (this.#files.length > 1) rmSync(this.#path(this.#files.shift() ?? 0), { force: true });
  }

  close(): void {
    if (this.#current !== undefined) closeSync(this.#current);
    this.#current = undefined;
  }

  #writable(): number {
    const last = this.#files.at(-1);
    if (last === undefined || this.#end - last >= this.#fileBytes) {
      this.close();
      const file = openSync(this.#path(this.#end), 'wx', 0o600);
      this.#current = file;
      this.#files.push(this.#end);
      if (this.#files.length > FILES) this.dropOldest();
      return file;
    }
    this.#current ??= openSync(this.#path(last), 'r+');
    return this.#current;
  }

  #path(position: number): string {
    return join(this.#folder, String(position));
  }
}
