/** The program of a process that is killed while it looks after tasks. Its first argument is a CrashWork. */
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { shell } from '../suite.ts';
import { openProcessCompute } from './process-compute.ts';
import type { CrashPoint } from './task-parts.ts';

export interface CrashWork {
  readonly root: string;
  /** Where it dies; undefined: somebody else kills it. */
  readonly at?: CrashPoint;
  readonly tasks: readonly { readonly attempt: string; readonly script: string }[];
}

/** Says `submitted` after each submission. Never ends by itself. */
export async function workUntilKilled({ root, at, tasks }: CrashWork): Promise<never> {
  const compute = await openProcessCompute({
    root,
    clock: systemClock,
    log: silentLog,
    reached: (point) => {
      if (point === at) process.kill(process.pid, 'SIGKILL');
    },
  });
  for (const { attempt, script } of tasks) {
    await compute.submit(shell(script, { attempt }));
    process.stdout.write(`submitted ${attempt}\n`);
  }
  return await new Promise(() => {
    setInterval(() => {}, 1000);
  });
}
