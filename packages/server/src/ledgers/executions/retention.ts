/** Deletes old runs that ended and old records of schedules. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { removeRun } from './remove.ts';
import { removeOldFires } from './schedules/fires.ts';

/** Rows of one transaction. The limit of runs is low because each run can have many files. */
const RUNS = 20;
const FIRES = 5000;

/** Returns the job that deletes what is older than `days`. 0: nothing is deleted. */
export function executionRetention(days: number): JobHandler {
  return {
    queue: 'execution-retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 240_000, againMs: 3_600_000 },
    async run(_job, io) {
      const sweep = async (slice: number, remove: (tx: Transaction) => Promise<number>) => {
        let removed = 0;
        for (let rows = slice; rows === slice && !io.signal.aborted; removed += rows) {
          rows = await io.write(async (tx) => {
            await tx.enter('all');
            return await remove(tx);
          });
        }
        return removed;
      };
      if (days === 0) return { runs: 0, fires: 0 };
      return {
        runs: await sweep(RUNS, async (tx) => await removeOldRuns(tx, days)),
        fires: await sweep(FIRES, async ({ sql }) => await removeOldFires(sql, days, FIRES)),
      };
    },
  };
}

async function removeOldRuns(tx: Transaction, days: number): Promise<number> {
  const old = await tx.sql.query<{ id: string; project_id: string }>(
    `select id, project_id from executions.run where ended_at < clock_timestamp() - $1 * interval '1 day'
     order by ended_at limit ${RUNS} for update skip locked`,
    [days],
    'old_executions',
  );
  for (const { id, project_id: projectId } of old) await removeRun(tx, { id, projectId });
  return old.length;
}
