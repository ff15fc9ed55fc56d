/**
 * Size limits of the console, gzipped: the first view (frame and home page), and each page or part that loads later.
 */

/**
 * @typedef {{ file: string, css?: string[], imports?: string[], dynamicImports?: string[], isEntry?: boolean,
 * isDynamicEntry?: boolean }} Chunk
 */
/** @typedef {Readonly<Record<string, Chunk>>} Manifest vite's, by source */
/** @typedef {(file: string) => number} Size gzipped bytes of a file of the build */

const FIRST_VIEW_BYTES = 300 * 1024;
const LATER_BYTES = 150 * 1024;
const ENTRY = 'index.html';
const HOME = 'src/pages/home/home-page.tsx';

/**
 * One line for each part over its budget, with the files that make it up.
 * @param {Manifest} manifest
 * @param {Size} size
 */
export function budgetProblems(manifest, size) {
  const first = firstView(manifest);
  const problems = [...problemsOf('the first view', first, FIRST_VIEW_BYTES, size)];
  for (const [source, chunk] of Object.entries(manifest)) {
    if (chunk.isDynamicEntry !== true) continue;
    const own = new Set([...filesOf(manifest, source)].filter((file) => !first.has(file)));
    problems.push(...problemsOf(source, own, LATER_BYTES, size));
  }
  return problems;
}

/**
 * @param {Manifest} manifest
 * @param {Size} size
 */
export function budgetLine(manifest, size) {
  return `first view ${kilobytes(weigh(firstView(manifest), size))} of ${kilobytes(FIRST_VIEW_BYTES)}`;
}

/** @param {Manifest} manifest */
function firstView(manifest) {
  for (const expected of [ENTRY, HOME]) {
    if (!(expected in manifest))
      throw new Error(`the console has no ${expected}: is the budget still about the right files?`);
  }
  return new Set([...filesOf(manifest, ENTRY), ...filesOf(manifest, HOME)]);
}

/**
 * The files that a browser needs before a source runs.
 * @param {Manifest} manifest
 * @param {string} source
 * @param {Set<string>} seen
 * @returns {Set<string>}
 */
function filesOf(manifest, source, seen = new Set()) {
  const chunk = manifest[source];
  if (chunk === undefined || seen.has(chunk.file)) return seen;
  seen.add(chunk.file);
  for (const file of chunk.css ?? []) seen.add(file);
  for (const next of chunk.imports ?? []) filesOf(manifest, next, seen);
  return seen;
}

/**
 * @param {string} name
 * @param {ReadonlySet<string>} files
 * @param {number} limit
 * @param {Size} size
 */
function problemsOf(name, files, limit, size) {
  const bytes = weigh(files, size);
  if (bytes <= limit) return [];
  const list = [...files].map((file) => `  ${kilobytes(size(file))} ${file}`).join('\n');
  return [`${name}: ${kilobytes(bytes)}, at most ${kilobytes(limit)}\n${list}`];
}

/**
 * @param {ReadonlySet<string>} files
 * @param {Size} size
 */
function weigh(files, size) {
  return [...files].reduce((sum, file) => sum + size(file), 0);
}

/** @param {number} bytes */
function kilobytes(bytes) {
  return `${(bytes / 1024).toFixed(1)} KB`;
}
