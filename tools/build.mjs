#!/usr/bin/env node
/**
 * Builds packages/{api,server,cli}/dist from their sources: ES modules in few files, dependencies outside, code behind
 * `import()` in files of its own. Development never reads dist (the `dais-source` condition leads to src), so a stale
 * one cannot mislead. The console is built into packages/web/dist and copied to the server's dist, which is published.
 */
import { chmodSync, copyFileSync, cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildConsole } from './build-console.mjs';
import { markBuilt, sourcesDigest } from './build-stamp.mjs';
import { bundle } from './bundle.mjs';
import { root, runCommand } from './command.mjs';

/**
 * @typedef {object} Target
 * @property {string} package
 * @property {readonly string[]} entries each a file of its own by its path, so that it can be started; the rest are
 * chunks, because a program of 1,100 files takes a third more CPU to start
 * @property {readonly string[]} [programs] files with a first line that names node
 */

/**
 * Returns the sources that the exports of a package name, relative to its `src`.
 * @param {string} name
 * @returns {string[]}
 */
function exportedSources(name) {
  const { exports } = JSON.parse(readFileSync(join(root, 'packages', name, 'package.json'), 'utf8'));
  /** @type {{ 'dais-source': string }[]} */
  const entries = Object.values(exports);
  return entries.map((entry) => entry['dais-source'].replace('./src/', ''));
}

/** @type {readonly Target[]} */
const targets = [
  {
    package: 'api',
    entries: exportedSources('api'),
  },
  {
    package: 'server',
    entries: [
      ...exportedSources('server'),
      'main.ts',
      'gateway-process.ts',
      'engines/query/duckdb/worker.ts',
      'engines/inference/onnx/onnx-process.ts',
      'engines/inference/onnx/onnx-analysis-thread.ts',
      'engines/inference/onnx/onnx-thread.ts',
      'explain-thread.ts',
      'gateway/explain/tree-thread.ts',
      'protocols/open-inference/rest-thread.ts',
      'protocols/scoring/scoring-thread.ts',
      'ledgers/serving/load-tests/load-thread.ts',
    ],
  },
  { package: 'cli', entries: ['main.ts'], programs: ['main.js'] },
];

/** @param {Target} target */
async function buildPackage(target) {
  const folder = join(root, 'packages', target.package);
  const source = join(folder, 'src');
  const dist = join(folder, 'dist');
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  rmSync(dist, { recursive: true, force: true });
  await bundle({
    source,
    input: Object.fromEntries(target.entries.map((entry) => [entry.replace(/\.ts$/, ''), join(source, entry)])),
    dir: dist,
    platform: target.package === 'api' ? 'neutral' : 'node',
    programs: target.programs,
  });
  for (const program of target.programs ?? []) chmodSync(join(dist, program), 0o755);
  copyFileSync(join(root, 'LICENSE'), join(folder, 'LICENSE'));
  return `@dais/${target.package} ${version}`;
}

/** The types of api, from its sources; the other packages are programs. */
async function declareTypes() {
  const { code, output } = await runCommand('tsc', ['-p', 'tools/tsconfig.api-types.json'], { quiet: true });
  if (code !== 0) throw new Error(`the types of @dais/api could not be written:\n${output}`);
}

async function main() {
  const digest = sourcesDigest();
  const built = [];
  for (const target of targets) {
    const missing = target.entries.find((entry) => !existsSync(join(root, 'packages', target.package, 'src', entry)));
    if (missing) throw new Error(`packages/${target.package}/src/${missing} is not there`);
    built.push(await buildPackage(target));
  }
  await declareTypes();
  const firstView = await buildConsole();
  cpSync(join(root, 'packages', 'web', 'dist'), join(root, 'packages', 'server', 'dist', 'console'), {
    recursive: true,
  });
  built.push(`console (${firstView})`);
  markBuilt(digest);
  process.stdout.write(`${built.join(', ')}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await main();
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
