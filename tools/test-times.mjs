/** Evaluates the times of test files: the slowest ones, and whether a tier exceeds its budget. */

/**
 * `startUpMs`: imports and hooks; `testMs`: the tests; `cpuMs`: of the worker and what the file starts, both together. What
 * is not CPU is waiting.
 * @typedef {{ file: string, ok: boolean, startUpMs: number, testMs: number, cpuMs: number }} FileTime
 */

const SLOWEST = 10;

/** @param {FileTime} time */
const wallOf = ({ startUpMs, testMs }) => startUpMs + testMs;

/**
 * The files that took longest, one line each.
 * @param {readonly FileTime[]} times
 */
export function slowestLines(times, count = SLOWEST) {
  const slowest = [...times].toSorted((a, b) => wallOf(b) - wallOf(a)).slice(0, count);
  return slowest.map((time) => `  ${timeText(time)}  ${time.file}`);
}

/** @param {FileTime} time */
export function timeText(time) {
  const seconds = (/** @type {number} */ ms) => `${(ms / 1000).toFixed(1)} s`.padStart(8);
  const waiting = Math.max(0, wallOf(time) - time.cpuMs);
  return `${seconds(wallOf(time))} (start-up ${seconds(time.startUpMs).trim()}, CPU ${seconds(time.cpuMs).trim()}, waiting ${seconds(waiting).trim()})`;
}

/**
 * Undefined while the tier keeps within its budget: CPU, because the clock depends on what else a machine does.
 * @param {string} project
 * @param {readonly FileTime[]} times
 * @param {Readonly<Record<string, { cpuSeconds: number }>>} budgets
 */
export function budgetExcess(project, times, budgets) {
  const budget = budgets[project]?.cpuSeconds;
  const used = times.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1000;
  if (budget === undefined || used <= budget) return undefined;
  return (
    `The tests of "${project}" took ${used.toFixed(0)} s of CPU; tools/test-budget.json allows ${budget} s. ` +
    'Make some of them cheaper, or move long ones to a .full.test.ts file.'
  );
}

/** More files that fail than this are no flakes. */
const MOST_FLAKY = 3;

/**
 * The files that failed, when each passes in a run of its own; else none. Such a file is flaky: the run passes and names it.
 * @param {readonly FileTime[]} times
 * @param {(file: string) => Promise<boolean>} passesAlone
 * @returns {Promise<string[]>}
 */
export async function flakyFiles(times, passesAlone) {
  const failed = times.filter(({ ok }) => !ok).map(({ file }) => file);
  if (failed.length > MOST_FLAKY) return [];
  for (const file of failed) if (!(await passesAlone(file))) return [];
  return failed;
}

/** @typedef {{ file: string, text: string }} Failure */

/** Of a message of several lines. */
const MOST_TEXT = 300;

/**
 * The failed tests in a JSON report of vitest, with the first line of each message.
 * @param {string} report
 * @returns {Failure[]}
 */
export function failuresIn(report) {
  /**
   * @type {{ testResults: { name: string, assertionResults: { status: string, title: string, failureMessages?: string[]
   * }[] }[] }}
   */
  const { testResults } = JSON.parse(report);
  return testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter(({ status }) => status === 'failed')
      .map(({ title, failureMessages: [message = ''] = [] }) => ({
        file: name,
        text: `${title}: ${message.slice(0, MOST_TEXT).split('\n', 1)[0]}`,
      })),
  );
}

/**
 * @param {string} file relative to the repository
 * @param {readonly Failure[]} failures
 */
export function failuresOf(file, failures) {
  return failures.filter((failure) => failure.file.endsWith(`/${file}`)).map(({ text }) => text);
}
