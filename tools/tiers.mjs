/** What each tier of the tool chain runs: check (2 minutes), test (every change), full (before a release). */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root, runCommand } from './command.mjs';
import { runVitest } from './vitest-run.mjs';

/**
 * @typedef {import('./steps.mjs').Step} Step
 * @typedef {import('./vitest-run.mjs').Counts} Counts
 */

/**
 * Everything that needs no server: format, lint, types, dead code, unit tests (with the architecture), generated files.
 * @param {Counts} counts
 * @returns {Step[]}
 */
export function checkSteps(counts) {
  return [
    { name: 'unit tests', run: () => runVitest('unit', { counts }) },
    command('lint', 'oxlint', ['--type-aware', '--deny-warnings']),
    ...typeProjects().map((project) => command(`types ${project}`, 'tsc', ['-p', project])),
    // knip follows exports to dist where it exists; with an outDir, which only its own configuration has, it maps dist to src.
    command('dead code', 'knip', ['--no-progress', '--tsConfig', 'tsconfig.knip.json']),
    command('format', 'oxfmt', ['--check', '.']),
    command('words', 'node', ['tools/word-check.mjs']),
    // A lock that lacks a package (npm drops what it cannot find for another platform) fails only on a clean clone.
    command('lock file', 'npm', ['ci', '--dry-run', '--offline', '--no-audit', '--ignore-scripts', '--loglevel=error']),
    ...generated(),
  ];
}

/**
 * @param {string} name
 * @param {string} program
 * @param {readonly string[]} args
 * @returns {Step}
 */
export function command(name, program, args) {
  return {
    name,
    run: async () => {
      const { code, output } = await runCommand(program, args, {
        quiet: true,
        env: { NO_COLOR: '1', FORCE_COLOR: '0' },
      });
      return { ok: code === 0, output: `${output}\n(${program} ${args.join(' ')}: exit code ${code})` };
    },
  };
}

/**
 * Folders with equal options, which are checked as one program: each of them imports sources of the server, and
 * TypeScript checks these once for each program.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const CHECKED_TOGETHER = {
  'packages/cli/tsconfig.with-server.json': ['packages/cli', 'packages/server'],
  'tools/tsconfig.scripts.json': ['tools', 'benchmarks'],
};

/**
 * Every folder with a tsconfig.json of its own; TypeScript checks each from source, so no order is needed. A package
 * without sources has nothing to check (the architecture test reports folders that are wrongly empty).
 */
function typeProjects() {
  const packages = readdirSync(join(root, 'packages'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const filled = packages.filter((entry) => existsSync(join(root, 'packages', entry.name, 'src')));
  const folders = ['tools', 'e2e', 'benchmarks', ...filled.map((entry) => `packages/${entry.name}`)];
  const together = new Set(Object.values(CHECKED_TOGETHER).flat());
  // The sources of api are checked without the types of Node, so that it stays fit for browsers; its tests run on Node.
  return [
    ...Object.keys(CHECKED_TOGETHER),
    ...folders.filter((folder) => !together.has(folder) && existsSync(join(root, folder, 'tsconfig.json'))),
    'tools/tsconfig.api-tests.json',
  ];
}

/** @returns {Step[]} */
function generated() {
  const generator = 'tools/generate/main.ts';
  if (!existsSync(join(root, generator))) return [];
  return [command('generated files', 'tsx', ['--conditions=dais-source', generator, '--check'])];
}

/** The benchmarks, by path. */
export function benchmarks() {
  const folder = join(root, 'benchmarks');
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /\.(mjs|ts)$/.test(name) && !name.endsWith('.test.ts'))
    .sort()
    .map((name) => join('benchmarks', name));
}
