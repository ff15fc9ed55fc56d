/** Whether packages/…/dist is what the sources of today make. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './command.mjs';

const stamp = join(root, '.cache', 'built');

const BUILT = [
  'api/dist/index.js',
  'server/dist/main.js',
  'cli/dist/main.js',
  'server/dist/console/index.html',
  'web/dist/index.html',
];

/** False as well when a part of it was deleted. */
export function isBuilt() {
  if (!existsSync(stamp) || !BUILT.every((path) => existsSync(join(root, 'packages', path)))) return false;
  return readFileSync(stamp, 'utf8') === sourcesDigest();
}

/** @param {string} digest of the sources as they were before the build */
export function markBuilt(digest) {
  mkdirSync(join(root, '.cache'), { recursive: true });
  writeFileSync(stamp, digest);
}

/** Changes with any source, lock or build script. */
export function sourcesDigest() {
  const hash = createHash('sha256');
  const add = (/** @type {string} */ path) => hash.update(path).update(readFileSync(path));
  const walk = (/** @type {string} */ folder) => {
    for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      // Tests are not built.
      else if (!/[.](test|testing)[.]tsx?$/.test(entry.name)) add(path);
    }
  };
  for (const name of ['api', 'server', 'cli', 'web']) {
    walk(join(root, 'packages', name, 'src'));
    add(join(root, 'packages', name, 'package.json'));
  }
  walk(join(root, 'packages', 'web', 'public'));
  for (const name of ['index.html', 'vite.config.ts']) add(join(root, 'packages', 'web', name));
  add(join(root, 'package-lock.json'));
  for (const name of ['build.mjs', 'build-console.mjs']) add(join(root, 'tools', name));
  return hash.digest('hex');
}
