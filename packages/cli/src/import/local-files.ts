/** Artifacts on this machine, by the URIs in a database. */
import { createReadStream } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { isAbsolute, join, resolve, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { DaisError } from '@dais/api';
import type { SourceFile } from './source.ts';

const PROXIED = /^mlflow-artifacts:(?:\/\/[^/]*)?\/*/i;

export class LocalFiles {
  readonly #artifacts: string | undefined;

  /**
   * @param artifacts folder in which the server stores the files of `mlflow-artifacts:` URIs
   */
  constructor(artifacts: string | undefined) {
    this.#artifacts = artifacts;
  }

  /** Links are never followed: their targets were not logged. */
  async *list(uri: string): AsyncGenerator<SourceFile> {
    const root = this.#folderOf(uri);
    const folders = [''];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(
        (error: NodeJS.ErrnoException) => {
          // A run without logged files has no folder.
          if (folder === '' && error.code === 'ENOENT') return [];
          throw error;
        },
      );
      for (const entry of entries) {
        const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
        if (entry.isDirectory()) folders.push(path);
        else if (entry.isFile()) yield { path, size: (await lstat(join(root, path))).size };
      }
    }
  }

  async open(uri: string, path: string): Promise<Readable> {
    return createReadStream(join(this.#folderOf(uri), path));
  }

  /**
   * @throws DaisError `invalid_request` for files that are not on this machine.
   */
  #folderOf(uri: string): string {
    const proxied = PROXIED.exec(uri)?.[0];
    if (proxied !== undefined) {
      if (this.#artifacts === undefined) {
        const detail = `${uri} is in the artifact store of the server. Give that folder with --artifacts-folder.`;
        throw new DaisError('invalid_request', detail);
      }
      const folder = resolve(this.#artifacts, uri.slice(proxied.length));
      if (folder.startsWith(`${resolve(this.#artifacts)}${sep}`)) return folder;
      throw new DaisError('unsafe_path', `${uri} is outside of ${this.#artifacts}.`);
    }
    if (/^file:/i.test(uri)) return fileURLToPath(uri);
    if (isAbsolute(uri)) return uri;
    const detail = `${uri} is not a folder on this machine. Import over HTTP from the server, or skip artifacts with --no-artifacts.`;
    throw new DaisError('invalid_request', detail);
  }
}
