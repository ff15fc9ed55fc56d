/** A size-limited cache of content on the local disk, for blob stores whose files the query engine cannot open. */
import { mkdir, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { uuidv7 } from '#lib/ids.ts';

/** Size limit. The least recently used files are evicted, except those in use. */
const MAX_BYTES = 16 * 2 ** 30;

interface Kept {
  readonly bytes: number;
  usedAt: number;
  users: number;
}

export class ContentCache {
  readonly #folder: string;
  readonly #mostBytes: number;
  readonly #kept = new Map<string, Kept>();
  readonly #coming = new Map<string, Promise<void>>();
  #opened: Promise<void> | undefined;

  constructor(folder: string, mostBytes = MAX_BYTES) {
    this.#folder = folder;
    this.#mostBytes = mostBytes;
  }

  /**
   * Returns the path of the content with this digest, which exists until `release` is called. If it is not cached,
   * `fill` writes the file to the given path.
   */
  async take(digest: string, fill: (path: string) => Promise<void>): Promise<{ path: string; release: () => void }> {
    this.#opened ??= this.#open();
    await this.#opened;
    const path = join(this.#folder, digest);
    const coming = this.#coming.get(digest);
    if (coming !== undefined) await coming.catch(() => {});
    if (!this.#kept.has(digest)) {
      const fetching = this.#fetch(digest, path, fill).finally(() => this.#coming.delete(digest));
      this.#coming.set(digest, fetching);
      await fetching;
    }
    const kept = this.#kept.get(digest);
    if (kept === undefined) return await this.take(digest, fill);
    kept.users += 1;
    kept.usedAt = Date.now();
    void utimes(path, new Date(), new Date()).catch(() => {});
    let released = false;
    return {
      path,
      release: () => {
        if (!released) kept.users -= 1;
        released = true;
        void this.#shrink();
      },
    };
  }

  async #open(): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.#folder)) {
      const path = join(this.#folder, name);
      if (!/^[0-9a-f]{64}$/.test(name)) {
        await rm(path, { force: true });
        continue;
      }
      const { size, mtimeMs } = await stat(path);
      this.#kept.set(name, { bytes: size, usedAt: mtimeMs, users: 0 });
    }
  }

  async #fetch(digest: string, path: string, fill: (path: string) => Promise<void>): Promise<void> {
    const part = `${path}.${uuidv7()}`;
    try {
      await fill(part);
      const { size } = await stat(part);
      await rename(part, path);
      this.#kept.set(digest, { bytes: size, usedAt: Date.now(), users: 0 });
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
  }

  async #shrink(): Promise<void> {
    let bytes = [...this.#kept.values()].reduce((sum, one) => sum + one.bytes, 0);
    const old = [...this.#kept].toSorted(([, a], [, b]) => a.usedAt - b.usedAt);
    for (const [digest, kept] of old) {
      if (bytes <= this.#mostBytes) return;
      if (kept.users > 0) continue;
      this.#kept.delete(digest);
      bytes -= kept.bytes;
      await rm(join(this.#folder, digest), { force: true });
    }
  }
}
