/** What a process held that was killed, where no other process can be at work. */
import type { Database } from '#engines/database/contract.ts';
import { transact } from '#kernel/transaction.ts';

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
