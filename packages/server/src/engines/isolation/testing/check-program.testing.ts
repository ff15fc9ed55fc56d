/**
 * Runs the isolation checks as a separate program: as another user, in a container, or with fewer kernel features.
 *
 *     node --conditions=dais-source --import=tsx check-program.testing.ts check '{"boundaries":["landlock"]}'
 *
 * Prints a `CheckReport` as JSON. With `hold` and a marker it starts a run that sleeps, prints `up` and waits to be killed.
 */
import { fileURLToPath } from 'node:url';
import { ownProgram, start, type ChildProcess } from '#lib/process.ts';
import { runChecks, type CheckReport, type CheckWorld } from './checks.testing.ts';
import type { IsolationOptions } from '../contract.ts';
import { openIsolation } from '../open-isolation.ts';

const PROGRAM = fileURLToPath(import.meta.url);

/** Arguments of Node for this program. */
export function checkProgram(verb: 'check' | 'hold', options: IsolationOptions, mark = ''): string[] {
  return [...ownProgram(new URL(import.meta.url)), verb, JSON.stringify(options), mark];
}

/** For the user of this process. */
export async function checkHere(options: IsolationOptions): Promise<CheckReport> {
  return await runChecks(openIsolation(options), async (mark) => await holdRun(options, mark));
}

async function holdRun(options: IsolationOptions, mark: string): ReturnType<CheckWorld['holdRun']> {
  const child: ChildProcess = start(process.execPath, checkProgram('hold', options, mark), {
    cwd: import.meta.dirname,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], TMPDIR: process.env['TMPDIR'] },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise<void>((resolve, reject) => {
    child.stdout?.once('data', () => resolve());
    child.once('exit', (code) => reject(new Error(`the process that holds a run ended with ${code}`)));
  });
  return { pid: child.pid ?? 0, kill: () => child.kill('SIGKILL') };
}

async function hold(options: IsolationOptions, mark: string): Promise<void> {
  const started = await openIsolation(options).start(
    {
      workload: 'python-model',
      owner: 'check',
      command: ['perl', '-e', '$| = 1; $SIG{TERM} = $SIG{HUP} = "IGNORE"; fork; print "up\\n"; sleep 60', mark],
      limits: {},
      network: { type: 'none' },
      files: { readable: [], writable: [] },
    },
    { variables: { PATH: '/usr/bin:/bin' }, onOutput: () => process.stdout.write('up\n') },
  );
  started.ref();
  await started.ended;
}

const [, program, verb, options = '{}', mark = ''] = process.argv;
if (program === PROGRAM && (verb === 'hold' || verb === 'check')) {
  const parsed = JSON.parse(options) as IsolationOptions;
  if (verb === 'hold') await hold(parsed, mark);
  else process.stdout.write(`${JSON.stringify(await checkHere(parsed))}\n`);
}
