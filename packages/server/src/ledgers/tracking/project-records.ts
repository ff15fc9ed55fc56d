/** What the ledger keeps of a project, from its beginning to its end. */
import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { dropComments } from '#ledgers/comments/index.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import { ensureDefault } from './experiment-lookup.ts';
import type { TrackingOptions } from './options.ts';
import { runKey } from './run-subject.ts';

/** Makes the default experiment, once the project itself is written. */
export function beginProject(
  tx: Transaction,
  projectId: string,
  { now, folderRoot }: Pick<TrackingOptions, 'folderRoot'> & { readonly now: () => number },
): void {
  tx.checkAtEnd(`default experiment of ${projectId}`, async () => {
    await tx.enter(projectId);
    await ensureDefault(tx, now(), folderRoot);
  });
}

/** By what points to what. */
export const OF_RUNS = [
  'param',
  'tag',
  'metric',
  'dataset_input',
  'model_input',
  'model_output',
  'logged_model_metric',
];
export const OF_MODELS = ['logged_model_param', 'logged_model_tag'];
export const OF_SERIES = ['metric_tail', 'metric_chunk'];

/**
 * Takes away what was deleted and could be restored. @throws DaisError `still_referenced` while there are experiments,
 * runs, logged models or traces that are not deleted, or evaluation datasets; the empty default experiment does not count.
 */
export async function endProject(
  tx: Transaction,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<void> {
  const home = tx.projectId;
  await tx.enter(id);
  const [held] = await tx.sql.query<{
    experiments: number;
    runs: number;
    models: number;
    sets: number;
    traces: number;
  }>(
    `select (select count(*)::int from tracking.experiment where project_id = $1 and deleted_at is null and not is_default) as experiments,
       (select count(*)::int from tracking.run where project_id = $1 and deleted_at is null) as runs,
       (select count(*)::int from tracking.logged_model where project_id = $1 and deleted_at is null) as models,
       (select count(*)::int from tracking.evaluation_dataset where project_id = $1) as sets,
       (select count(*)::int from tracking.trace t join tracking.experiment e on e.id = t.experiment
         where t.project_id = $1 and e.deleted_at is null) as traces`,
    [id],
  );
  const { experiments = 0, runs = 0, models = 0, sets = 0, traces = 0 } = held ?? {};
  if (experiments + runs + models + sets + traces > 0) {
    const what = `${experiments} experiment(s), ${runs} run(s), ${models} logged model(s), ${sets} evaluation dataset(s) and ${traces} trace(s)`;
    throw new DaisError('still_referenced', `"${name}" still holds ${what}; delete them first.`);
  }
  // Only what is deleted: whatever was made or restored since it was counted keeps its experiment, and that the project.
  // Then all of this begins again, and counts it.
  const deleted = 'project_id = $1 and deleted_at is not null';
  const runsOf = `select num from tracking.run where ${deleted}`;
  const remove = async (table: string, where: string) =>
    await tx.sql.query(`delete from tracking.${table} where ${where}`, [id]);
  for (const table of OF_SERIES) {
    await remove(table, `series in (select series from tracking.metric where run in (${runsOf}))`);
  }
  for (const table of OF_RUNS) await remove(table, `run in (${runsOf})`);
  const modelsOf = `select num from tracking.logged_model where ${deleted}`;
  for (const table of OF_MODELS) await remove(table, `model in (${modelsOf})`);
  const gone = await tx.sql.query<{ num: bigint }>(runsOf, [id]);
  await dropComments(
    tx,
    gone.map(({ num }) => runKey(num)),
  );
  for (const table of ['logged_model', 'run']) await remove(table, deleted);
  await remove(
    'trace',
    'project_id = $1 and experiment in (select id from tracking.experiment where project_id = $1 and deleted_at is not null)',
  );
  // Parts of uploads are content of the project, and go with it.
  for (const table of ['artifact_upload', 'artifact_link', 'imported']) await remove(table, 'project_id = $1');
  await foreignKeyRace(remove('experiment', `project_id = $1 and (is_default or deleted_at is not null)`));
  await tx.enter(home);
}
