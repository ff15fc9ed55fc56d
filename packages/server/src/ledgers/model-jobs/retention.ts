/** Deletes old jobs, and those of deleted projects. */
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { contentOfJob, dropContent } from './job-content.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';

const SLICE = 200;

/** `days` 0: nothing is deleted. */
export function modelJobRetention({ days }: Pick<ModelJobsDependencies, 'days'>): JobHandler {
  return {
    queue: 'model-jobs.retention',
    concurrency: 1,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    every: { firstMs: 480_000, againMs: 3_600_000 },
    async run(_job, io) {
      if (days === 0) return { jobs: 0 };
      let jobs = 0;
      for (let deleted = SLICE; deleted === SLICE && !io.signal.aborted; jobs += deleted) {
        deleted = await io.write(async (tx) => {
          await tx.enter('all');
          const rows = await tx.sql.query<{ id: string; project_id: string }>(
            `delete from model_jobs.job where id in (select id from model_jobs.job
               where ended_at < (extract(epoch from clock_timestamp()) - $1 * 86400) * 1000 limit ${SLICE})
             returning id, project_id`,
            [days],
            'old_model_jobs',
          );
          for (const row of rows) {
            await tx.enter(row.project_id);
            await dropContent(tx, contentOfJob(row));
          }
          return rows.length;
        });
      }
      return { jobs };
    },
  };
}

/** Deletes the jobs of a deleted project. A running one finds no row to write to. */
export async function deleteModelJobs(tx: Transaction, projectId: string): Promise<void> {
  const rows = await tx.sql.query<{ id: string; project_id: string }>(
    'delete from model_jobs.job where project_id = $1 returning id, project_id',
    [projectId],
    'forget_model_jobs',
  );
  for (const row of rows) await dropContent(tx, contentOfJob(row));
  await tx.sql.query('delete from model_jobs.importance where project_id = $1', [projectId], 'forget_importances');
}
