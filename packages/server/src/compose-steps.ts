/** What steps run with: where they are confined, the environments that they find, and their way out. See compose.ts. */
import type { Reachable } from '#engines/compute/process/relay.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import { Lazy } from '#lib/lazy.ts';
import type { EngineSurroundings } from './compose-engines.ts';
import { openCompute, openEnvironments } from './compose.ts';
import type { ResolvedConfig } from './config-load.ts';
import { Egress } from './egress.ts';

export interface StepSurroundings extends EngineSurroundings {
  readonly isolation: Isolation;
  /** What a step reaches whether it has network or not: this server. */
  readonly reach: Reachable;
}

export type StepEngines = ReturnType<typeof stepEngines>;

/** Opens nothing yet. */
export function stepEngines(config: ResolvedConfig, { reach, isolation, ...around }: StepSurroundings) {
  const { keepFreeDiskBytes: keepFreeBytes } = config.executions;
  const hidden = [config.keys, config.blobs].flatMap((one) => ('folder' in one ? (one.folder ?? []) : []));
  const egress = new Egress(around.outbound);
  const parts = { reach: [reach], proxy: egress.taskProxy(reach.port), keepFreeBytes };
  const compute = new Lazy(async () => await openCompute({ ...around, isolation }, hidden, parts));
  return {
    egress,
    compute,
    environments: new Lazy(async () => await openEnvironments(config, around)),
    /** Steps go on; the next process finds them. */
    close: async (): Promise<void> => {
      egress.close();
      await (await compute.opened())?.close();
    },
  };
}
