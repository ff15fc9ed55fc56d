/** Runs tests in a copy of the checkout until the first one fails. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../command.mjs';
import { PROJECTS, type AffectedTest, type Project } from './locate.ts';

export interface FailedTest {
  /** Relative to the copy. */
  readonly file: string;
  readonly title: string;
}

/** Files of the first call of a project. The nearest tests usually fail, so the first call is short and the next ones grow. */
const FIRST: Readonly<Record<Project, number>> = { unit: 8, int: 4, conformance: 2, e2e: 2 };
const GROWTH = 3;

/** A test that prints nothing for so long hangs. */
const SILENCE_MS = 600_000;

/** Splits tests, which are sorted by project, into the files of one call each. */
export function batchesOf(tests: readonly AffectedTest[]): readonly (readonly AffectedTest[])[] {
  return PROJECTS.flatMap((project) => {
    let rest = tests.filter((one) => one.project === project);
    const batches: (readonly AffectedTest[])[] = [];
    for (let size = FIRST[project]; rest.length > 0; size *= GROWTH) {
      batches.push(rest.slice(0, size));
      rest = rest.slice(size);
    }
    return batches;
  });
}

/**
 * Runs files of one project. Returns the first failed test, undefined when all pass.
 * @throws Error when vitest itself fails
 */
export async function runTests(
  folder: string,
  project: Project,
  files: readonly string[],
): Promise<FailedTest | undefined> {
  // Short, because sockets are below it; readable by all, because the embedded database runs as another user when the
  // tests run as root.
  const temporary = mkdtempSync(join(tmpdir(), 'mc-'));
  chmodSync(temporary, 0o1777);
  const report = join(temporary, 'report.json');
  try {
    const { code, output } = await runCommand(
      process.execPath,
      ['node_modules/vitest/vitest.mjs', 'run', '--project', project, '--bail=1', '--maxWorkers=2', ...files],
      {
        cwd: folder,
        quiet: true,
        env: { NO_COLOR: '1', TMPDIR: temporary, DAIS_TEST_REPORT: report },
        silenceMs: SILENCE_MS,
      },
    );
    if (code === 0) return undefined;
    const failed = existsSync(report) ? firstFailure(readFileSync(report, 'utf8'), folder) : undefined;
    if (failed === undefined) throw new Error(`vitest ended with code ${code} and reported no failed test:\n${output}`);
    return failed;
  } finally {
    rmSync(temporary, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/**
 * Returns the first failed test of a JSON report of vitest. A file that cannot be loaded has no tests. Files that the
 * end of the run interrupts are reported as failed without a message.
 */
export function firstFailure(text: string, folder: string): FailedTest | undefined {
  const { testResults } = JSON.parse(text) as Report;
  const relative = (name: string) => (name.startsWith(`${folder}/`) ? name.slice(folder.length + 1) : name);
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed');
    if (failed !== undefined) return { file: relative(name), title: failed.fullName.trim() };
  }
  const unloaded = testResults.find(({ status, message = '' }) => status === 'failed' && message !== '');
  if (unloaded === undefined) return undefined;
  return { file: relative(unloaded.name), title: `cannot be loaded: ${unloaded.message?.split('\n')[0] ?? ''}` };
}
