/** Reads the sources of a checkout. */
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReadFile } from './locate.ts';

export interface Sources {
  /** Paths relative to the checkout. */
  readonly files: readonly string[];
  /** Reads each file once. */
  readonly read: ReadFile;
}

export function readSources(folder: string, files: readonly string[]): Sources {
  const texts = new Map<string, string | undefined>();
  const read: ReadFile = (file) => {
    if (!texts.has(file)) {
      const path = join(folder, file);
      texts.set(file, existsSync(path) && lstatSync(path).isFile() ? readFileSync(path, 'utf8') : undefined);
    }
    return texts.get(file);
  };
  return { files, read };
}

/** Returns the paths of all files in the `src` folders of the packages. */
export function listSources(folder: string): readonly string[] {
  return readdirSync(join(folder, 'packages')).flatMap((name) => {
    const source = `packages/${name}/src`;
    if (!existsSync(join(folder, source))) return [];
    return readdirSync(join(folder, source), { recursive: true, encoding: 'utf8' }).map((path) => `${source}/${path}`);
  });
}
