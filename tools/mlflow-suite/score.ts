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
  /** Tests that cannot say anything about Dais. They do not run. */
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
  readonly server: string;
  readonly files: readonly FileScore[];
  readonly failed: readonly { readonly test: string; readonly reason: string }[];
  readonly excluded: readonly { readonly reason: string; readonly tests: number }[];
}

interface FileScore {
  readonly file: string;
  readonly passed: number;
  readonly failed: number;
  readonly excluded: number;
}

export function scoreOf(
  results: readonly TestResult[],
  suite: Suite,
  versions: Pick<Score, 'date' | 'checkout' | 'client' | 'server'>,
): Score {
  const of = (outcome: TestResult['outcome']) => results.filter((one) => one.outcome === outcome);
  const files = [...new Set(results.map(({ test }) => fileOf(test)))].map((file) => {
    const count = (outcome: TestResult['outcome']) => of(outcome).filter(({ test }) => fileOf(test) === file).length;
    return { file, passed: count('passed'), failed: count('failed'), excluded: count('excluded') };
  });
  const reasons = [...new Set(of('excluded').map(({ detail }) => detail))];
  return {
    ...versions,
    files,
    failed: of('failed').map(({ test }) => ({
      test,
      reason: suite.different.find(({ tests }) => new RegExp(tests).test(test))?.reason ?? '',
    })),
    excluded: reasons.map((reason) => ({
      reason,
      tests: of('excluded').filter((one) => one.detail === reason).length,
    })),
  };
}

const fileOf = (test: string) => test.split('::')[0] ?? '';

/** `passed` of those that passed or failed. */
export function totalsOf({ files }: Pick<Score, 'files'>) {
  const sum = (key: 'passed' | 'failed' | 'excluded') => files.reduce((total, file) => total + file[key], 0);
  const [passed, failed] = [sum('passed'), sum('failed')];
  const share = passed + failed === 0 ? 0 : (100 * passed) / (passed + failed);
  return { passed, failed, excluded: sum('excluded'), percent: share.toFixed(1) };
}

export function countTests(results: readonly TestResult[]): string {
  const names = ['passed', 'failed', 'excluded', 'skipped'] as const;
  return names.map((name) => `${results.filter(({ outcome }) => outcome === name).length} ${name}`).join(', ');
}

/** For a terminal. */
export function scoreTable(score: Score): string {
  const { passed, failed, excluded, percent } = totalsOf(score);
  const width = Math.max(...score.files.map(({ file }) => file.length), 5);
  const row = (name: string, ...numbers: readonly (string | number)[]) =>
    [name.padEnd(width), ...numbers.map((number) => String(number).padStart(9))].join(' ');
  return [
    `Tests of MLflow ${score.checkout}, client ${score.client}, server ${score.server}, ${score.date}`,
    row('file', 'passed', 'failed', 'excluded'),
    ...score.files.map((one) => row(one.file, one.passed, one.failed, one.excluded)),
    row('total', passed, failed, excluded),
    `${percent} % of ${passed + failed} tests pass.`,
    ...score.failed.map(({ test, reason }) => `failed: ${test}${reason === '' ? '' : ` (${reason})`}`),
    ...score.excluded.map(({ reason, tests }) => `excluded, ${tests}: ${reason}`),
  ].join('\n');
}
