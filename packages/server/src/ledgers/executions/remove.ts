/** Deletes runs: on request, with their project, or by retention. */
import { DaisError } from '@dais/api';
import { detachContent } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';

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
