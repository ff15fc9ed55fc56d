/** Runs vitest projects and reads what they counted; fails a run that leaves files or processes behind. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root, runCommand } from './command.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 */

/** Caches of the tools themselves, which outlive a run on purpose, and the lock under which uv builds a package the first time. */
const TOOL_CACHES = /^(tsx-|node-compile-cache|v8-compile-cache|vitest-|uv-setuptools-[0-9a-f]+\.lock)/;

/**
 * A file says when it is done. One that never is must not take the run with it; the long runs' tests last 30 minutes.
 * @type {Record<string, number>}
 */
const SILENCE_MS = { unit: 300_000, int: 900_000, e2e: 900_000, conformance: 1_200_000, full: 2_400_000 };

/**
 * Files at once, on two cores. A journey waits for pages two thirds of its time (66 s of CPU in 217 s), and integration tests
 * a third of theirs, for what other processes do: twelve files of theirs took 334 s with two at once and 256 s with three,
 * beside other work, at 236 and 225 s of CPU. Conformance tests use both cores by the servers and clients that they start.
 * @type {Record<string, number>}
 */
const WORKERS = { e2e: 4, int: 3, conformance: 2 };

/**
 * Runs one vitest project in a temporary folder of its own, so that what it leaves behind can be seen.
 * @param {string} project
 * @param {{ counts: Counts, env?: Record<string, string>, mayBeEmpty?: boolean, node?: string }} options `counts` is
 *   added to
 * @returns {Promise<import('./steps.mjs').StepResult>}
 */
export async function runVitest(project, { counts, env = {}, mayBeEmpty = false, node = process.execPath }) {
  // Short, because sockets live below it (a Unix socket's path has at most 107 bytes); open, because the embedded
  // database runs as another user when the tests run as root.
  const temporary = mkdtempSync(join(tmpdir(), 'dt-'));
  chmodSync(temporary, 0o1777);
  const report = join(temporary, 'report.json');
  try {
    const { code, output } = await runCommand(
      node,
      [
        'node_modules/vitest/vitest.mjs',
        'run',
        '--project',
        project,
        `--maxWorkers=${WORKERS[project] ?? 2}`,
        '--reporter=default',
        '--reporter=json',
        `--outputFile.json=${report}`,
        ...(mayBeEmpty ? ['--passWithNoTests'] : []),
      ],
      { quiet: true, env: { NO_COLOR: '1', ...env, TMPDIR: temporary }, silenceMs: SILENCE_MS[project] ?? 900_000 },
    );
    const seen = existsSync(report) ? readReport(readFileSync(report, 'utf8')) : { passed: 0, failed: 0, skipped: 0 };
    rmSync(report, { force: true });
    for (const key of /** @type {const} */ (['passed', 'failed', 'skipped'])) counts[key] += seen[key];
    const left = await leftBehind(temporary);
    if (code === 0 && left.length === 0) return { ok: true, note: countsLine(seen) };
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
  // A program that was told to end may need a moment: only one that stays was left behind.
  let processes = processesBelow(temporary);
  for (let wait = 0; processes.length > 0 && wait < 50; wait++) {
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
      // It ended while we looked.
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
function projectOf(path) {
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
