/** Operations on experiments. */
import { DaisError } from '@dais/api';
import {
  createExperimentOperation,
  deleteExperimentOperation,
  findExperimentOperation,
  readExperimentOperation,
  restoreExperimentOperation,
  updateExperimentOperation,
  type Experiment,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { foreignKeyRace } from '#lib/write-race.ts';
import {
  artifactsOf,
  experimentDeleted,
  projectGone,
  EXPERIMENT_COLUMNS,
  folderOf,
  requireExperiment,
  publicId,
  type ExperimentRow,
} from './experiment-lookup.ts';
import type { TrackingOptions, TrackingDependencies } from '../dependencies.ts';
import { removePairs, setPairs } from '../pairs.ts';
import { emitExperimentEvent } from '../tracking-events.ts';

/** Largest bigint of PostgreSQL. */
const UNIQUE_VIOLATION = '23505';

type Tags = Readonly<Record<string, string>>;

export function experimentEntries({ options, clock }: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(createExperimentOperation, async (tx, { input }) => await createExperiment(tx, input, clock.now(), options)),
    entry(
      readExperimentOperation,
      async (tx, { input }) => await hydrateOne(tx, await requireExperiment(tx, input.id), options),
    ),
    entry(
      findExperimentOperation,
      async (tx, { input }) => await hydrateOne(tx, await experimentOfName(tx, input.name), options),
    ),
    entry(updateExperimentOperation, async (tx, { input }) => await updateExperiment(tx, input, clock.now(), options)),
    entry(deleteExperimentOperation, async (tx, { input }) => await deleteExperiment(tx, input.id, clock.now())),
    entry(restoreExperimentOperation, async (tx, { input }) => await restoreExperiment(tx, input.id, clock.now())),
  ];
}

/** Returns experiments with their tags, in the order of `rows`. */
export async function hydrateExperiments(
  { sql }: Transaction,
  rows: readonly ExperimentRow[],
  options: TrackingOptions,
): Promise<Experiment[]> {
  if (rows.length === 0) return [];
  const tags = await sql.query<{ experiment: bigint; tags: Tags }>(
    `select experiment, json_object_agg(key, value) as tags from tracking.experiment_tag
     where experiment = any($1) group by experiment`,
    [rows.map(({ id }) => id)],
    'experiment_tags',
  );
  const byId = new Map(tags.map((row) => [row.experiment, row.tags]));
  return rows.map((row) => present(row, byId.get(row.id) ?? {}, options));
}

async function hydrateOne(tx: Transaction, row: ExperimentRow, options: TrackingOptions): Promise<Experiment> {
  const [experiment] = await hydrateExperiments(tx, [row], options);
  if (experiment === undefined) throw new Error('an experiment row produced no record');
  return experiment;
}

function present(row: ExperimentRow, tags: Tags, options: TrackingOptions): Experiment {
  return {
    id: publicId(row),
    name: row.name,
    artifactUri: artifactsOf(row, options),
    lifecycle: row.deleted_at === null ? 'active' : 'deleted',
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    tags,
  };
}

/** @throws DaisError `not_found`. */
async function experimentOfName(tx: Transaction, name: string): Promise<ExperimentRow> {
  const row = await findExperimentOfName(tx, name);
  if (row === undefined) throw new DaisError('not_found', `There is no experiment "${name}" in this project.`);
  return row;
}

export async function findExperimentOfName(
  { sql, projectId }: Transaction,
  name: string,
): Promise<ExperimentRow | undefined> {
  const [row] = await sql.query<ExperimentRow>(
    `select ${EXPERIMENT_COLUMNS} from tracking.experiment where project_id = $1 and name = $2`,
    [projectId, name],
    'experiment_by_name',
  );
  return row;
}

interface NewExperiment {
  readonly name: string;
  readonly artifactLocation?: string;
  readonly tags?: Tags;
}

/** @throws DaisError `already_exists`, also for a deleted experiment. */
export async function createExperiment(tx: Transaction, input: NewExperiment, now: number, options: TrackingOptions) {
  const { name, artifactLocation, tags = {} } = input;
  const insert = tx.sql.query<ExperimentRow>(
    `insert into tracking.experiment (project_id, name, artifact_location, created_at, updated_at)
     values ($1, $2, $3, $4, $4) on conflict (project_id, name) do nothing returning ${EXPERIMENT_COLUMNS}`,
    [tx.projectId, name, artifactLocation ?? null, now],
    'insert_experiment',
  );
  const [made] = await foreignKeyRace(insert, projectGone);
  if (made === undefined) throw nameTaken(name);
  const { folderRoot } = options;
  const row =
    folderRoot === undefined || artifactLocation !== undefined
      ? made
      : { ...made, artifact_location: await folderOf(tx, made.id, folderRoot) };
  setPairs(tx, 'experiment_tag', row.id, new Map(Object.entries(tags)));
  emitExperimentEvent(tx, 'experimentCreated', publicId(row));
  return present(row, tags, options);
}

function nameTaken(name: string): DaisError {
  return new DaisError(
    'already_exists',
    `An experiment "${name}" already exists in this project; it may be deleted. Choose another name, or restore it.`,
  );
}

interface ExperimentChange {
  readonly id: string;
  readonly name?: string;
  readonly tags?: Tags;
  readonly removeTags?: readonly string[];
}

async function updateExperiment(tx: Transaction, input: ExperimentChange, now: number, options: TrackingOptions) {
  const { id, name, tags = {}, removeTags = [] } = input;
  const row = await requireExperiment(tx, id, 'for update');
  if (row.deleted_at !== null) throw experimentDeleted(id);
  setPairs(tx, 'experiment_tag', row.id, new Map(Object.entries(tags)));
  if (removeTags.length > 0) await removeExperimentTags(tx, row, removeTags);
  const changed = await writeName(tx, row, name ?? row.name, now);
  if (changed.name !== row.name) emitExperimentEvent(tx, 'experimentRenamed', id, { before: row.name });
  return await hydrateOne(tx, changed, options);
}

/** @throws DaisError `already_exists`. */
async function writeName({ sql }: Transaction, row: ExperimentRow, name: string, now: number): Promise<ExperimentRow> {
  try {
    const [changed] = await sql.query<ExperimentRow>(
      `update tracking.experiment set name = $2, updated_at = greatest(updated_at, $3) where id = $1
       returning ${EXPERIMENT_COLUMNS}`,
      [row.id, name, now],
      'update_experiment',
    );
    return changed ?? row;
  } catch (error) {
    const code = (error as { code?: unknown } | null)?.code;
    throw code === UNIQUE_VIOLATION ? nameTaken(name) : error;
  }
}

/** @throws DaisError `not_found` that names a missing tag. */
async function removeExperimentTags(tx: Transaction, row: ExperimentRow, keys: readonly string[]): Promise<void> {
  const removed = await removePairs(tx, 'experiment_tag', row.id, keys);
  const missing = keys.find((key) => !removed.has(key));
  if (missing !== undefined) {
    throw new DaisError('not_found', `Experiment ${publicId(row)} has no tag "${missing}".`);
  }
}

/** Deletes an experiment with its runs and logged models. Those deleted before are not restored with it. */
async function deleteExperiment(tx: Transaction, id: string, now: number): Promise<Record<string, never>> {
  const row = await requireExperiment(tx, id, 'for update');
  if (row.deleted_at !== null) throw new DaisError('invalid_state', `Experiment ${id} is already deleted.`);
  await setDeleted(tx, row.id, now, now);
  const runs = await moveContents(tx, [row.id, now], 'delete', {
    set: 'deleted_at = $2, deleted_with_experiment = true',
    where: 'deleted_at is null',
  });
  emitExperimentEvent(tx, 'experimentDeleted', id, { runs });
  return {};
}

async function restoreExperiment(tx: Transaction, id: string, now: number): Promise<Record<string, never>> {
  const row = await requireExperiment(tx, id, 'for update');
  if (row.deleted_at === null) {
    throw new DaisError('invalid_state', `Experiment ${id} is not deleted, so it cannot be restored.`);
  }
  await setDeleted(tx, row.id, null, now);
  const runs = await moveContents(tx, [row.id], 'restore', {
    set: 'deleted_at = null, deleted_with_experiment = false',
    where: 'deleted_with_experiment',
  });
  emitExperimentEvent(tx, 'experimentRestored', id, { runs });
  return {};
}

async function setDeleted({ sql }: Transaction, id: bigint, deletedAt: number | null, now: number): Promise<void> {
  await sql.query(
    'update tracking.experiment set deleted_at = $2, updated_at = greatest(updated_at, $3) where id = $1',
    [id, deletedAt, now],
    'set_experiment_deleted',
  );
}

/** Updates logged models and runs of an experiment. Returns the number of runs. */
async function moveContents(
  { sql }: Transaction,
  values: readonly unknown[],
  name: 'delete' | 'restore',
  { set, where }: { readonly set: string; readonly where: string },
): Promise<number> {
  const of = `set ${set} where experiment = $1 and ${where}`;
  await sql.query(`update tracking.logged_model ${of}`, values, `${name}_models_of_experiment`);
  const [row] = await sql.query<{ n: bigint }>(
    `with moved as (update tracking.run ${of} returning 1) select count(*) as n from moved`,
    values,
    `${name}_runs_of_experiment`,
  );
  return Number(row?.n ?? 0n);
}
