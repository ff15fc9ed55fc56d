/**
 * V8's compile cache of the built packages for tests that start them: processes of one build compile most of their code once.
 * Node writes it when a process exits normally.
 */
import { lstatSync, mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { sourcesDigest } from './build-stamp.mjs';
import { root } from './command.mjs';

const kept = join(root, 'node_modules', '.cache', 'dais-compile-cache');
/** Another run, of other sources, may use what was used a moment ago. */
const IN_USE_MS = 3_600_000;

/** Returns the folder for the sources as they are, and removes those of older ones. */
export function compileCache() {
  const path = join(kept, sourcesDigest().slice(0, 24));
  mkdirSync(path, { recursive: true });
  utimesSync(path, new Date(), new Date());
  for (const name of readdirSync(kept)) {
    const other = join(kept, name);
    if (lstatSync(other).mtimeMs < Date.now() - IN_USE_MS) rmSync(other, { recursive: true, force: true });
  }
  return path;
}
