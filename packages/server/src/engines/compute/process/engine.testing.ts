/** Opens an engine in a separate folder, for one test file. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { Compute, TaskSpec, TaskState } from '../contract.ts';
import { never, textOf } from '../suite.ts';
import { openProcessCompute, type ProcessComputeOptions } from './process-compute.ts';

export interface TestEngine {
  /** Contains `compute`, the folder of the engine. */
  readonly folder: string;
  readonly compute: Compute;
  finish(spec: TaskSpec): Promise<TaskState | undefined>;
  /** Returns its output after it has ended. */
  outputOf(spec: TaskSpec): Promise<string>;
  end(): Promise<void>;
}

export async function startEngine(
  options: Partial<ProcessComputeOptions> = {},
  path: string = tmpdir(),
): Promise<TestEngine> {
  const folder = await mkdtemp(join(path, 'dais-compute-'));
  const compute = await openProcessCompute({
    root: join(folder, 'compute'),
    clock: systemClock,
    log: silentLog,
    ...options,
  });
  const finish = async (spec: TaskSpec): Promise<TaskState | undefined> => {
    await compute.submit(spec);
    return await compute.wait(spec.attempt, never);
  };
  return {
    folder,
    compute,
    finish,
    outputOf: async (spec) => {
      await finish(spec);
      return await textOf(compute, spec.attempt);
    },
    end: async () => {
      for await (const attempt of compute.attempts()) await compute.forget(attempt);
      await compute.close();
      await rm(folder, { recursive: true });
    },
  };
}
