/** Deletes runs: on request, with their project, or by retention. */
import { DaisError } from '@dais/api';
import { detachContent } from '#kernel/content/references.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { removeOldFires } from '../schedules/fires.ts';

/** Deletes a run with its nodes, attempts, files and logs. */
export async function removeRun(
  tx: Transaction,
  run: { readonly id: string; readonly projectId: string },
): Promise<void> {
  const { id, projectId } = run;
  await detachContent(tx, { projectId, uid: id });
  await tx.sql.query('delete from executions.run where project_id = $1 and id = $2', [projectId, id], 'execution_gone');
}

/** Deletes all runs of a project. @throws DaisError `still_referenced` while a run has not ended. */
export async function removeProjectRuns(
  tx: Transaction,
  project: { readonly id: string; readonly name: string },
): Promise<void> {
  const home = tx.projectId;
  await tx.enter(project.id);
  const runs = await tx.sql.query<{ id: string; ended_at: Date | null }>(
    'select id, ended_at from executions.run where project_id = $1',
    [project.id],
  );
  const open = runs.filter(({ ended_at: endedAt }) => endedAt === null).length;
  if (open > 0) {
    const what = open === 1 ? '1 job or pipeline run that has' : `${open} jobs or pipeline runs that have`;
    const detail = `Project "${project.name}" still has ${what} not ended. Cancel ${open === 1 ? 'it' : 'them'} first.`;
    throw new DaisError('still_referenced', detail);
  }
  for (const { id } of runs) await removeRun(tx, { id, projectId: project.id });
  // Schedules of Schedule resources were deleted with the resources.
  await tx.sql.query('delete from executions.schedule where project_id = $1', [project.id], 'drop_schedules');
  await tx.sql.query('delete from executions.quota where project_id = $1', [project.id], 'drop_quota');
  await tx.enter(home);
}

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
