/** Deletes lineage: with its project, or by retention. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';

const DAY_MS = 86_400_000;
/** Rows per transaction, to keep locks short. */
const BATCH = 5000;

export async function removeProjectLineage(tx: Transaction, projectId: string): Promise<void> {
  const home = tx.projectId;
  await tx.enter(projectId);
  for (const table of ['edge', 'node']) {
    await tx.sql.query(`delete from lineage.${table} where project_id = $1`, [projectId]);
  }
  await tx.enter(home);
}

/** Returns the job that deletes nodes of other systems without a recent event. Lineage of Dais itself is kept. */
export function lineageRetention({ days, now }: { readonly days: number; readonly now: () => number }): JobHandler {
  return {
    queue: 'lineage-retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 60_000, capMs: 3_600_000 },
    every: { firstMs: 60_000, againMs: DAY_MS },
    run: async (_job, io) => {
      const before = now() - days * DAY_MS;
      const remove = async (table: 'edge' | 'node', time: string) => {
        for (let removed = BATCH; removed === BATCH;) {
          io.signal.throwIfAborted();
          removed = await io.write(async (tx) => {
            await tx.enter('all');
            const [row] = await tx.sql.query<{ n: number }>(
              `with old as (select ctid from lineage.${table} where external and ${time} < $1 limit ${BATCH}),
                 gone as (delete from lineage.${table} where ctid in (select ctid from old) returning 1)
               select count(*)::int as n from gone`,
              [before],
            );
            return row?.n ?? 0;
          });
        }
      };
      await remove('edge', 'at');
      await remove('node', 'updated_at');
    },
  };
}
