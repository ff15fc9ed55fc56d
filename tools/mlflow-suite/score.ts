/** The score of MLflow's own tests: counts by file, and reasons for tests that are excluded or fail. */

export interface TestResult {
  /** `tests/FILE.py::NAME[PARAMETERS]` */
  readonly test: string;
  /** `skipped`: by MLflow itself. */
  readonly outcome: 'passed' | 'failed' | 'skipped' | 'excluded';
  /** The reason, or the end of the traceback. */
  readonly detail: string;
}

/** Tests by a pattern, with a reason. */
interface Reason {
  readonly tests: string;
  readonly reason: string;
}

export interface Suite {
  readonly files: readonly string[];
  /** Tests that are not about Dais. They do not run. */
  readonly excluded: readonly Reason[];
  /** Tests that fail, because Dais differs on purpose. They count. */
  readonly different: readonly Reason[];
}

export interface Score {
  readonly date: string;
  /** Version of the tests. */
  readonly checkout: string;
  /** Version of the client. */
  readonly client: string;
  readonly files: readonly FileScore[];
}

interface FileScore {
  readonly file: string;
  readonly passed: number;
  readonly failed: readonly { readonly test: string; readonly reason: string }[];
  readonly excluded: readonly { readonly reason: string; readonly tests: number }[];
}

export function fileScore(file: string, results: readonly TestResult[], suite: Pick<Suite, 'different'>): FileScore {
  const of = (outcome: TestResult['outcome']) => results.filter((one) => one.outcome === outcome);
  const reasons = [...new Set(of('excluded').map(({ detail }) => detail))];
  return {
    file,
    passed: of('passed').length,
    failed: of('failed').map(({ test }) => ({
      test,
      reason: suite.different.find(({ tests }) => new RegExp(tests).test(test))?.reason ?? '',
    })),
    excluded: reasons.map((reason) => ({
      reason,
      tests: of('excluded').filter(({ detail }) => detail === reason).length,
    })),
  };
}

/** Replaces the files that ran, in the order of the suite. */
export function mergeScores(before: Score, now: Score, { files }: Pick<Suite, 'files'>): Score {
  const all = [...now.files, ...before.files];
  return { ...now, files: files.flatMap((file) => all.find((one) => one.file === file) ?? []) };
}

export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly excluded: number;
  /** `passed` of those that passed or failed. */
  readonly percent: string;
}

export function totalsOf(files: readonly FileScore[]): Totals {
  const sum = (count: (file: FileScore) => number) => files.reduce((total, file) => total + count(file), 0);
  const [passed, failed] = [sum((file) => file.passed), sum((file) => file.failed.length)];
  const share = passed + failed === 0 ? 0 : (100 * passed) / (passed + failed);
  const excluded = sum((file) => file.excluded.reduce((total, { tests }) => total + tests, 0));
  return { passed, failed, excluded, percent: share.toFixed(1) };
}

export function excludedOf(files: readonly FileScore[]): FileScore['excluded'] {
  const all = files.flatMap(({ excluded }) => excluded);
  return [...new Set(all.map(({ reason }) => reason))].map((reason) => ({
    reason,
    tests: all.filter((one) => one.reason === reason).reduce((total, { tests }) => total + tests, 0),
  }));
}

/** For a terminal. */
export function scoreTable(score: Score, server: string): string {
  const width = Math.max(...score.files.map(({ file }) => file.length), 5);
  const row = (name: string, ...numbers: readonly (string | number)[]) =>
    [name.padEnd(width), ...numbers.map((number) => String(number).padStart(9))].join(' ');
  const counts = (files: readonly FileScore[]) => {
    const { passed, failed, excluded } = totalsOf(files);
    return [passed, failed, excluded];
  };
  const { passed, failed, percent } = totalsOf(score.files);
  return [
    `Tests of MLflow ${score.checkout}, client ${score.client}, server ${server}, ${score.date}`,
    row('file', 'passed', 'failed', 'excluded'),
    ...score.files.map((one) => row(one.file, ...counts([one]))),
    row('total', ...counts(score.files)),
    `${percent} % of ${passed + failed} tests pass.`,
    ...score.files.flatMap((one) =>
      one.failed.map(({ test, reason }) => `failed: ${test}${reason === '' ? '' : ` (${reason})`}`),
    ),
    ...excludedOf(score.files).map(({ reason, tests }) => `excluded, ${tests}: ${reason}`),
  ].join('\n');
}
