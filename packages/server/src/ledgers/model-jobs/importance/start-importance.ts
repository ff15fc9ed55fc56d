import { countNoun } from '@dais/api';
import type { ModelJob, startModelImportanceOperation } from '@dais/api/serving';
import type { CallOf } from '#kernel/entry.ts';
import { transact } from '#kernel/transaction.ts';
import { requireUsable, resolveVersion } from '#ledgers/data/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { chooseInputs, datasetOf, datasetVersionName, requireUnmasked, invalidRequest } from '../job-data.ts';
import { createModelJob } from '../job-lifecycle.ts';
import { findModelVersion } from '../find-model.ts';
import { presentJob, readJob } from '../job-rows.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';

/** The request, fixed when the job is created. */
export interface ImportanceRequest {
  readonly data: string;
  readonly dataName: string;
  readonly inputs: readonly string[];
  readonly sample: number;
  readonly background: number;
  readonly seed: number;
}

export async function startImportance(
  dependencies: ModelJobsDependencies,
  call: CallOf<typeof startModelImportanceOperation>,
): Promise<ModelJob> {
  const { input, tenant, context } = call;
  const dataset = datasetOf(input.data);
  await call.authorize({ kind: 'Dataset', name: dataset }, tenant, 'dataset:read');
  const of = await findModelVersion(dependencies, tenant.id, input.model);
  const request = await transact(dependencies.database, { mode: 'read', projectId: tenant.id }, async (tx) => {
    const version = requireUsable(await resolveVersion(tx, input.data));
    if (version.rows < 2)
      throw invalidRequest(
        `${datasetVersionName(version)} has ${countNoun(version.rows, 'row')}. Feature importance needs at least two.`,
      );
    const inputs = chooseInputs(input.inputs, of.row, version);
    await requireUnmasked(tx, dependencies, call, { dataset, used: inputs });
    const { sample, background, seed } = input;
    return {
      data: version.id,
      dataName: datasetVersionName(version),
      inputs,
      sample,
      background,
      seed,
    } satisfies ImportanceRequest;
  });
  const now = dependencies.clock.now();
  const id = uuidv7(now);
  const { type, id: actor } = context.principal;
  return await transact(dependencies.database, { mode: 'write', projectId: tenant.id, by: context }, async (tx) => {
    const by = { type, id: actor };
    await createModelJob(tx, { id, kind: 'importance', of, request, by, now, data: request.dataName, output: '' });
    return presentJob(await readJob(tx, id), { includeProblems: false });
  });
}
