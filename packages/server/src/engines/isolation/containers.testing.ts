/** The program that a test runs in containers: prints how runs are isolated there, and what became of two of them. */
import type { IsolatedEnd, Isolation, IsolationReport } from './contract.ts';
import { openIsolation } from './open-isolation.ts';

export interface ContainerResult {
  readonly report: IsolationReport;
  /** A run that prints its user, capabilities and network. */
  readonly plain: EndedRun;
  /** A run that takes twice the memory of its limit. */
  readonly greedy: EndedRun;
}

export interface EndedRun extends Partial<IsolatedEnd> {
  /** Why it was not started. */
  readonly refusal?: string;
  readonly output: string;
}

const LIMIT = 256 * 2 ** 20;
const GREEDY = 'my @all; for (1..64) { push @all, "x" x 8388608 } print "took it\\n"';

export async function examineContainer(bundled: readonly string[]): Promise<void> {
  const isolation = openIsolation({ bundled, variables: process.env });
  const result: ContainerResult = {
    report: await isolation.report(),
    plain: await ended(isolation, ['perl', '-MSocket', '-e', 'print "ran\\n"']),
    greedy: await ended(isolation, ['perl', '-e', GREEDY]),
  };
  await isolation.close();
  process.stdout.write(JSON.stringify(result));
}

async function ended(isolation: Isolation, command: readonly string[]): Promise<EndedRun> {
  const output: Buffer[] = [];
  try {
    const run = await isolation.start(
      {
        workload: 'trial-load',
        owner: 'container',
        command,
        limits: { memoryBytes: LIMIT, wallMs: 20_000 },
        network: { type: 'none' },
        files: { readable: [], writable: [] },
      },
      { variables: { PATH: process.env['PATH'] }, onOutput: (chunk) => output.push(chunk) },
    );
    run.ref();
    return { ...(await run.ended), output: Buffer.concat(output).toString('utf8') };
  } catch (error) {
    return { refusal: String(error), output: '' };
  }
}
