/** Runs vitest projects and reads what they counted; fails a run that leaves files or processes behind. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { freemem, tmpdir, totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, runCommand } from './command.mjs';
import { budgetExcess, failuresIn, failuresOf, flakyFiles, slowestLines } from './test-times.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/**
 * Caches of the tools themselves, which outlive a run on purpose, and the lock under which uv builds a package the
 * first time.
 */
const TOOL_CACHES = /^(tsx-|node-compile-cache|v8-compile-cache|vitest-|uv-setuptools-[0-9a-f]+\.lock)/;

/**
 * A file reports its end. A file without an end must not block the run; tests of long runs last 30 minutes.
 * @type {Record<string, number>}
 */
const SILENCE_MS = { unit: 300_000, int: 900_000, e2e: 900_000, conformance: 1_200_000, full: 2_400_000 };
/** With 1,000 examples of each property, a file takes up to an hour on a busy machine. */
const MORE_EXAMPLES = 4;

const MEMORY = Math.min(totalmem(), process.constrainedMemory() || Infinity);

/** A file needs about 1 GB: its Dais, its browser. */
const MUCH_MEMORY = MEMORY > 12e9;

/** Projects that `npm test` runs at the same time: each leaves the CPU idle for a third of its time or more. */
export const PROJECTS_AT_ONCE = MUCH_MEMORY ? 2 : 1;

/**
 * Files at the same time, on two cores. A browser test waits for pages two thirds of its time, and integration and conformance
 * tests wait a third of theirs for other processes.
 * @type {Record<string, number>}
 */
const WORKERS = { e2e: 4, int: MUCH_MEMORY ? 4 : 3, conformance: MUCH_MEMORY ? 3 : 2 };

const IN_MEMORY = '/dev/shm';
/** Bytes that must be free in memory before test files are kept there. */
const MEMORY_FOR_FILES = 8e9;

/**
 * Where tests keep their files: in memory where there is enough and programs can be executed from it, because each of about 100
 * servers starts with a copy of a database of 1,000 files (0.3 to 1 s of CPU on a busy ext4, 0.05 s in memory).
 */
function temporaryLocation() {
  if (!MUCH_MEMORY || !existsSync(IN_MEMORY)) return tmpdir();
  removeAbandoned(IN_MEMORY);
  const { bavail, bsize } = statfsSync(IN_MEMORY);
  return bavail * bsize > MEMORY_FOR_FILES && freemem() > MEMORY_FOR_FILES && canExecuteIn(IN_MEMORY)
    ? IN_MEMORY
    : tmpdir();
}

/** Longer than any run takes. */
const ABANDONED_MS = 12 * 3_600_000;

/**
 * Removes the folders of runs that were killed: they would keep memory.
 * @param {string} location
 */
function removeAbandoned(location) {
  for (const name of readdirSync(location).filter((one) => one.startsWith('dt-'))) {
    const folder = join(location, name);
    const changed = statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - changed > ABANDONED_MS) rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * A mount may forbid it (`noexec`).
 * @param {string} folder
 */
function canExecuteIn(folder) {
  const probe = mkdtempSync(join(folder, 'dt-probe-'));
  try {
    const script = join(probe, 'probe');
    writeFileSync(script, '#!/bin/sh\n', { mode: 0o755 });
    return spawnSync(script).status === 0;
  } catch {
    return false;
  } finally {
    rmSync(probe, { recursive: true, force: true });
  }
}

/**
 * Runs one vitest project in a temporary folder of its own, so that leftover files are detected.
 * @param {string} project
 * @param {{ counts: Counts, env?: Record<string, string>, files?: readonly string[], without?: readonly string[], mayBeEmpty?:
 * boolean, node?: string }} options `counts` is added to; without `files`, all of the project run, except those of `without`
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function runVitest(project, options) {
  const { counts, env = {}, files = [], without = [], mayBeEmpty = false, node = process.execPath } = options;
  // Short, because sockets live below it (a Unix socket's path has at most 107 bytes); readable by all, because the
  // embedded database runs as another user when the tests run as root.
  // The long runs keep images, models and mirrors of packages: more than fits in memory.
  const temporary = mkdtempSync(join(project === 'full' ? tmpdir() : temporaryLocation(), 'dt-'));
  chmodSync(temporary, 0o1777);
  try {
    const all = { workers: WORKERS[project] ?? 2, files, mayBeEmpty };
    const leftOut = { ...env, ...(without.length > 0 && { DAIS_TESTS_LEFT_OUT: without.join(' ') }) };
    const { code, output, seen, times, failures } = await runFiles(project, all, { node, env: leftOut, temporary });
    recordTimes(project, times);
    const alone = async (/** @type {string} */ file) => {
      const what = { workers: 1, files: [file], mayBeEmpty: false };
      return (await runFiles(project, what, { node, env, temporary })).code === 0;
    };
    const flaky = code === 0 ? [] : await flakyFiles(times, alone);
    if (flaky.length > 0) {
      recordFlaky(project, flaky, failures);
      seen.passed += seen.failed;
      seen.failed = 0;
    }
    for (const key of /** @type {const} */ (['passed', 'failed', 'skipped'])) counts[key] += seen[key];
    const left = await leftBehind(temporary);
    const excess = Object.keys(env).length === 0 ? budgetExcess(project, times, budgets()) : undefined;
    const lines = timeLines(project, times, flaky, failures);
    if ((code === 0 || flaky.length > 0) && left.length === 0 && excess === undefined) {
      return { ok: true, note: [countsLine(seen), ...lines].join('\n') };
    }
    if (excess !== undefined && code === 0 && left.length === 0) {
      counts.failed += 1;
      return { ok: false, note: countsLine(seen), output: [excess, ...lines].join('\n') };
    }
    // A run that broke outside a test (a file that does not load, an unhandled rejection) must not count as "0 failed".
    if (seen.failed === 0) counts.failed += 1;
    const unfinished = code === 124 ? unfinishedFiles(project, output) : '';
    const complaint = left.length > 0 ? `the tests of "${project}" left behind:\n${left.join('\n')}\n` : '';
    return { ok: false, note: countsLine(seen), output: `${withoutPassed(output)}\n${unfinished}${complaint}` };
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

/**
 * @typedef {{ node: string, env: Record<string, string>, temporary: string }} RunLocation
 */

/**
 * @param {string} project
 * @param {{ workers: number, files: readonly string[], mayBeEmpty: boolean }} what without files: all of the project
 * @param {RunLocation} place
 */
async function runFiles(project, { workers, files, mayBeEmpty }, { node, env, temporary }) {
  const report = join(temporary, 'report.json');
  const timesFile = join(temporary, 'times.json');
  const { code, output } = await runCommand(
    node,
    [
      'node_modules/vitest/vitest.mjs',
      'run',
      ...files,
      '--project',
      project,
      `--maxWorkers=${workers}`,
      ...(mayBeEmpty ? ['--passWithNoTests'] : []),
    ],
    {
      quiet: true,
      env: { NO_COLOR: '1', ...env, TMPDIR: temporary, DAIS_FILE_TIMES: timesFile, DAIS_TEST_REPORT: report },
      silenceMs: (SILENCE_MS[project] ?? 900_000) * ('DAIS_PROPERTY_RUNS' in env ? MORE_EXAMPLES : 1),
    },
  );
  const text = existsSync(report) ? readFileSync(report, 'utf8') : undefined;
  const seen = text === undefined ? { passed: 0, failed: 0, skipped: 0 } : readReport(text);
  /** @type {readonly import('./test-times.mjs').FileTime[]} */
  const times = existsSync(timesFile) ? JSON.parse(readFileSync(timesFile, 'utf8')) : [];
  for (const file of [report, timesFile]) rmSync(file, { force: true });
  return { code, output, seen, times, failures: text === undefined ? [] : failuresIn(text) };
}

/**
 * Keeps how long each file took, slowest first, in `.cache/test-times/<project>.txt`.
 * @param {string} project
 * @param {readonly import('./test-times.mjs').FileTime[]} times
 */
function recordTimes(project, times) {
  const scope = join(root, '.cache', 'test-times', `${project}.txt`);
  mkdirSync(dirname(scope), { recursive: true });
  writeFileSync(scope, `${slowestLines(times, times.length).join('\n')}\n`);
}

/** @typedef {import('./test-times.mjs').Failure} Failure */

/**
 * Keeps which files were flaky, and when, in `.cache/flaky-tests.json`.
 * @param {string} project
 * @param {readonly string[]} files
 * @param {readonly Failure[]} failures
 */
function recordFlaky(project, files, failures) {
  const path = join(root, '.cache', 'flaky-tests.json');
  const before = existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : [];
  const at = new Date().toISOString();
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(
    path,
    `${JSON.stringify([...before, ...files.map((file) => ({ at, project, file, failures: failuresOf(file, failures) }))], null, 2)}\n`,
  );
}

function budgets() {
  return JSON.parse(readFileSync(join(root, 'tools', 'test-budget.json'), 'utf8'));
}

/**
 * @param {string} project
 * @param {readonly import('./test-times.mjs').FileTime[]} times
 * @param {readonly string[]} flaky
 * @param {readonly Failure[]} failures
 */
function timeLines(project, times, flaky, failures) {
  if (times.length === 0) return [];
  const cpu = times.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1000;
  return [
    `  ${project}: ${times.length} files, ${cpu.toFixed(0)} s of CPU; the slowest:`,
    ...slowestLines(times),
    ...flaky.flatMap((file) => [
      `  FLAKY ${file}: it failed, and passed when it ran alone`,
      ...failuresOf(file, failures).map((failure) => `    ${failure}`),
    ]),
  ];
}

/**
 * What a reader of a failed run needs: the lines of tests that passed are many.
 * @param {string} output
 */
export function withoutPassed(output) {
  return output
    .split('\n')
    .filter((line) => !/^\s*✓ /.test(line))
    .join('\n');
}

/** @param {Counts} counts */
export function countsLine(counts) {
  return `${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`;
}

/**
 * @param {string} text vitest's JSON report
 * @returns {Counts}
 */
export function readReport(text) {
  const report = JSON.parse(text);
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/**
 * Files in the temporary folder of a finished run, and processes that still work below it; those are ended.
 * @param {string} temporary
 */
async function leftBehind(temporary) {
  const files = readdirSync(temporary).filter((name) => !TOOL_CACHES.test(name));
  // A program needs a moment to end after a signal, and an environment that a killed Dais was building is compiled to its end, for
  // 20 s on a busy machine: only a remaining one is reported.
  let processes = processesBelow(temporary);
  for (let wait = 0; processes.length > 0 && wait < 600; wait++) {
    await delay(100);
    processes = processesBelow(temporary);
  }
  for (const { pid } of processes) process.kill(pid, 'SIGKILL');
  return [
    ...files.map((name) => `file ${join(temporary, name)}`),
    ...processes.map(({ pid, command }) => `process ${pid}: ${command}`),
  ];
}

/**
 * Living processes whose command line names the folder; found through /proc, so on Linux only.
 * @param {string} folder
 */
function processesBelow(folder) {
  if (!existsSync('/proc/self/cmdline')) return [];
  const found = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      if (command.includes(`${folder}/`)) found.push({ pid: Number(pid), command });
    } catch {
      // It ended meanwhile.
    }
  }
  return found;
}

/**
 * The test files of a project that a run which was cut off had not reported.
 * @param {string} project
 * @param {string} output
 */
function unfinishedFiles(project, output) {
  const reported = new Set([...output.matchAll(/^ [✓❯×] \|[a-z]+\| (\S+)/gm)].map((match) => match[1]));
  const all = listFiles(['packages', 'tools', 'conformance', 'e2e']).filter((path) => projectOf(path) === project);
  const missing = all.filter((path) => !reported.has(path));
  return `not finished (${missing.length} of ${all.length} files):\n${missing.map((path) => `  ${path}`).join('\n')}\n`;
}

/**
 * @param {string} path
 * @returns {string | undefined}
 */
export function projectOf(path) {
  if (path.endsWith('.spec.ts')) return 'e2e';
  const match = /(?:\.(int|conformance|full))?\.test\.tsx?$/.exec(path);
  return match ? (match[1] ?? 'unit') : undefined;
}

/**
 * @param {readonly string[]} folders
 * @returns {string[]}
 */
function listFiles(folders) {
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (!entry.isDirectory()) return [path];
      return ['node_modules', 'dist'].includes(entry.name) ? [] : listFiles([path]);
    }),
  );
}
