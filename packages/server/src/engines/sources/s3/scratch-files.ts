/** A scratch folder of one reader, created on first use, with files that are fetched once. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';

export class ScratchFiles {
  readonly #root: string;
  readonly #prefix: string;
  readonly #files = new Map<string, string>();
  #folder: Promise<string> | undefined;

  constructor(root: string, prefix: string) {
    this.#root = root;
    this.#prefix = prefix;
  }

  async folder(): Promise<string> {
    this.#folder ??= this.#make();
    return await this.#folder;
  }

  /** Returns the path of the file; `get` writes it to a new path. One at a time. */
  async file(name: string, get: (path: string) => Promise<void>): Promise<string> {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const path = join(await this.folder(), `file-${this.#files.size}`);
    // Removes leftovers of an earlier attempt.
    await rm(path, { force: true });
    await get(path);
    this.#files.set(name, path);
    return path;
  }

  async #make(): Promise<string> {
    await mkdir(this.#root, { recursive: true, mode: 0o700 });
    return await mkdtemp(join(this.#root, this.#prefix));
  }

  /** The folder is created again when needed. */
  async remove(): Promise<void> {
    const folder = this.#folder;
    this.#folder = undefined;
    this.#files.clear();
    if (folder !== undefined) await rm(await folder, { recursive: true, force: true });
  }
}
