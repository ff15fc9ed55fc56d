/**
 * Loads the libraries that a benchmark compares with, from a folder outside of this repository: none of them is a
 * dependency.
 */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Manifest {
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

export class Candidates {
  readonly folder: string | undefined;
  #load: ((name: string) => Promise<unknown>) | undefined;

  /** @param folder where the libraries were installed with `npm install`; undefined: nothing is installed */
  constructor(folder: string | undefined) {
    this.folder = folder;
  }

  /** The module, typed by the caller; undefined when the library is not installed there. */
  async load<Module>(name: string): Promise<Module | undefined> {
    if (this.folder === undefined) return undefined;
    this.#load ??= await loader(this.folder);
    try {
      return (await this.#load(name)) as Module;
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') return undefined;
      throw error;
    }
  }

  /** Version, license, number of packages and bytes on the disk, with everything that the library depends on. */
  facts(name: string): string {
    const packages = new Map<string, Manifest>();
    const visit = (one: string) => {
      if (packages.has(one)) return;
      const manifest = this.#manifest(one);
      if (manifest === undefined) return;
      packages.set(one, manifest);
      for (const dependency of Object.keys(manifest.dependencies ?? {})) visit(dependency);
    };
    visit(name);
    const own = packages.get(name);
    if (own === undefined) return `${name}: not installed`;
    const bytes = [...packages.keys()].reduce(
      (sum, one) => sum + this.#bytes(join(this.folder ?? '', 'node_modules', one)),
      0,
    );
    const kilobytes = Math.round(bytes / 1000).toLocaleString('en-US');
    return `${name} ${own.version} (${own.license ?? 'no license'}): ${packages.size} packages, ${kilobytes} kB`;
  }

  #manifest(name: string): Manifest | undefined {
    try {
      return JSON.parse(
        readFileSync(join(this.folder ?? '/nonexistent', 'node_modules', name, 'package.json'), 'utf8'),
      ) as Manifest;
    } catch {
      return undefined;
    }
  }

  #bytes(folder: string): number {
    return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
      const path = join(folder, entry.name);
      return sum + (entry.isDirectory() ? this.#bytes(path) : statSync(path).size);
    }, 0);
  }
}

async function loader(folder: string): Promise<(name: string) => Promise<unknown>> {
  // A module resolves names from its own folder.
  const file = join(folder, 'load-candidate.mjs');
  writeFileSync(file, 'export const load = (name) => import(name);\n');
  return ((await import(pathToFileURL(file).href)) as { load: (name: string) => Promise<unknown> }).load;
}
