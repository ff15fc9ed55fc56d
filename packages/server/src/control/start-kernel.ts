/** Builds the kernel of a control process from everything that was opened, and starts it with the ledgers. */
import { checkOutputs } from './check-outputs.ts';
import type { Database } from '#engines/database/contract.ts';
import { Kernel, type KernelParts } from '#kernel/kernel.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import type { ControlSetup } from './control-setup.ts';
import { endEarlierLeases } from './earlier-leases.ts';
import type { ControlEngines } from './open-engines.ts';

/** `parts`: everything that has operations, jobs and subscribers. */
export function buildKernel(
  { config, version, database, startedAt, ...setup }: ControlSetup,
  { clock, isolationState }: ControlEngines,
  {
    parts,
    ...own
  }: Pick<KernelParts, 'database' | 'kinds' | 'authorizer' | 'holder' | 'log'> & { readonly parts: readonly Ledger[] },
): Kernel {
  return new Kernel({
    ...own,
    wrapEntry: setup.checkOutputs === true ? checkOutputs : undefined,
    entries: parts.flatMap(({ entries = [] }) => entries),
    jobs: parts.flatMap(({ jobs = [] }) => jobs),
    subscribers: parts.flatMap(({ subscribers = [] }) => subscribers),
    random: Math.random,
    clock,
    retention: config.retention,
    server: () => ({
      version,
      mode: config.authentication.mode,
      database,
      startedAt,
      ...(isolationState.latest !== undefined && { isolation: isolationState.latest }),
    }),
  });
}

export async function startKernel(
  { config, database: { engine } }: ControlSetup,
  {
    kernel,
    ledgers,
    database,
  }: { readonly kernel: Kernel; readonly ledgers: readonly Ledger[]; readonly database: Database },
): Promise<void> {
  // No other program uses an embedded database: remaining leases belong to dead processes.
  if (engine === 'embedded') await endEarlierLeases(database);
  await kernel.bootstrap();
  const roles = { controller: config.role !== 'api' };
  await kernel.start(roles);
  for (const ledger of ledgers) await ledger.start?.(roles);
}
