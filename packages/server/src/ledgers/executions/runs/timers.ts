/** Timers of runs: retries of steps and further iterations of loops. */
import { transact } from '#kernel/transaction.ts';
import type { Database, Sql } from '#engines/database/contract.ts';
import type { TimerKind } from '../machine/run-store.ts';
import type { RunMachines } from './run-machine.ts';

interface TimerRow {
  readonly id: bigint;
  readonly run: string;
  readonly node: string;
  readonly project_id: string;
  readonly kind: TimerKind;
}

const AT_ONCE = 100;

export async function dueTimers(sql: Sql): Promise<readonly TimerRow[]> {
  return await sql.query<TimerRow>(
    `select id, run, node, project_id, kind from executions.timer where due_at <= clock_timestamp() order by due_at
     limit ${AT_ONCE}`,
    [],
    'execution_timers_due',
  );
}

/**
 * Runs the timers that are due by the clock of the database, each in its own transaction. Returns true if there may be
 * more. Several processes can do this at the same time: the process that deletes the row runs the timer.
 */
export async function runTimers(database: Database, machines: RunMachines): Promise<boolean> {
  const due = await transact(database, { mode: 'read', projectId: 'all' }, ({ sql }) => dueTimers(sql));
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
