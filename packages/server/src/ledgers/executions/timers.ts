/** What comes due: further attempts at steps, further iterations of loops. */
import { transact } from '#kernel/transaction.ts';
import type { Database } from '#engines/database/contract.ts';
import type { TimerKind } from './machine/run-store.ts';
import type { RunMachines } from './run-machine.ts';

interface TimerRow {
  readonly id: bigint;
  readonly run: string;
  readonly node: string;
  readonly project_id: string;
  readonly kind: TimerKind;
}

const AT_ONCE = 100;

/**
 * Does what is due by the database's clock, a transaction for each. True: there may be more. Any number of processes do
 * this at the same time: who deletes the row has done it.
 */
export async function runTimers(database: Database, machines: RunMachines): Promise<boolean> {
  const due = await database.statement<TimerRow>(
    { mode: 'read', scope: 'all' },
    `select id, run, node, project_id, kind from executions.timer where due_at <= clock_timestamp() order by due_at
     limit ${AT_ONCE}`,
    [],
    'execution_timers_due',
  );
  for (const { id, run, node, project_id: projectId, kind } of due) {
    await transact(database, { mode: 'write', projectId }, async (tx) => {
      const open = await machines.open(tx, run);
      const gone = await tx.sql.query(
        'delete from executions.timer where id = $1 returning 1',
        [id],
        'execution_timer_done',
      );
      if (open === undefined || gone.length === 0) return;
      const facts = await open.store.node(node);
      await (kind === 'retry' ? open.machine.retryDue(facts) : open.machine.expandDue(facts));
    });
  }
  return due.length === AT_ONCE;
}
