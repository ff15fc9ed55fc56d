/** Operations on evaluation datasets. records.ts has those on their records. */
import { DaisError } from '@dais/api';
import {
  createEvaluationDatasetOperation,
  deleteEvaluationDatasetOperation,
  linkEvaluationDatasetOperation,
  readEvaluationDatasetOperation,
  searchEvaluationDatasetsOperation,
  tagEvaluationDatasetOperation,
  untagEvaluationDatasetOperation,
  type EvaluationDataset,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import {
  DEFAULT_NUMBER,
  ensureDefault,
  findExperiments,
  noExperiment,
  projectGone,
} from '../experiments/experiment-lookup.ts';
import { removePairs, setPairs } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { emitEvaluationDatasetEvent } from '../tracking-events.ts';
import { DATASET_COLUMNS, digestOf, hydrateDatasets, requireDataset, type DatasetRow } from './dataset-rows.ts';
import { searchDatasets } from './dataset-search.ts';
import { recordEntries } from './records.ts';

interface ById {
  readonly id: string;
}

export function evaluationDatasetEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  const { clock } = dependencies;
  return [
    entry(createEvaluationDatasetOperation, async (tx, { input }) => await createDataset(tx, input, dependencies)),
    entry(
      readEvaluationDatasetOperation,
      async (tx, { input }) => await hydrateOne(tx, await requireDataset(tx, input.id)),
    ),
    entry(searchEvaluationDatasetsOperation, async (tx, call) => await searchDatasets(tx, call)),
    entry(deleteEvaluationDatasetOperation, async (tx, { input }) => {
      const [gone] = await tx.sql.query<{ records: bigint }>(
        'delete from tracking.evaluation_dataset where project_id = $1 and id = $2 returning records',
        [tx.projectId, input.id],
        'delete_evaluation_dataset',
      );
      if (gone === undefined) return { deleted: false };
      emitEvaluationDatasetEvent(tx, 'evaluationDatasetDeleted', input.id, { records: Number(gone.records) });
      return { deleted: true };
    }),
    entry(tagEvaluationDatasetOperation, async (tx, { input }) => {
      const { num } = await requireDataset(tx, input.id, 'for update');
      setPairs(tx, 'evaluation_dataset_tag', num, new Map(Object.entries(input.tags)));
      return {};
    }),
    entry(untagEvaluationDatasetOperation, async (tx, { input }) => {
      const { num } = await requireDataset(tx, input.id, 'for update');
      await removePairs(tx, 'evaluation_dataset_tag', num, [input.key]);
      return {};
    }),
    entry(linkEvaluationDatasetOperation, async (tx, { input }) => await relink(tx, input, clock.now())),
    ...recordEntries(dependencies),
  ];
}

async function hydrateOne(tx: Transaction, row: DatasetRow): Promise<EvaluationDataset> {
  const [dataset] = await hydrateDatasets(tx, [row]);
  if (dataset === undefined) throw new Error('an evaluation dataset row produced no record');
  return dataset;
}

interface NewDataset {
  readonly id?: string;
  readonly name: string;
  readonly experimentIds?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  readonly user?: string;
}

/** @throws DaisError `not_found` for a missing experiment, `already_exists`. */
async function createDataset(tx: Transaction, input: NewDataset, { clock, random }: TrackingDependencies) {
  const { id = `d-${random(16).toString('hex')}`, name, experimentIds = [], tags = {}, user = null } = input;
  const now = clock.now();
  const insert = tx.sql.query<DatasetRow>(
    `insert into tracking.evaluation_dataset as r (project_id, id, name, digest, created_at, updated_at, created_by, updated_by)
     values ($1, $2, $3, $4, $5, $5, $6, $6) on conflict (project_id, id) do nothing returning ${DATASET_COLUMNS}`,
    [tx.projectId, id, name, digestOf(name, now), now, user],
    'insert_evaluation_dataset',
  );
  const [row] = await foreignKeyRace(insert, projectGone);
  if (row === undefined) {
    throw new DaisError('already_exists', `An evaluation dataset "${id}" already exists in this project.`);
  }
  setPairs(tx, 'evaluation_dataset_tag', row.num, new Map(Object.entries(tags)));
  await addTo(tx, row, experimentIds, now);
  emitEvaluationDatasetEvent(tx, 'evaluationDatasetCreated', row.id);
  return await hydrateOne(tx, row);
}

interface Links extends ById {
  readonly add?: readonly string[];
  readonly remove?: readonly string[];
}

async function relink(tx: Transaction, { id, add = [], remove = [] }: Links, now: number) {
  const row = await requireDataset(tx, id, 'for update');
  await addTo(tx, row, add, now);
  if (remove.length > 0) {
    const experiments = await findExperiments(tx, remove);
    await tx.sql.query(
      'delete from tracking.evaluation_dataset_experiment where dataset = $1 and experiment = any($2::int8[])',
      [row.num, experiments.map((one) => one.id)],
      'unlink_evaluation_dataset',
    );
  }
  const [changed] = await tx.sql.query<DatasetRow>(
    `update tracking.evaluation_dataset r set updated_at = greatest(updated_at, $2) where num = $1
     returning ${DATASET_COLUMNS}`,
    [row.num, now],
    'touch_evaluation_dataset',
  );
  return await hydrateOne(tx, changed ?? row);
}

/** @throws DaisError `not_found` for the first missing one. */
async function addTo(tx: Transaction, row: DatasetRow, numbers: readonly string[], now: number): Promise<void> {
  if (numbers.length === 0) return;
  if (numbers.includes(DEFAULT_NUMBER)) await ensureDefault(tx, now);
  const experiments = await findExperiments(tx, numbers);
  const found = new Set(experiments.map((one) => (one.is_default ? DEFAULT_NUMBER : String(one.id))));
  const missing = numbers.find((number) => !found.has(number));
  if (missing !== undefined) throw noExperiment(missing);
  const link = tx.sql.query(
    `insert into tracking.evaluation_dataset_experiment (dataset, experiment, project_id)
     select $1, t.id, $2 from unnest($3::int8[]) t (id) on conflict do nothing`,
    [row.num, tx.projectId, experiments.map((one) => one.id)],
    'link_evaluation_dataset',
  );
  await foreignKeyRace(link, () => noExperiment(numbers.join(', ')));
}
