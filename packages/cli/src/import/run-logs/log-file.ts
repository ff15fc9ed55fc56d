/** Finds log files below a folder and reads them. */
import { createReadStream } from 'node:fs';
import { constants, open, opendir, lstat, realpath, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { DaisError } from '@dais/api';

export interface LogFile {
  /** Relative to the folder of the search, with `/` between its parts. */
  readonly path: string;
  readonly absolute: string;
  /** When the file was found. A training that is in progress appends to it later. */
  readonly size: number;
  readonly modifiedAt: number;
}

const DEEPEST = 16;
const LONGEST_SEARCH = 1_000_000;
const WINDOW = 1 << 20;

/**
 * Lists the regular files below a folder whose path matches, in the order of their paths. It follows no links, so that
 * nothing outside of the folder is read. @throws DaisError `not_found`, `too_large`
 */
export async function findFiles(
  folder: string,
  matches: (path: string) => boolean,
  { onLink = () => {} }: { readonly onLink?: () => void } = {},
): Promise<LogFile[]> {
  const found: LogFile[] = [];
  const folders = [{ path: '', depth: 0 }];
  let seen = 0;
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    for await (const entry of await opendir(join(folder, next.path))) {
      if (++seen > LONGEST_SEARCH) {
        const detail = `${folder} contains more than ${LONGEST_SEARCH} files and folders. Import a subfolder.`;
        throw new DaisError('too_large', detail);
      }
      const path = next.path === '' ? entry.name : `${next.path}/${entry.name}`;
      if (entry.isDirectory() && next.depth < DEEPEST) folders.push({ path, depth: next.depth + 1 });
      else if (entry.isSymbolicLink()) onLink();
      else if (entry.isFile() && matches(path)) found.push(await logFile(join(folder, path), path));
    }
  }
  return found.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

export async function logFile(absolute: string, path: string): Promise<LogFile> {
  const { size, mtimeMs } = await lstat(absolute);
  return { path, absolute, size, modifiedAt: Math.floor(mtimeMs) };
}

/** Resolves the value of `--from` to an existing file or folder. @throws DaisError `file_not_found` */
export async function existing(path: string): Promise<{ readonly path: string; readonly isFolder: boolean }> {
  const real = await realpath(path).catch(() => undefined);
  if (real === undefined) throw new DaisError('file_not_found', `Not found: ${path}.`);
  return { path: real, isFolder: (await lstat(real)).isDirectory() };
}

/** Streams the bytes that the file had when it was found: later ones come with the next import. */
export function streamFile({ absolute, size }: LogFile): Readable {
  return createReadStream(absolute, { flags: 'r', start: 0, end: Math.max(0, size - 1) });
}

/** Reads a file forward through one buffer. */
export class FileReader {
  readonly size: number;
  readonly #handle: FileHandle;
  #window = Buffer.alloc(0);
  #windowAt = 0;
  position = 0;

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  static async open({ absolute, size }: LogFile): Promise<FileReader> {
    // A link that replaced the file since it was found is not followed.
    return new FileReader(await open(absolute, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0)), size);
  }

  /** Returns the next bytes. Undefined: the file ends before. */
  async take(length: number): Promise<Buffer | undefined> {
    if (this.position + length > this.size) return undefined;
    const from = this.position - this.#windowAt;
    if (from < 0 || from + length > this.#window.length) {
      const window = Buffer.allocUnsafe(Math.min(Math.max(WINDOW, length), this.size - this.position));
      let filled = 0;
      while (filled < window.length) {
        const { bytesRead } = await this.#handle.read(window, filled, window.length - filled, this.position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      [this.#window, this.#windowAt] = [window.subarray(0, filled), this.position];
    }
    const start = this.position - this.#windowAt;
    if (start + length > this.#window.length) return undefined;
    this.position += length;
    return this.#window.subarray(start, start + length);
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}
