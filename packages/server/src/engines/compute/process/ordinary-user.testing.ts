/** The program of an engine that an ordinary user runs: runs one isolated task and says what came of it. */
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { never, shell, textOf } from '../suite.ts';
import { openProcessCompute } from './process-compute.ts';

export interface OrdinaryTold {
  readonly fault: string | undefined;
  readonly limits: string;
  readonly state: unknown;
  readonly text: string;
}

export async function runIsolated(root: string, script: string): Promise<void> {
  const compute = await openProcessCompute({ root, clock: systemClock, log: silentLog });
  const { isolationFault: fault, limits } = await compute.abilities();
  const spec = shell(script, { isolation: 'required', limits: { graceMs: 100 } });
  await compute.submit(spec);
  const state = await compute.wait(spec.attempt, never);
  const told: OrdinaryTold = { fault, limits, state, text: await textOf(compute, spec.attempt) };
  await compute.forget(spec.attempt);
  await compute.close();
  process.stdout.write(JSON.stringify(told));
}
