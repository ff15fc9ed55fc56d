/** Operations on logged models. */
import { DaisError } from '@dais/api';
import {
  addLoggedModelParamsOperation,
  createLoggedModelOperation,
  deleteLoggedModelOperation,
  finalizeLoggedModelOperation,
  readLoggedModelOperation,
  tagLoggedModelOperation,
  untagLoggedModelOperation,
  type LoggedModel,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { activeExperiment, publicId } from '../experiments/experiment-lookup.ts';
import { activeModel, hydrateModels, requireModel } from './logged-model-rows.ts';
import { addParams, removePairs, setPairs, type Pair } from '../pairs.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { noteOutputs } from '../runs/run-lineage.ts';
import { makeName } from '../runs/run-names.ts';
import { emitModelDeleted } from '../tracking-events.ts';

export function loggedModelEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  const { options, clock } = dependencies;
  const read = async (tx: Transaction, num: bigint): Promise<LoggedModel> => {
    const [model] = await hydrateModels(tx, [num], options);
    if (model === undefined) throw new Error('the inserted logged model was not found');
    return model;
  };
  return [
    entry(
      createLoggedModelOperation,
      async (tx, { input }) => await read(tx, await createModel(tx, input, dependencies)),
    ),
    entry(readLoggedModelOperation, async (tx, { input }) => {
      const { num, deleted_at: deletedAt } = await requireModel(tx, input.id);
      if (deletedAt !== null && input.allowDeleted !== true) {
        throw new DaisError('not_found', `Logged model "${input.id}" is deleted. Set allowDeleted to read it.`);
      }
      return await read(tx, num);
    }),
    entry(finalizeLoggedModelOperation, async (tx, { input }) => {
      const { num } = await activeModel(tx, input.id);
      await tx.sql.query(
        `update tracking.logged_model set status = $2, status_message = coalesce($3, status_message),
             updated_at = greatest(updated_at, $4) where num = $1`,
        [num, input.status, input.message ?? null, clock.now()],
        'finalize_logged_model',
      );
      return await read(tx, num);
    }),
    entry(tagLoggedModelOperation, async (tx, { input }) => {
      const { num } = await activeModel(tx, input.id);
      setPairs(tx, 'logged_model_tag', num, new Map(input.tags.map(({ key, value }) => [key, value])));
      await touch(tx, num, clock.now());
      return await read(tx, num);
    }),
    entry(untagLoggedModelOperation, async (tx, { input }) => {
      const { num } = await activeModel(tx, input.id);
      const removed = await removePairs(tx, 'logged_model_tag', num, [input.key]);
      if (removed.size === 0) {
        throw new DaisError('not_found', `Logged model "${input.id}" has no tag "${input.key}".`);
      }
      await touch(tx, num, clock.now());
      return {};
    }),
    entry(addLoggedModelParamsOperation, async (tx, { input }) => {
      const { num } = await activeModel(tx, input.id);
      await addParams(tx, 'logged_model_param', num, input.params);
      return {};
    }),
    entry(deleteLoggedModelOperation, async (tx, { input }) => {
      const row = await activeModel(tx, input.id);
      await tx.sql.query(
        'update tracking.logged_model set deleted_at = $2, updated_at = greatest(updated_at, $2) where num = $1',
        [row.num, clock.now()],
        'delete_logged_model',
      );
      emitModelDeleted(tx, row.id, publicId({ ...row, id: row.experiment }));
      return {};
    }),
  ];
}

interface NewModel {
  readonly experimentId: string;
  readonly id?: string;
  readonly name?: string;
  readonly type?: string;
  readonly sourceRunId?: string;
  readonly params?: readonly Pair[];
  readonly tags?: readonly Pair[];
}

/** @throws DaisError `not_found`, `invalid_state`, `already_exists`. */
async function createModel(tx: Transaction, input: NewModel, { clock, random }: TrackingDependencies): Promise<bigint> {
  const now = clock.now();
  const experiment = await activeExperiment(tx, input.experimentId, now);
  const id = input.id ?? `m-${random(16).toString('hex')}`;
  const [row] = await tx.sql.query<{ num: bigint }>(
    `insert into tracking.logged_model (project_id, id, experiment, name, type, source_run, status, created_at, updated_at)
     values ($1, $2, $3, $4, $5, $6, 'PENDING', $7, $7) on conflict (project_id, id) do nothing returning num`,
    [
      tx.projectId,
      id,
      experiment.id,
      input.name ?? makeName(random),
      input.type ?? null,
      input.sourceRunId ?? null,
      now,
    ],
    'insert_logged_model',
  );
  if (row === undefined)
    throw new DaisError('already_exists', `A logged model "${id}" already exists in this project.`);
  await addParams(tx, 'logged_model_param', row.num, input.params ?? []);
  const tags = new Map(input.tags?.map(({ key, value }) => [key, value]));
  setPairs(tx, 'logged_model_tag', row.num, tags);
  if (input.sourceRunId !== undefined) noteOutputs(tx, input.sourceRunId, [{ modelId: id }], now);
  return row.num;
}

async function touch({ sql }: Transaction, num: bigint, now: number): Promise<void> {
  await sql.query(
    'update tracking.logged_model set updated_at = greatest(updated_at, $2) where num = $1',
    [num, now],
    'touch_logged_model',
  );
}
