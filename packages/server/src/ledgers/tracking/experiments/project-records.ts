/** Creates and deletes the records of a project. */
import { DaisError } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { dropComments } from '#ledgers/comments/index.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import { ensureDefault } from './experiment-lookup.ts';
import type { TrackingOptions } from '../dependencies.ts';
import { runKey } from '../runs/run-subject.ts';

/** Creates the default experiment after the project itself is written. */
export function createProjectRecords(
  tx: Transaction,
  projectId: string,
  { now, folderRoot }: Pick<TrackingOptions, 'folderRoot'> & { readonly now: () => number },
): void {
  tx.checkAtEnd(`default experiment of ${projectId}`, async () => {
    await tx.enter(projectId);
    await ensureDefault(tx, now(), folderRoot);
  });
}

/** Tables in the order of their references. */
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
 * Removes deleted objects permanently. @throws DaisError `still_referenced` while there are experiments, runs, logged models
 * or traces that are not deleted, or evaluation datasets. The empty default experiment does not count.
 */
export async function removeProjectRecords(
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
    const held: readonly (readonly [number, string])[] = [
      [experiments, 'experiment'],
      [runs, 'run'],
      [models, 'logged model'],
      [sets, 'evaluation dataset'],
      [traces, 'trace'],
    ];
    const what = held.flatMap(([n, noun]) => (n === 0 ? [] : `${n} ${noun}${n === 1 ? '' : 's'}`)).join(', ');
    throw new DaisError('still_referenced', `Project "${name}" still contains ${what}. Delete them first.`);
  }
  // Remove only deleted objects: if one was created or restored since the count, its experiment references the project, and
  // the transaction is retried.
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
  // Parts of uploads are content of the project, and are deleted with it.
  for (const table of ['artifact_upload', 'artifact_link', 'imported']) await remove(table, 'project_id = $1');
  await foreignKeyRace(remove('experiment', `project_id = $1 and (is_default or deleted_at is not null)`));
  await tx.enter(home);
}
