/** Finds the model version of a job, and checks that it may be loaded. */
import { buffer } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import { parseServedModel } from '@dais/api/serving';
import { readResource } from '#kernel/store.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import {
  describeModel,
  storeModel,
  readModels,
  resolveModel,
  safetyOf,
  type ModelRow,
} from '#ledgers/serving/index.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';

export interface FoundVersion {
  readonly row: ModelRow;
  /** Of the Model resource. */
  readonly uid: string;
  readonly version: number;
}

/**
 * Reads the description of the model from its files, and stores it, without loading the model.
 * @throws DaisError `invalid_request` for an invalid reference, `not_found`, `invalid_state` for a model that may not
 * be loaded.
 */
export async function findModelVersion(
  dependencies: Pick<ModelJobsDependencies, 'database' | 'content' | 'artifactRoot'>,
  projectId: string,
  reference: string,
): Promise<FoundVersion> {
  const named = parseServedModel(reference);
  if ('message' in named || named.of === 'run' || named.of === 'remote') {
    const detail = `"${reference}" is not a registered model version. Write models:/NAME@ALIAS or models:/NAME/7.`;
    throw new DaisError('invalid_request', detail);
  }
  const read = { mode: 'read', projectId } as const;
  const { found, known, uid } = await transact(dependencies.database, read, async (tx) => {
    const model = await resolveModel(tx, reference, dependencies.artifactRoot);
    if ('problem' in model) throw new DaisError('invalid_request', `${reference}: ${model.problem}`);
    const resource = await readResource(tx.sql, projectId, 'Model', named.name);
    if (resource === undefined) throw new DaisError('not_found', `There is no Model "${named.name}".`);
    return { found: model, known: (await readModels(tx, [model.id])).get(model.id), uid: resource.uid };
  });
  const owner = { projectId, uid: projectId };
  const described =
    known?.description ??
    (await describeModel(found, async (path) => {
      return await buffer((await dependencies.content.open(owner, `${found.artifacts}/${path}`)).bytes);
    }));
  if (described.problem !== undefined) throw new DaisError('invalid_request', `${found.label}: ${described.problem}.`);
  const row = await transact(dependencies.database, { mode: 'write', projectId }, async (tx) => {
    if (known === undefined) await storeModel(tx, found, described);
    return await requireFiles(tx, found.id);
  });
  await transact(dependencies.database, read, async (tx) => {
    const { may, reason = '' } = await safetyOf(tx, row);
    if (may === 'never') throw new DaisError('invalid_state', `${row.label} cannot be loaded: ${reason}`);
  });
  return { row, uid, version: Number(found.version) };
}

/** Returns the stored description of the files of a model. */
export async function requireFiles(tx: Transaction, id: string): Promise<ModelRow> {
  const row = (await readModels(tx, [id])).get(id);
  if (row === undefined) throw new DaisError('invalid_state', 'The description of the files of the model was removed.');
  return row;
}
