/** Builds the kernel of a control process from everything that was opened, and starts it with the ledgers. */
import { nodeWork } from '@dais/api/access';
import type { Database } from '#engines/database/contract.ts';
import { Kernel, type KernelDependencies } from '#kernel/kernel.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import { Reconciler } from '#kernel/reconciler.ts';
import { KindRegistry } from '#kernel/registry.ts';
import type { Ledger } from '#ledgers/ledger.ts';
import { transact } from '#kernel/transaction.ts';
import { checkOutputs } from './check-outputs.ts';
import type { ControlSetup } from './control-setup.ts';
import type { ControlEngines } from './open-engines.ts';

/** `parts`: everything that has operations, jobs and subscribers. */
export function buildKernel(
  { config, version, database, startedAt, ...setup }: ControlSetup,
  { clock, isolationState, gate }: ControlEngines,
  {
    parts,
    ...own
  }: Pick<KernelDependencies, 'database' | 'kinds' | 'authorizer' | 'holder' | 'log'> & {
    readonly parts: readonly Ledger[];
  },
): Kernel {
  return new Kernel({
    ...own,
    wrapEntry: setup.checkOutputs === true ? checkOutputs : undefined,
    entries: parts.flatMap(({ entries = [] }) => entries),
    jobs: parts.flatMap(({ jobs = [] }) => jobs),
    subscribers: parts.flatMap(({ subscribers = [] }) => subscribers),
    random: Math.random,
    clock,
    gate,
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
  for (const ledger of ledgers) await ledger.prepare?.();
  const work = nodeWork[config.role];
  await kernel.start(work);
  for (const ledger of ledgers) await ledger.start?.(work);
}

/**
 * The part of the background work that needs a gateway: new versions of endpoints are tested at the gateway of the node that
 * reconciles the endpoint. Absent where the kernel reconciles everything, and on nodes without a gateway.
 */
export function endpointReconciler(
  { config }: Pick<ControlSetup, 'config'>,
  { clock, gate }: Pick<ControlEngines, 'clock' | 'gate'>,
  { kinds, ...own }: Pick<KernelDependencies, 'database' | 'kinds' | 'holder' | 'log'>,
): Reconciler | undefined {
  const work = nodeWork[config.role];
  if (work.controller || !work.gateway) return undefined;
  const only = kinds.map((kind) => (kind.spec.kind === 'Endpoint' ? kind : withoutController(kind)));
  return new Reconciler({ ...own, kinds: new KindRegistry(only), clock, gate, random: Math.random });
}

function withoutController(kind: KindDefinition): KindDefinition {
  const { controller: _, ...rest } = kind;
  return rest;
}

/**
 * Ends all leases of the kernel. For a database that this Dais runs itself: its data folder is locked, so all lease
 * owners are dead, and nothing has to wait 30 seconds for their leases to expire. If one is still alive for a moment,
 * its lease counts as expired, and fencing prevents its writes.
 */
export async function endEarlierLeases(database: Database): Promise<void> {
  await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
    await sql.query(
      `update kernel.lease set expires_at = '-infinity' where expires_at > clock_timestamp()`,
      [],
      'end_leases',
    );
    await sql.query(
      `update kernel.job set lease_until = '-infinity' where state = 'running' and lease_until > clock_timestamp()`,
      [],
      'end_leases_of_jobs',
    );
    await sql.query(
      `update kernel.reconcile set lease_until = '-infinity' where lease_until > clock_timestamp()`,
      [],
      'end_leases_of_passes',
    );
  });
}
