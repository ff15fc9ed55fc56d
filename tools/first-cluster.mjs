/**
 * The database that a first start of Dais makes, kept for tests that start Dais as a whole: `initdb` and all migrations take
 * 3 s of CPU, a copy 0.1 s.
 */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readFileSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { root, runCommand } from './command.mjs';

const kept = join(root, 'node_modules', '.cache', 'dais-first-cluster');
const sources = join(root, 'packages', 'server', 'src');
/** Another run, of other sources, may be copying what was used a moment ago. */
const IN_USE_MS = 3_600_000;

/** The path; created when it is missing. */
export async function firstCluster() {
  const path = join(kept, digest());
  if (!existsSync(path)) {
    const program = join(sources, 'testing', 'write-cluster.ts');
    const { code, output } = await runCommand('tsx', ['--conditions=dais-source', program, path], { quiet: true });
    if (code !== 0) throw new Error(`no first cluster was made:\n${output}`);
  }
  utimesSync(path, new Date(), new Date());
  for (const name of readdirSync(kept)) {
    const other = join(kept, name);
    if (lstatSync(other).mtimeMs < Date.now() - IN_USE_MS) rmSync(other, { recursive: true, force: true });
  }
  return path;
}

/** Of all that shapes it. */
function digest() {
  const hash = createHash('sha256').update(`${process.getuid?.()}`);
  const add = (/** @type {string} */ path) => hash.update(path).update(readFileSync(path));
  for (const name of readdirSync(sources, { recursive: true, encoding: 'utf8' }).sort()) {
    if (
      /(^|\/)migrations\/[^/]+$|-slice\.ts$|\/slice\.ts$|^engines\/database\/|^compose|^testing\/write-cluster/.test(
        name,
      )
    ) {
      if (lstatSync(join(sources, name)).isFile() && !/\.(test|testing)\.ts$/.test(name)) add(join(sources, name));
    }
  }
  add(join(root, 'package-lock.json'));
  return hash.digest('hex').slice(0, 24);
}
