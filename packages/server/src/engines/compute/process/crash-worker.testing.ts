/** The program of a process that is killed while it runs tasks. Its first argument is a CrashWork. */
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { TaskSpec } from '../contract.ts';
import { shell } from '../suite.ts';
import { openProcessCompute, type ProcessComputeOptions } from './process-compute.ts';
import type { CrashPoint } from './task-dependencies.ts';

export interface CrashWork {
  readonly root: string;
  /** Where it dies; undefined: another process kills it. */
  readonly at?: CrashPoint;
  readonly tasks: readonly {
    readonly attempt: string;
    readonly script: string;
    readonly isolation?: TaskSpec['isolation'];
  }[];
  readonly launcher?: ProcessComputeOptions['launcher'];
}

/** Prints `submitted` after each submission. Never ends on its own. */
export async function workUntilKilled({ root, at, tasks, launcher }: CrashWork): Promise<never> {
  const compute = await openProcessCompute({
    root,
    clock: systemClock,
    log: silentLog,
    ...(launcher !== undefined && { launcher }),
    reached: (point) => {
      if (point === at) process.kill(process.pid, 'SIGKILL');
    },
  });
  for (const { attempt, script, isolation = 'none' } of tasks) {
    await compute.submit(shell(script, { attempt, isolation }));
    process.stdout.write(`submitted ${attempt}\n`);
  }
  return await new Promise(() => {
    setInterval(() => {}, 1000);
  });
}
