/**
 * Reads a folder of this machine that clients write to directly. Files outside of it are never returned, also through
 * links: paths are resolved, and opened files are checked again.
 */
import { constants, type Stats } from 'node:fs';
import { lstat, open, readdir, readlink, realpath, stat, type FileHandle } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { Download } from '#kernel/content/download.ts';
import type { FolderEntry } from '../artifact-tree.ts';

const READ_BYTES = 256 * 1024;

export class ArtifactFolder {
  readonly #root: string;

  /** @param root absolute path, which can be a link itself. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Lists the direct children by name, after `after`. Empty if the folder does not exist. */
  async list(
    parts: readonly string[],
    { limit, after }: { readonly limit: number; readonly after: string },
  ): Promise<{ readonly items: readonly FolderEntry[]; readonly last?: string }> {
    const resolved = await this.#find(parts);
    if (resolved === undefined || !resolved.stats.isDirectory()) return { items: [] };
    const names = (await withReadErrors(readdir(resolved.path))).filter((name) => name > after).sort();
    const page = names.slice(0, limit);
    const items: FolderEntry[] = [];
    for (const name of page) {
      const entry = await this.#entry([...parts, name], name);
      if (entry !== undefined) items.push(entry);
    }
    const last = page.at(-1);
    return { items, ...(names.length > limit && last !== undefined && { last }) };
  }

  /** @throws DaisError `not_found`, `unsafe_path`, `invalid_state` when the server may not read it. */
  async read(parts: readonly string[]): Promise<Download & { readonly sha256: null }> {
    const { size } = (await this.#file(parts)).stats;
    return {
      size,
      sha256: null,
      open: async (range) => {
        const { start, end } = range ?? { start: 0, end: size - 1 };
        return Readable.from(bytesOf(await this.#open(parts), start, end + 1), { objectMode: false });
      },
    };
  }

  /** Omits entries that lead outside, or that are neither files nor folders. */
  async #entry(parts: readonly string[], name: string): Promise<FolderEntry | undefined> {
    try {
      const found = await this.#find(parts);
      if (found?.stats.isDirectory() === true) return { name, directory: true };
      return found?.stats.isFile() === true ? { name, directory: false, size: found.stats.size } : undefined;
    } catch (error) {
      if (error instanceof DaisError && error.code === 'unsafe_path') return undefined;
      throw error;
    }
  }

  /** Resolves a path. Undefined: it does not exist. @throws DaisError `unsafe_path` for a path outside of the folder. */
  async #find(parts: readonly string[]): Promise<{ readonly path: string; readonly stats: Stats } | undefined> {
    try {
      const path = await realpath(join(this.#root, ...parts));
      if (!(await this.#holds(path))) throw leadsOut(parts);
      return { path, stats: await stat(path) };
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return undefined;
      if (code === 'ELOOP') throw leadsOut(parts);
      return await withReadErrors(Promise.reject(error as Error));
    }
  }

  async #file(parts: readonly string[]): Promise<{ readonly path: string; readonly stats: Stats }> {
    const found = await this.#find(parts);
    if (found?.stats.isFile() === true) return found;
    throw new DaisError('not_found', `There is no file ${parts.join('/').slice(0, 200)} in the artifact folder.`);
  }

  async #holds(path: string): Promise<boolean> {
    const root = await realpath(this.#root);
    return path === root || path.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
  }

  /** Checks the real path of an open file: on Linux through /proc, elsewhere by opening the path again. */
  async #isInside(handle: FileHandle, parts: readonly string[]): Promise<boolean> {
    const resolved = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => undefined);
    if (resolved !== undefined) return await this.#holds(resolved);
    const [opened, now] = await Promise.all([handle.stat(), this.#file(parts)]);
    const there = await lstat(now.path);
    return opened.ino === there.ino && opened.dev === there.dev;
  }

  async #open(parts: readonly string[]): Promise<FileHandle> {
    const { path } = await this.#file(parts);
    // Does not block on a pipe, and does not follow a link that was created since the check.
    const handle = await withReadErrors(open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
    try {
      // A parent folder may have been replaced by a link meanwhile.
      if (!(await handle.stat()).isFile() || !(await this.#isInside(handle, parts))) throw leadsOut(parts);
      return handle;
    } catch (error) {
      await handle.close().catch(() => {});
      throw error;
    }
  }
}

/** Streams all bytes, or fails if the file became shorter. */
async function* bytesOf(handle: FileHandle, start: number, end: number): AsyncGenerator<Buffer> {
  try {
    for (let at = start; at < end;) {
      const want = Math.min(READ_BYTES, end - at);
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(want), 0, want, at);
      if (bytesRead === 0) throw new DaisError('content_missing', 'The file was truncated while it was read.');
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle.close().catch(() => {});
  }
}

function leadsOut(parts: readonly string[]): DaisError {
  return new DaisError('unsafe_path', `${parts.join('/').slice(0, 200)} leads outside of the artifact folder.`);
}

/** @throws DaisError `invalid_state` for files that the user of the server may not read. */
async function withReadErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EACCES' && code !== 'EPERM') throw error;
    const detail =
      'The operating system user of the server may not read the file. Change its permissions, or read the file directly.';
    throw new DaisError('invalid_state', detail, { cause: error });
  }
}
