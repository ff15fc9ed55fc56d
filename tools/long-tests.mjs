/**
 * Chooses the long tests that `npm test` runs because the change can break what they test; `npm run test:full` runs all of them.
 * `tools/long-tests.json` lists the candidates, `.full.test.ts` files and long files of the other projects: `when` is a list of
 * globs of sources, or `imports` for every file that the test imports, directly or not.
 */
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { environment } from './environment.mjs';
import { root, runCommand } from './command.mjs';

/**
 * Programs that take longer to build than `npm test` may last. `kueue` includes those of Kubernetes.
 * @typedef {'kubernetes' | 'kueue'} Programs
 *
 * `seconds`: how long the test takes on two quiet cores. `needs`: what must be built.
 * @typedef {{ seconds: number, when: 'imports' | readonly string[], needs?: Programs }} LongTest
 *
 * `limitSeconds`: the sum of `seconds` that `npm test` may add.
 * @typedef {{ limitSeconds: number, tests: Readonly<Record<string, LongTest>> }} LongTests
 *
 * `hops`: imports between the test and the changed file.
 * @typedef {{ file: string, reason: string, hops: number, seconds: number }} Choice
 */

const LIST = 'tools/long-tests.json';

/** @returns {LongTests} */
export function readLongTests() {
  return JSON.parse(readFileSync(join(root, LIST), 'utf8'));
}

/**
 * Returns the tests to run, nearest to the change first, those that exceed the limit, and those whose programs are not built.
 * @param {LongTests} list
 * @param {readonly string[]} changed
 * @param {(file: string) => string | undefined} read the text of a source file, undefined when there is none
 * @param {(programs: Programs) => boolean} isBuilt
 * @returns {{ chosen: Choice[], left: Choice[], unbuilt: Choice[] }}
 */
export function chooseLongTests({ limitSeconds, tests }, changed, read, isBuilt) {
  /** @type {Choice[]} */
  const affected = [];
  for (const [file, { seconds, when }] of Object.entries(tests)) {
    const reason = reasonOf(file, when, changed, read);
    if (reason !== undefined) affected.push({ file, seconds, ...reason });
  }
  affected.sort((a, b) => a.hops - b.hops || a.seconds - b.seconds);
  let sum = 0;
  /** @type {Choice[]} */
  const chosen = [];
  /** @type {Choice[]} */
  const left = [];
  /** @type {Choice[]} */
  const unbuilt = [];
  for (const one of affected) {
    const { needs } = tests[one.file] ?? {};
    if (needs !== undefined && !isBuilt(needs)) {
      unbuilt.push(one);
      continue;
    }
    const fits = sum + one.seconds <= limitSeconds;
    if (fits) sum += one.seconds;
    (fits ? chosen : left).push(one);
  }
  return { chosen, left, unbuilt };
}

/**
 * @param {string} file
 * @param {LongTest['when']} when
 * @param {readonly string[]} changed
 * @param {(file: string) => string | undefined} read
 */
function reasonOf(file, when, changed, read) {
  if (changed.includes(file)) return { reason: 'it changed', hops: 0 };
  if (when === 'imports') return nearestImport(file, new Set(changed), read);
  for (const glob of when) {
    const match = changed.find((path) => matchesGlob(path, glob));
    if (match !== undefined) return { reason: `${match} changed`, hops: 1 };
  }
  return undefined;
}

/**
 * `**` matches any characters, `*` any but a slash. Node's own `matchesGlob` is experimental in the oldest Node supported.
 * @param {string} path
 * @param {string} glob
 */
export function matchesGlob(path, glob) {
  let pattern = patterns.get(glob);
  if (pattern === undefined) {
    const parts = glob.split(/(\*\*|\*)/).map((part) => {
      if (part === '**') return '.*';
      return part === '*' ? '[^/]*' : part.replaceAll(/[$()+.?[\\\]^{|}]/g, String.raw`\$&`);
    });
    patterns.set(glob, (pattern = new RegExp(`^${parts.join('')}$`)));
  }
  return pattern.test(path);
}

/** @type {Map<string, RegExp>} */
const patterns = new Map();

/**
 * Searches the imports of a file, breadth first, for the nearest changed file.
 * @param {string} file
 * @param {ReadonlySet<string>} changed
 * @param {(file: string) => string | undefined} read
 */
export function nearestImport(file, changed, read) {
  const seen = new Set([file]);
  let level = [file];
  for (let hops = 1; level.length > 0; hops++) {
    /** @type {string[]} */
    const next = [];
    for (const target of level.flatMap((path) => importsOf(path, read))) {
      if (seen.has(target)) continue;
      seen.add(target);
      if (changed.has(target)) return { reason: `it imports ${target}`, hops };
      next.push(target);
    }
    level = next;
  }
  return undefined;
}

/**
 * Returns the repository's files that a source file names in a string: imports, `import()`, `new URL(…)` of threads and
 * fixtures. A path in a comment counts too: one test too many costs less than one too few.
 * @param {string} path
 * @param {(file: string) => string | undefined} read
 */
export function importsOf(path, read) {
  if (!/\.([cm]?[jt]s|tsx)$/.test(path)) return [];
  const text = read(path) ?? '';
  const found = [];
  for (const [, request = ''] of text.matchAll(/['"`]((?:\.{1,2}\/|#|@dais\/)[^'"`\s]+)['"`]/g)) {
    const target = targetsOf(path, request).find((candidate) => read(candidate) !== undefined);
    if (target !== undefined) found.push(target);
  }
  return found;
}

/**
 * @param {string} from
 * @param {string} request
 * @returns {string[]} where the file may be
 */
function targetsOf(from, request) {
  if (request.startsWith('#')) return [`${from.split('/').slice(0, 2).join('/')}/src/${request.slice(1)}`];
  if (!request.startsWith('@dais/')) return [join(dirname(from), request)];
  const [, name = '', ...rest] = request.split('/');
  const base = ['packages', name, 'src', ...rest].join('/');
  return [`${base}.ts`, `${base}/index.ts`];
}

/**
 * Returns the files that differ from a base, and the base. The base is `DAIS_TEST_BASE`, else where the branch left the
 * main branch, else the previous commit; undefined when there is none, as in a shallow checkout.
 * @param {(args: readonly string[]) => Promise<string | undefined>} git its output, undefined when it fails
 * @param {string | undefined} override
 * @returns {Promise<{ base: string, files: string[] } | undefined>}
 */
export async function changedFiles(git, override) {
  const base = await baseOf(git, override);
  if (base === undefined) return undefined;
  const tracked = await git(['diff', '--name-only', '--no-renames', '-z', base, '--']);
  const untracked = await git(['ls-files', '--others', '--exclude-standard', '-z']);
  if (tracked === undefined || untracked === undefined) return undefined;
  return { base, files: `${tracked}\0${untracked}`.split('\0').filter(Boolean) };
}

/**
 * @param {(args: readonly string[]) => Promise<string | undefined>} git
 * @param {string | undefined} override
 */
async function baseOf(git, override) {
  const commit = async (/** @type {string} */ name) =>
    (await git(['rev-parse', '--verify', '--quiet', `${name}^{commit}`]))?.trim();
  if (override !== undefined && override !== '') {
    const named = await commit(override);
    if (named === undefined) throw new Error(`DAIS_TEST_BASE names no commit of this checkout: ${override}`);
    return named;
  }
  const head = await commit('HEAD');
  for (const main of ['main', 'origin/main']) {
    const base = (await git(['merge-base', 'HEAD', main]))?.trim();
    if (base !== undefined && base !== head) return base;
  }
  return await commit('HEAD^');
}

/**
 * Chooses the long tests for this checkout.
 * @returns {Promise<{ full: string[], leftOut: string[], lines: string[] }>} the `.full.test.ts` files to run, the files of other
 * projects to leave out, and what was chosen and why
 */
export async function longTestsOfChange() {
  const list = readLongTests();
  const change = await changedFiles(runGit, environment.DAIS_TEST_BASE);
  if (change === undefined) {
    const remedy = 'Set DAIS_TEST_BASE to a commit, or run npm run test:full.';
    const lines = [`There is no commit to compare with: no long test was chosen. ${remedy}`];
    return { full: [], leftOut: Object.keys(list.tests).filter((file) => !isFull(file)), lines };
  }
  // Node 20, on which tools/run.mjs starts, cannot read it.
  const { hasPrograms } = await import('../conformance/kubernetes/programs.ts');
  const { hasKueue } = await import('../conformance/kubernetes/kueue-programs.ts');
  const isBuilt = (/** @type {Programs} */ programs) => hasPrograms() && (programs !== 'kueue' || hasKueue());
  const { chosen, left, unbuilt } = chooseLongTests(list, change.files, sourceReader(), isBuilt);
  const files = chosen.map(({ file }) => file);
  const leftOut = Object.keys(list.tests).filter((file) => !isFull(file) && !files.includes(file));
  const since = `${change.files.length} files changed since ${change.base.slice(0, 12)}`;
  const lines = [
    `${since}: ${chosen.length === 0 ? 'they affect no long test.' : `${chosen.length} long tests are affected:`}`,
    ...chosen.map(({ file, reason }) => `  ${file}: ${reason}`),
    ...(left.length === 0 ? [] : ['Affected too, beyond the limit of seconds; npm run test:full runs them:']),
    ...left.map(({ file, reason }) => `  ${file}: ${reason}`),
    ...(unbuilt.length === 0 ? [] : ['Affected too, once `npm run kubernetes -- build` has built what they need:']),
    ...unbuilt.map(({ file, reason }) => `  ${file}: ${reason}`),
    `${leftOut.length} long files of the integration, browser and conformance tests are left out; npm run test:full runs them.`,
  ];
  return { full: files.filter(isFull), leftOut, lines };
}

/** @param {string} file */
function isFull(file) {
  return file.endsWith('.full.test.ts');
}

/** @param {readonly string[]} args */
async function runGit(args) {
  const { code, output } = await runCommand('git', args, { quiet: true });
  return code === 0 ? output : undefined;
}

/** Reads each file once. */
function sourceReader() {
  /** @type {Map<string, string | undefined>} */
  const texts = new Map();
  return (/** @type {string} */ file) => {
    if (!texts.has(file)) {
      const path = join(root, file);
      texts.set(file, existsSync(path) && lstatSync(path).isFile() ? readFileSync(path, 'utf8') : undefined);
    }
    return texts.get(file);
  };
}
