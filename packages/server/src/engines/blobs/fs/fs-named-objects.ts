/** Named objects as files below one folder. */
import { randomUUID } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { lstat, mkdir, open, readFile, readdir, rename, rm, rmdir, statfs } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api';
import { requireObjectName, type NamedObject, type NamedObjects } from '../contract.ts';
import { errnoOf, fileError } from './fs-errors.ts';
import { syncFolder } from './fs-files.ts';

/** Suffix of a file that is being written; names of objects do not start with a dot. */
const PARTIAL = '.partial-';
/** A folder that deletions remove at the same time is created again so often: 12,000 puts of 8 writers needed at most 3 tries. */
const TRIES = 20;
/** What `mkdir` and `open` report then. `mkdir` also reports ENOTDIR and EEXIST for what vanished before it looked again. */
const RACES: ReadonlySet<string> = new Set(['ENOENT', 'ENOTDIR', 'EEXIST']);

export interface FsNamedObjectsOptions {
  /** A put that would leave fewer free bytes on the disk is refused with `storage_full`. Default 0. */
  readonly minFreeBytes?: number;
}

/** `root` is created with the first object. */
export function openFsNamedObjects(root: string, { minFreeBytes = 0 }: FsNamedObjectsOptions = {}): NamedObjects {
  return new FsNamedObjects(root, minFreeBytes);
}

class FsNamedObjects implements NamedObjects {
  readonly #root: string;
  readonly #minFreeBytes: number;

  constructor(root: string, minFreeBytes: number) {
    this.#root = root;
    this.#minFreeBytes = minFreeBytes;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.#file(name);
    const folder = path.dirname(file);
    await this.#call('writing an object', async () => {
      const partial = path.join(folder, `${PARTIAL}${randomUUID()}`);
      const { handle, above } = await this.#create(folder, partial);
      try {
        try {
          await this.#requireFree(folder, bytes.length);
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(partial, file);
      } catch (error) {
        await rm(partial, { force: true });
        await removeEmpty(folder, this.#root);
        throw error;
      }
      try {
        await syncFolder(folder);
        if (above !== undefined) await syncParents(folder, above);
      } catch (error) {
        // A deletion of the new object removed the folder: nothing is left to make durable.
        if (errnoOf(error) !== 'ENOENT') throw error;
      }
    });
  }

  async get(name: string): Promise<Buffer> {
    return await this.#call('reading an object', async () => {
      try {
        return await readFile(this.#file(name));
      } catch (error) {
        if (errnoOf(error) !== 'ENOENT') throw error;
        throw new DaisError('content_missing', `There is no object ${name} in ${this.#root}.`);
      }
    });
  }

  async *list(prefix: string): AsyncGenerator<NamedObject> {
    for await (const name of this.#walk(prefix)) {
      if (isPartial(name)) continue;
      const found = await lstat(path.join(this.#root, name)).catch(() => undefined);
      if (found?.isFile() === true) yield { name, size: found.size, modifiedAt: found.mtime };
    }
  }

  async delete(name: string): Promise<void> {
    await this.#call('deleting an object', async () => await rm(this.#file(name), { force: true }));
    await removeEmpty(path.dirname(this.#file(name)), this.#root);
  }

  async sweep(olderThanMs: number): Promise<number> {
    let removed = 0;
    for await (const name of this.#walk('')) {
      if (!isPartial(name)) continue;
      const file = path.join(this.#root, name);
      const found = await lstat(file).catch(() => undefined);
      if (found === undefined || found.mtimeMs > Date.now() - olderThanMs) continue;
      await this.#call('removing leftovers', async () => await rm(file, { force: true }));
      await removeEmpty(path.dirname(file), this.#root);
      removed += 1;
    }
    return removed;
  }

  async close(): Promise<void> {}

  /** Creates a file and the folders above it. `above`: the folder of the uppermost new folder. */
  async #create(folder: string, file: string) {
    for (let tries = 1; ; tries += 1) {
      try {
        const made = await mkdir(folder, { recursive: true, mode: 0o700 });
        const handle = await open(file, 'wx', 0o600);
        // A try that failed may have made folders as well.
        if (tries > 1) return { handle, above: this.#root };
        return { handle, above: made === undefined ? undefined : path.dirname(made) };
      } catch (error) {
        // A deletion of the last object removed the folder, or one of those above it between two steps of `mkdir`.
        if (!RACES.has(errnoOf(error) ?? '') || tries === TRIES) throw error;
      }
    }
  }

  async #requireFree(folder: string, bytes: number): Promise<void> {
    if (this.#minFreeBytes === 0) return;
    const { bavail, bsize } = await statfs(folder);
    if (bavail * bsize - bytes >= this.#minFreeBytes) return;
    const detail = `the disk of ${this.#root} has ${bavail * bsize} bytes left, less than ${bytes} bytes and the reserve of ${this.#minFreeBytes} bytes`;
    throw new DaisError('storage_full', detail);
  }

  /** Names of all files below a folder, in order. A folder that is removed meanwhile counts as empty. */
  async *#walk(prefix: string): AsyncGenerator<string> {
    const folder = path.join(this.#root, prefix);
    const entries = await this.#call('listing objects', async () => await readFolder(folder));
    // As in the whole name: `a-b/x` comes before `a/x`.
    const names = entries.map((entry) => (entry.isDirectory() ? `${entry.name}/` : entry.name));
    for (const name of names.toSorted()) {
      if (name.endsWith('/')) yield* this.#walk(`${prefix}${name}`);
      else yield `${prefix}${name}`;
    }
  }

  #file(name: string): string {
    return path.join(this.#root, ...requireObjectName(name).split('/'));
  }

  async #call<T>(doing: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw fileError(error, this.#root, doing);
    }
  }
}

function isPartial(name: string): boolean {
  return path.posix.basename(name).startsWith(PARTIAL);
}

async function readFolder(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

/** Makes the entries of new folders durable, up to `top`. */
async function syncParents(folder: string, top: string): Promise<void> {
  for (let at = path.dirname(folder); ; at = path.dirname(at)) {
    await syncFolder(at);
    if (at === top || at === path.dirname(at)) return;
  }
}

/** Removes the folder of the last object, and the folders above it that became empty. */
async function removeEmpty(folder: string, root: string): Promise<void> {
  for (let at = folder; at !== root && at.startsWith(root); at = path.dirname(at)) {
    const isRemoved = await rmdir(at).then(
      () => true,
      (error: unknown) => errnoOf(error) === 'ENOENT',
    );
    if (!isRemoved) return;
  }
}
