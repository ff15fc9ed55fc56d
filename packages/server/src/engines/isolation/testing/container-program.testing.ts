/** A program for tests in containers: prints the isolation report and the results of two runs. */
import { checkHere } from './check-program.testing.ts';
import type { CheckReport } from './checks.testing.ts';
import type { IsolatedEnd, Isolation, IsolationReport } from '../contract.ts';
import { openIsolation } from '../open-isolation.ts';

export interface ContainerResult {
  readonly report: IsolationReport;
  /** A run that ends without an error. */
  readonly plain: EndedRun;
  /** A run that takes twice the memory of its limit, 512 MiB. */
  readonly greedy: EndedRun;
  /** All checks of the contract, if requested. */
  readonly checks?: CheckReport;
}

export interface EndedRun extends Partial<IsolatedEnd> {
  /** Why it was not started. */
  readonly refusal?: string;
  readonly output: string;
}

const LIMIT = 256 * 2 ** 20;
const GREEDY = String.raw`my @all; for (1..64) { push @all, "x" x 8388608 } print "took it\n"`;

export async function examineContainer({ bundled, checks }: { readonly bundled: string; readonly checks: boolean }) {
  const isolation = openIsolation({ bundled: [bundled], variables: process.env });
  const result: ContainerResult = {
    report: await isolation.report(),
    plain: await ended(isolation, ['perl', '-e', String.raw`print "ran\n"`]),
    greedy: await ended(isolation, ['perl', '-e', GREEDY]),
    ...(checks && { checks: await checkHere({ bundled: [bundled] }) }),
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
