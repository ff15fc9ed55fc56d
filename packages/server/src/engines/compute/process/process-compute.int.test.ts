import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { TaskSpec } from '../contract.ts';
import { computeSuite, type ComputeSubject } from '../suite.ts';
import { openProcessCompute, type ProcessComputeOptions } from './process-compute.ts';

async function open(
  isolation: TaskSpec['isolation'],
  more: Pick<ProcessComputeOptions, 'limits' | 'launcher'> = {},
): Promise<ComputeSubject> {
  const root = await mkdtemp(join(tmpdir(), 'dais-compute-'));
  const options: ProcessComputeOptions = { root, clock: systemClock, log: silentLog, ...more };
  const compute = await openProcessCompute(options);
  if (isolation === 'required') expect((await compute.abilities()).isolationProblem).toBeUndefined();
  return {
    compute,
    isolation,
    end: async () => {
      for await (const attempt of compute.attempts()) await compute.forget(attempt);
      await compute.close();
      await rm(root, { recursive: true });
    },
  };
}

computeSuite('process', async () => await open('none'));
computeSuite('process, isolated', async () => await open('required'));
computeSuite('process, without control groups', async () => await open('none', { limits: 'rlimit' }));
computeSuite('process, without a launcher', async () => await open('none', { launcher: 'none' }));
