/** Inspects what this machine can do for commands, without an installation: for `dais doctor`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IsolationInfo } from '@dais/api/executions';
import type { ComputeAbilities } from '#engines/compute/contract.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { imageProblem } from '#compose/environments.ts';
import { openCompute } from '#compose/compute.ts';
import { isolationPaths, openIsolationAt, type IsolationConfig } from '#compose/isolation.ts';
import { childEnvironment } from '#config-load.ts';
import { isolationInfo } from '#control/isolation-state.ts';

/** `imageFault`: why commands cannot see an image instead of the machine. */
export interface StepAbilities extends ComputeAbilities {
  readonly imageProblem: string | undefined;
  readonly isolation: IsolationInfo;
}

/**
 * Installs nothing, so a bubblewrap that Dais would install when it starts is not there yet.
 * @throws DaisError `invalid_request` on a system that runs no commands.
 */
export async function checkCompute(config?: IsolationConfig): Promise<StepAbilities> {
  const dataFolder = await mkdtemp(join(tmpdir(), 'dais-doctor-'));
  const environment = childEnvironment();
  const isolation = await openIsolationAt(
    await isolationPaths(config ?? { data: dataFolder, isolation: {} }, environment),
  );
  try {
    const around = { dataFolder, clock: systemClock, log: silentLog, environment, isolation };
    const compute = await openCompute(around, []);
    try {
      const [abilities, images, report] = await Promise.all([
        compute.abilities(),
        imageProblem(environment),
        isolation.report(),
      ]);
      return { ...abilities, imageProblem: images, isolation: isolationInfo(report) };
    } finally {
      await compute.close();
    }
  } finally {
    await isolation.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
}
