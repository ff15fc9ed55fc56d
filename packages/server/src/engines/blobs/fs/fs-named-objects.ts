/** Named objects as files below one folder. */
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, open, readFile, readdir, rename, rm, rmdir } from 'node:fs/promises';
import path from 'node:path';
import { DaisError } from '@dais/api';
import { requireObjectName, type NamedObject, type NamedObjects } from '../contract.ts';
import { errnoOf, fileError } from './fs-errors.ts';
import { syncFolder } from './fs-files.ts';

/** Suffix of a file that is being written; names of objects do not start with a dot. */
const PARTIAL = '.partial-';

/** `root` is created with the first object. */
export function openFsNamedObjects(root: string): NamedObjects {
  return new FsNamedObjects(root);
}

class FsNamedObjects implements NamedObjects {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const file = this.#file(name);
    const folder = path.dirname(file);
    await this.#call('writing an object', async () => {
      const made = await mkdir(folder, { recursive: true, mode: 0o700 });
      const partial = path.join(folder, `${PARTIAL}${randomUUID()}`);
      try {
        const handle = await open(partial, 'wx', 0o600);
        try {
          await handle.writeFile(bytes);
          await handle.sync();
        } finally {
          await handle.close();
        }
        await rename(partial, file);
      } catch (error) {
        await rm(partial, { force: true });
        throw error;
      }
      await syncFolder(folder);
      if (made !== undefined) await syncParents(folder, path.dirname(made));
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
    const names = await this.#call('listing objects', async () => await this.#names(prefix));
    for (const name of names.toSorted()) {
      const found = await lstat(path.join(this.#root, name)).catch(() => undefined);
      if (found?.isFile() === true) yield { name, size: found.size, modifiedAt: found.mtime };
    }
  }

  async delete(name: string): Promise<void> {
    await this.#call('deleting an object', async () => await rm(this.#file(name), { force: true }));
    // The folder of the last object.
    await removeEmpty(path.dirname(this.#file(name)), this.#root);
  }

  async close(): Promise<void> {}

  async #names(prefix: string): Promise<string[]> {
    try {
      const entries = await readdir(path.join(this.#root, prefix), { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
        .map((entry) => path.relative(this.#root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
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

/** Makes the entries of new folders durable, up to `top`. */
async function syncParents(folder: string, top: string): Promise<void> {
  for (let at = path.dirname(folder); ; at = path.dirname(at)) {
    await syncFolder(at);
    if (at === top || at === path.dirname(at)) return;
  }
}

async function removeEmpty(folder: string, root: string): Promise<void> {
  if (folder === root || !folder.startsWith(root)) return;
  await rmdir(folder).catch(() => {});
}
