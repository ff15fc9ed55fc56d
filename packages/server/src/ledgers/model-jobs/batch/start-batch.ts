/** Validates a batch prediction when it is requested, as far as that is possible without the model. */
import type { ModelJob, startBatchPredictionOperation } from '@dais/api/serving';
import type { CallOf } from '#kernel/entry.ts';
import { readResource } from '#kernel/store.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { requireUsable, resolveVersion } from '#ledgers/data/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import {
  chooseInputs,
  datasetOf,
  datasetVersionName,
  requireColumns,
  requireUnmasked,
  invalidRequest,
} from '../job-data.ts';
import { createModelJob } from '../job-lifecycle.ts';
import { findModelVersion } from '../find-model.ts';
import { presentJob, readJob, type BatchRequest } from '../job-rows.ts';
import type { ModelJobsDependencies } from '../model-jobs-dependencies.ts';

export async function startBatch(
  dependencies: ModelJobsDependencies,
  call: CallOf<typeof startBatchPredictionOperation>,
): Promise<ModelJob> {
  const { input, tenant, context } = call;
  const dataset = datasetOf(input.data);
  await call.authorize({ kind: 'Dataset', name: dataset }, tenant, 'dataset:read');
  await call.authorize({ kind: 'Dataset', name: input.out }, tenant, 'dataset:write');
  if (dataset === input.out) throw invalidRequest(`${input.out} cannot be both the input and the output.`);
  const of = await findModelVersion(dependencies, tenant.id, input.model);
  const request = await transact(dependencies.database, { mode: 'read', projectId: tenant.id }, async (tx) => {
    const version = requireUsable(await resolveVersion(tx, input.data));
    requireColumns(version, input.columns ?? [], 'which --columns names');
    const inputs = chooseInputs(input.inputs, of.row, version);
    const { keys, eventTime, schema } = version;
    const own = [...keys, ...(eventTime === undefined ? [] : [eventTime])];
    const usual = keys.length > 0 ? own : schema.columns.map(({ name }) => name);
    const columns = [...new Set(input.columns ?? usual)];
    await requireUnmasked(tx, dependencies, call, { dataset, used: [...inputs, ...columns] });
    await requireMarks(tx, dependencies, { dataset, out: input.out, columns });
    const { out, onError } = input;
    return {
      data: version.id,
      dataName: datasetVersionName(version),
      out,
      inputs,
      columns,
      onError,
    } satisfies BatchRequest;
  });
  const now = dependencies.clock.now();
  const id = uuidv7(now);
  const { type, id: actor } = context.principal;
  return await transact(dependencies.database, { mode: 'write', projectId: tenant.id, by: context }, async (tx) => {
    const kind = 'batch-prediction';
    const by = { type, id: actor };
    await createModelJob(tx, { id, kind, of, request, by, now, data: request.dataName, output: request.out });
    return presentJob(await readJob(tx, id), { includeProblems: false });
  });
}

/** Checks that sensitive columns stay marked in the output dataset. @throws DaisError `invalid_request`. */
async function requireMarks(
  tx: Transaction,
  { marks }: ModelJobsDependencies,
  { dataset, out, columns }: { readonly dataset: string; readonly out: string; readonly columns: readonly string[] },
): Promise<void> {
  if ((await readResource(tx.sql, tx.projectId, 'Dataset', out)) === undefined) return;
  const marked = new Set((await marks(tx, out)).map(({ column }) => column));
  const bare = (await marks(tx, dataset)).find(({ column }) => columns.includes(column) && !marked.has(column));
  if (bare === undefined) return;
  throw invalidRequest(
    `"${bare.column}" is sensitive in ${dataset} but not in ${out}. Mark it there (spec.sensitive), or leave it out of --columns.`,
  );
}
