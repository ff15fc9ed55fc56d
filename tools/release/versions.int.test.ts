import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../command.mjs';

interface Manifest {
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const manifest = (path: string) => JSON.parse(read(join(path, 'package.json'))) as Manifest;
const { version } = manifest('.');
const packages = readdirSync(join(root, 'packages')).map((name) => join('packages', name));

test.each(packages)('%s has the version of the repository, and depends on the packages of this version', (path) => {
  const { dependencies, devDependencies, peerDependencies, ...own } = manifest(path);
  const all = Object.entries({ ...devDependencies, ...peerDependencies, ...dependencies });
  expect(own.version).toBe(version);
  expect(all.filter(([name, required]) => name.startsWith('@dais/') && required !== version)).toEqual([]);
});

test('the lock and the first heading of the changelog have the version of the repository', () => {
  const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, Manifest> };
  expect(['', ...packages].map((path) => lock.packages[path]?.version)).toEqual(['', ...packages].map(() => version));
  expect(/^## (\d+\.\d+\.\d+)/m.exec(read('CHANGELOG.md'))?.[1]).toBe(version);
});
