import type { Database, Sql } from '#engines/database/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { HeldLease } from '#lib/concurrency/held-lease.ts';
import type { LoopDependencies } from '#lib/concurrency/loop.ts';

/** A write failed because another process has the lease. The work has no effect. */
export class LeaseLost extends Error {
  constructor(name: string) {
    super(`the lease "${name}" is held by another process`);
    this.name = 'LeaseLost';
  }
}

/** `epoch` grows each time the lease changes hands: it is the fencing token. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  readonly epoch: bigint;
}

/**
 * Acquires a free or expired lease, or extends the own one. All times are of the database, so clocks of replicas do not
 * matter. Undefined if another process has it.
 */
export async function acquireLease(
  database: Database,
  name: string,
  holder: string,
  ttlMs: number,
): Promise<Lease | undefined> {
  return await transact(database, { mode: 'write', projectId: 'all' }, async ({ sql }) => {
    const [row] = await sql.query<{ epoch: bigint }>(
      `insert into kernel.lease as l (name, owner, epoch, expires_at)
       values ($1, $2, 1, clock_timestamp() + $3 * interval '1 millisecond')
       on conflict (name) do update
         set owner = $2,
             epoch = case when l.owner = $2 and l.expires_at >= clock_timestamp() then l.epoch else l.epoch + 1 end,
             expires_at = excluded.expires_at
         where l.owner = $2 or l.expires_at < clock_timestamp()
       returning epoch`,
      [name, holder, ttlMs],
      'acquire_lease',
    );
    return row === undefined ? undefined : { name, holder, epoch: row.epoch };
  });
}

/** The valid leases of `holders`, by name. */
export async function leasesOf(sql: Sql, holders: readonly string[]) {
  const select =
    'select owner, name from kernel.lease where owner = any($1) and expires_at > clock_timestamp() order by name';
  return await sql.query<{ readonly owner: string; readonly name: string }>(select, [holders], 'leases_of');
}

/** Releases a lease immediately, so that another process need not wait for its expiry. */
export async function releaseLease(database: Database, { name, holder, epoch }: Lease): Promise<void> {
  const release = `update kernel.lease set expires_at = '-infinity' where name = $1 and owner = $2 and epoch = $3`;
  await database.statement({ mode: 'write', scope: 'all' }, release, [name, holder, epoch], 'release_lease');
}

/** The lease of a background loop. */
export function leaseOf(database: Database, name: string, holder: string, ttlMs: number, { clock }: LoopDependencies) {
  const acquire = () => acquireLease(database, name, holder, ttlMs);
  return new HeldLease<Lease>({
    acquire,
    release: (lease) => releaseLease(database, lease),
    ttlMs,
    now: () => clock.now(),
  });
}

/**
 * Runs one write that fails unless the lease is valid. The lease is locked until the write ends, so that a takeover waits.
 * @throws LeaseLost
 */
export async function guardedWrite<T>(
  database: Database,
  { name, holder, epoch }: Lease,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await transact(database, { mode: 'write', projectId: 'all' }, async (tx) => {
    const rows = await tx.sql.query(
      `select 1 from kernel.lease where name = $1 and owner = $2 and epoch = $3 and expires_at > clock_timestamp() for share`,
      [name, holder, epoch],
      'guard_lease',
    );
    if (rows.length === 0) throw new LeaseLost(name);
    return await work(tx);
  });
}
