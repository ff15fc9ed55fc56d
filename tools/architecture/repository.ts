/** Reads the sources of the repository from the disk. */
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { readSource, type SourceFile } from './source-file.ts';

const LOCATIONS = new Set(['packages', 'tools', 'conformance', 'e2e', 'benchmarks', 'examples', 'docs']);

const NOT_OURS = new Set([
  'node_modules',
  'dist',
  'coverage',
  '.cache',
  'cache',
  '__golden__',
  'fixtures',
  'test-results',
]);

export function readRepository(root: string): Map<string, SourceFile> {
  const paths = readdirSync(root, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return LOCATIONS.has(entry.name) ? listSources(join(root, entry.name)) : [];
    return isSource(entry.name) ? [join(root, entry.name)] : [];
  });
  return new Map(
    paths.map((path) => {
      const name = relative(root, path).split(sep).join('/');
      return [name, readSource(name, readFileSync(path, 'utf8'))];
    }),
  );
}

function listSources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return NOT_OURS.has(entry.name) ? [] : listSources(join(folder, entry.name));
    return isSource(entry.name) ? [join(folder, entry.name)] : [];
  });
}

function isSource(name: string): boolean {
  return /\.(tsx?|mjs|cjs|js|mts)$/.test(name);
}
