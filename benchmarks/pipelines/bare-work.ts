/** The cost of the bare work of a step: a command that a shell runs repeatedly. */
import { run } from '../../packages/server/src/lib/process.ts';

/** Milliseconds a time. */
export interface Work {
  readonly cpu: number;
  readonly wall: number;
}

export const NO_WORK: Work = { cpu: 0, wall: 0 };

const TIMES = 100;
const LOOP = 'n=0; while [ "$n" -lt "$0" ]; do "$@" || exit 1; n=$((n + 1)); done; times';

/** Measures a command that a shell runs `times` times. `program` may be preceded by variables, as for `env`. */
export async function bareWork(program: string, args: readonly string[], times = TIMES): Promise<Work> {
  const begin = performance.now();
  // The shell has a true of its own.
  const command = ['sh', '-c', LOOP, String(times), 'env', program, ...args];
  const { code, stdout, stderr } = await run(command[0] ?? '', command.slice(1), { env: { PATH: '/usr/bin:/bin' } });
  if (code !== 0) throw new Error(`${program}: ${stderr}`);
  const wall = (performance.now() - begin) / times;
  let seconds = 0;
  for (const [, minutes, rest] of stdout.toString('utf8').matchAll(/(\d+)m([\d.]+)s/g)) {
    seconds += Number(minutes) * 60 + Number(rest);
  }
  return { cpu: (seconds * 1000) / times, wall };
}
