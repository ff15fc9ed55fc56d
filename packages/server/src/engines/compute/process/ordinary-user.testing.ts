/** A program that an unprivileged user runs: it runs one isolated task and prints the result. */
import type { Socket } from 'node:net';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { never, task, textOf } from '../suite.ts';
import { openProcessCompute } from './process-compute.ts';

export interface UserReport {
  readonly problem: string | undefined;
  readonly limits: string;
  readonly state: unknown;
  readonly text: string;
}

export async function runIsolated(root: string, script: string): Promise<void> {
  const reach = [{ port: 7070, accept: (socket: Socket) => void socket.end('hello from outside\n') }];
  const compute = await openProcessCompute({ root, clock: systemClock, log: silentLog, reach });
  const { isolationProblem: problem, limits } = await compute.abilities();
  const spec = task(['bash', '-c', script], { isolation: 'required', limits: { graceMs: 100 } });
  await compute.submit(spec);
  // Waiting for a task does not keep the process alive.
  const alive = setInterval(() => {}, 1000);
  const state = await compute.wait(spec.attempt, never);
  clearInterval(alive);
  const outputOf: UserReport = { problem, limits, state, text: await textOf(compute, spec.attempt) };
  await compute.forget(spec.attempt);
  await compute.close();
  process.stdout.write(JSON.stringify(outputOf));
}
