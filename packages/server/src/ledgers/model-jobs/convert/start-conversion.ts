/** Validates a conversion when it is requested, as far as its `MLmodel` allows. */
import { buffer } from 'node:stream/consumers';
import {
  parseServedModel,
  type ModelJob,
  type PredictFunction,
  type startModelConversionOperation,
} from '@dais/api/serving';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { readModel } from '#ledgers/registry/index.ts';
import type { ModelRow } from '#ledgers/serving/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { invalidRequest } from '../job-data.ts';
import { createModelJob } from '../job-lifecycle.ts';
import { findModelVersion } from '../find-model.ts';
import { presentJob, readJob } from '../job-rows.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';

/** The request, fixed when the job is created. */
export interface ConversionJobRequest {
  readonly to: string;
  readonly opset: number;
  readonly predictFn: PredictFunction;
}

export async function startConversion(
  dependencies: ModelJobsDependencies,
  call: CallOf<typeof startModelConversionOperation>,
): Promise<ModelJob> {
  const { input, tenant, context } = call;
  const named = parseServedModel(input.model);
  if (!('message' in named) && named.of !== 'run' && named.of !== 'remote') {
    await call.authorize({ kind: 'Model', name: named.name }, tenant, 'model:read');
  }
  const of = await findModelVersion(dependencies, tenant.id, input.model);
  const to = input.to ?? of.row.name;
  await transact(dependencies.database, { mode: 'read', projectId: tenant.id }, async (tx) => {
    const model = await readModel(tx.sql, tenant.id, to);
    if (model.type === 'prompt') throw invalidRequest(`${to} is a prompt and cannot have model versions.`);
  });
  const { own } = dependencies.converter.plan(await mlmodelOf(dependencies, of.row));
  const { opset, predictFn = own } = input;
  if (own === 'predict_proba' && predictFn === 'predict') {
    throw invalidRequest(
      `${of.row.label} returns predict_proba, and the model does not contain its labels. Convert it with predict_proba.`,
    );
  }
  const request = { to, opset, predictFn } satisfies ConversionJobRequest;
  const now = dependencies.clock.now();
  const id = uuidv7(now);
  const { type, id: actor } = context.principal;
  return await transact(dependencies.database, { mode: 'write', projectId: tenant.id, by: context }, async (tx) => {
    const by = { type, id: actor };
    await createModelJob(tx, { id, kind: 'conversion', of, request, by, now, data: '', output: to });
    return presentJob(await readJob(tx, id), { includeProblems: false });
  });
}

/** @throws DaisError `invalid_request` if there is none. */
export async function mlmodelOf({ content }: ModelJobsDependencies, row: ModelRow): Promise<string> {
  const { project_id: projectId, artifacts, description: described, label } = row;
  if (!described.files.some(({ path }) => path === 'MLmodel')) {
    throw invalidRequest(`${label} has no MLmodel file, which describes the format of the model.`);
  }
  const { bytes } = await content.open({ projectId, uid: projectId }, `${artifacts}/MLmodel`);
  return (await buffer(bytes)).toString('utf8');
}
