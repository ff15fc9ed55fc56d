/** The operations of model jobs. */
import { DaisError } from '@dais/api';
import {
  cancelModelJobOperation,
  explainPredictionOperation,
  listModelImportancesOperation,
  listModelJobsOperation,
  readModelJobOperation,
  readModelJobRejectsOperation,
  startBatchPredictionOperation,
  startModelConversionOperation,
  startModelImportanceOperation,
  type ModelJob,
} from '@dais/api/serving';
import type { Download } from '#kernel/content/download.ts';
import { downloadEntry, entry, type Call, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cancelJob } from '#kernel/jobs.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { mayOf } from '#ledgers/data/index.ts';
import { startBatch } from './batch/start-batch.ts';
import { startConversion } from './convert/start-conversion.ts';
import { PredictionExplainer } from './explain/explain-prediction.ts';
import { listImportances } from './importance/importance-rows.ts';
import { startImportance } from './importance/start-importance.ts';
import { contentOfJob, REJECTS } from './job-content.ts';
import { listJobs, presentJob, readJob, type JobRow } from './job-rows.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';

export function modelJobEntries(dependencies: ModelJobsDependencies): readonly OperationEntry[] {
  const explainer = new PredictionExplainer(dependencies);
  return [
    entry(startBatchPredictionOperation, { perform: async (call) => await startBatch(dependencies, call) }),
    entry(listModelJobsOperation, async (tx, call) => {
      const { page, next } = await listJobs(tx, call.input);
      const visibleJobs = await visible(call, page);
      return { items: visibleJobs.map((row) => presentJob(row, { includeProblems: false })), ...next };
    }),
    entry(readModelJobOperation, async (tx, call): Promise<ModelJob> => {
      const row = await readJob(tx, call.input.id);
      await authorize(call, row, 'model:read');
      return presentJob(row, {
        includeProblems: row.errors.length > 0 && (await seesData(tx, dependencies, call, row)),
      });
    }),
    entry(cancelModelJobOperation, async (tx, call): Promise<ModelJob> => {
      const row = await readJob(tx, call.input.id, true);
      await authorize(call, row, 'model:cancelJob');
      if (row.ended_at !== null) throw new DaisError('invalid_state', `The job has already ended: it is ${row.state}.`);
      await cancelJob(tx.sql, row.id);
      return presentJob(row, { includeProblems: false });
    }),
    entry(startModelImportanceOperation, { perform: async (call) => await startImportance(dependencies, call) }),
    entry(startModelConversionOperation, { perform: async (call) => await startConversion(dependencies, call) }),
    entry(listModelImportancesOperation, async (tx, { input }) => await listImportances(tx, input)),
    entry(explainPredictionOperation, { perform: async (call) => await explainer.explain(call) }),
    downloadEntry(readModelJobRejectsOperation, { perform: async (call) => await rejects(dependencies, call) }),
  ];
}

async function authorize(call: Call, { model_name: name }: JobRow, action: string): Promise<void> {
  await call.authorize({ kind: 'Model', name }, call.tenant, action);
}

/** Filters a page: jobs of models that the caller may read. */
async function visible(call: Call, page: readonly JobRow[]): Promise<readonly JobRow[]> {
  const may = new Map<string, boolean>();
  for (const { model_name: name } of page) {
    if (may.has(name)) continue;
    try {
      await call.authorize({ kind: 'Model', name }, call.tenant, 'model:read');
      may.set(name, true);
    } catch (error) {
      if (!(error instanceof DaisError) || (error.code !== 'forbidden' && error.code !== 'not_found')) throw error;
      may.set(name, false);
    }
  }
  return page.filter(({ model_name: name }) => may.get(name) === true);
}

/** The error of a row contains its values. */
async function seesData(
  tx: Transaction,
  dependencies: ModelJobsDependencies,
  call: Call,
  { request }: JobRow,
): Promise<boolean> {
  const dataset = request.dataName.split('@')[0] ?? '';
  const may = mayOf(call, dataset);
  if (!(await may('dataset:read'))) return false;
  const masked = new Set(
    (await dependencies.masked(tx, dataset, call.context.principal, may)).map(({ column }) => column),
  );
  return !request.inputs.some((name) => masked.has(name));
}

async function rejects(
  dependencies: ModelJobsDependencies,
  call: CallOf<typeof readModelJobRejectsOperation>,
): Promise<Download> {
  const row = await transact(dependencies.database, { mode: 'read', projectId: call.tenant.id }, async (tx) => {
    const found = await readJob(tx, call.input.id);
    if (found.kind !== 'batch-prediction') throw new DaisError('invalid_state', 'The job is not a batch prediction.');
    const dataset = found.request.dataName.split('@')[0] ?? '';
    await call.authorize({ kind: 'Dataset', name: dataset }, call.tenant, 'dataset:unmask');
    return found;
  });
  if (row.rejected === 0n || row.state !== 'succeeded')
    throw new DaisError(
      'invalid_state',
      'The job has no list of rejected rows: it has not succeeded, or the model rejected no rows.',
    );
  const owner = contentOfJob(row);
  const { size, sha256 } = await dependencies.content.stat(owner, REJECTS);
  return { size, sha256, open: async (range) => (await dependencies.content.open(owner, REJECTS, range)).bytes };
}
