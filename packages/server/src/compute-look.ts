/** What this machine can do for commands, looked at without an installation: for `dais doctor`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ComputeAbilities } from '#engines/compute/contract.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { imageFault, openCompute } from './compose.ts';
import { childEnvironment } from './config-load.ts';

/** `imageFault`: why commands cannot see an image instead of the machine. */
export interface StepAbilities extends ComputeAbilities {
  readonly imageFault: string | undefined;
}

/** @throws DaisError `invalid_request` on a system that runs no commands. */
export async function lookAtCompute(): Promise<StepAbilities> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'dais-doctor-'));
  try {
    const around = { dataFolder, clock: systemClock, log: silentLog, environment: childEnvironment() };
    const compute = await openCompute(around, []);
    try {
      return { ...(await compute.abilities()), imageFault: await imageFault(around.environment) };
    } finally {
      await compute.close();
    }
  } finally {
    await rm(dataFolder, { recursive: true, force: true });
  }
}
