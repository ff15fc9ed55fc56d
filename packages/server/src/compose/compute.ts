/** The list of compute engines, and how much of the machine the steps may use. */
import { hostname } from 'node:os';
import type { ConfigSpec } from '@dais/api';
import type { Compute } from '#engines/compute/contract.ts';
import type { ProcessComputeOptions } from '#engines/compute/process/process-compute.ts';
import type { Isolation } from '#engines/isolation/contract.ts';
import type { ExecutionDependencies } from '#ledgers/executions/index.ts';
import { machineMemory } from '#lib/system/machine-memory.ts';
import type { EngineEnvironment } from './engines.ts';
import type { ResolvedConfig } from '#config-load.ts';

type Around = Omit<EngineEnvironment, 'outbound'>;

type ComputeEngine = ConfigSpec['executions']['engine'];
type ComputeOpener = (options: ProcessComputeOptions) => Promise<Compute>;

/** The compute engines, by `spec.executions.engine`. */
const computeEngines: Readonly<Record<ComputeEngine, ComputeOpener>> = {
  process: async (options) =>
    await (await import('#engines/compute/process/process-compute.ts')).openProcessCompute(options),
};

interface ComputeOptions extends Pick<ProcessComputeOptions, 'reach' | 'proxy' | 'keepFreeBytes'> {
  readonly engine?: ComputeEngine;
}

/**
 * The engine for steps. `hidden`: folders and files that isolated steps never see. `reach`: local services that they
 * can reach, with or without network. `proxy`: the proxy of steps with network. `keepFreeBytes`: free bytes of the disk
 * below which a step is ended.
 */
export async function openCompute(
  { dataFolder, clock, log, environment, isolation }: Around & { readonly isolation: Isolation },
  hidden: readonly string[],
  { engine = 'process', reach = [], proxy, keepFreeBytes = 0 }: ComputeOptions = {},
): Promise<Compute> {
  const path = environment['PATH'];
  return await computeEngines[engine]({
    root: `${dataFolder}/compute`,
    clock,
    log,
    isolation,
    hidden: [dataFolder, ...hidden],
    reach,
    keepFreeBytes,
    ...(proxy !== undefined && { proxy }),
    ...(path !== undefined && { path }),
  });
}

type ComputeRules = Pick<
  ExecutionDependencies,
  'concurrency' | 'limits' | 'stepDefaults' | 'capacity' | 'nodeName' | 'diskRules'
>;

export function computeRules(
  { executions }: Pick<ResolvedConfig, 'executions'>,
  { environment }: Pick<Around, 'environment'>,
): ComputeRules {
  const { stepCpu: cpu, stepMemoryBytes: memory, stepDiskBytes: disk, maxStepDiskBytes: maxBytes } = executions;
  return {
    concurrency: executions.atOnce,
    limits: { runningSteps: executions.perProject, queuedSteps: executions.queuedPerProject },
    stepDefaults: { cpu, memory: memory ?? Math.floor(machineMemory() / 2), disk },
    diskRules: { defaultBytes: disk, maxBytes },
    capacity: async () => await capacityOf(environment['PATH']),
    nodeName: hostname(),
  };
}

/** Known without the engine, which is opened with the first step. */
async function capacityOf(path: string | undefined): Promise<Readonly<Record<string, number>>> {
  const { findGpus, machineResources, SYSTEM_PATH } = await import('#engines/compute/process/capacity.ts');
  const gpus = await findGpus(path ?? SYSTEM_PATH);
  // The free disk changes by the minute: the engine compares it when a step starts.
  const { disk: _, ...resources } = await machineResources('/', gpus);
  return resources;
}
