/** What can be wrong with a batch prediction is told when it is asked for, as far as no model is needed for it. */
import { DaisError, eventTypes } from '@dais/api';
import { parseDatasetReference, type DatasetVersion } from '@dais/api/data';
import type { ModelJob } from '@dais/api/serving';
import type { Call } from '#kernel/dispatch.ts';
import { readResource } from '#kernel/store.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { mayOf, requireUsable, resolveVersion } from '#ledgers/data/index.ts';
import type { ModelRow } from '#ledgers/serving/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { inputsOf } from '#lib/model-signature.ts';
import { findModelVersion } from '../find-model.ts';
import { MODEL_JOB_QUEUE } from '../job-handler.ts';
import { insertJob, presentJob, readJob, type BatchRequest } from '../job-rows.ts';
import type { ModelJobsParts } from '../model-jobs-parts.ts';

export interface BatchInput {
  readonly model: string;
  readonly data: string;
  readonly out: string;
  readonly columns?: readonly string[];
  readonly inputs?: readonly string[];
  readonly onError: 'fail' | 'reject';
}

/** Attempts that a job may lose to crashes: each begins where the one before was. */
export const MOST_ATTEMPTS = 25;

export async function startBatch(parts: ModelJobsParts, call: Call<BatchInput>): Promise<ModelJob> {
  const { input, tenant, context } = call;
  const dataset = datasetOf(input.data);
  await call.authorize({ kind: 'Dataset', name: dataset }, tenant, 'dataset:read');
  await call.authorize({ kind: 'Dataset', name: input.out }, tenant, 'dataset:write');
  if (dataset === input.out) throw wrong(`${input.out} cannot be what is read and what is made.`);
  const found = await findModelVersion(parts, tenant.id, input.model);
  const request = await transact(parts.database, { mode: 'read', projectId: tenant.id }, async (tx) => {
    const version = requireUsable(await resolveVersion(tx, input.data));
    const { inputs, columns } = columnsFor(input, found.row, version);
    await requireUnmasked(tx, parts, call, { dataset, used: [...inputs, ...columns] });
    await requireMarks(tx, parts, { dataset, out: input.out, columns });
    const { out, onError } = input;
    return { data: version.id, dataName: nameOf(version), out, inputs, columns, onError } satisfies BatchRequest;
  });
  const id = uuidv7(parts.clock.now());
  return await transact(parts.database, { mode: 'write', projectId: tenant.id, by: context }, async (tx) => {
    const { type, id: actor } = context.principal;
    const { row, uid, version } = found;
    const by = { type, id: actor };
    const kind = 'batch-prediction' as const;
    const about = { id, kind, model: uid, modelName: row.name, version, files: row.id };
    await insertJob(tx, { ...about, request, by, now: parts.clock.now() });
    // Under the id of the record, so that whoever has the one finds the other.
    tx.enqueue({
      id,
      queue: MODEL_JOB_QUEUE,
      projectId: tenant.id,
      payload: { job: id, kind, model: row.label },
      uniqueKey: id,
      maxAttempts: MOST_ATTEMPTS,
    });
    const subject = { kind: 'Model', name: row.name, uid };
    const data = { job: id, kind, version, data: request.dataName, output: request.out };
    tx.emit({ type: eventTypes.modelJobStarted, projectId: tenant.id, subject, data });
    return presentJob(await readJob(tx, id), { faults: false });
  });
}

function datasetOf(reference: string): string {
  const parsed = parseDatasetReference(reference);
  if (parsed === undefined) throw wrong(`"${reference}" names no version of a dataset: write NAME@3 or NAME@latest.`);
  return parsed.dataset;
}

export function nameOf({ dataset, number }: Pick<DatasetVersion, 'dataset' | 'number'>): string {
  return `${dataset}@${number}`;
}

/** @throws DaisError `invalid_request` for columns that are not there. */
function columnsFor(
  input: BatchInput,
  { described, label }: ModelRow,
  version: DatasetVersion,
): Pick<BatchRequest, 'inputs' | 'columns'> {
  const there = version.schema.columns.map(({ name }) => name);
  const known = new Set(there);
  const require = (names: readonly string[], what: string) => {
    const missing = names.find((name) => !known.has(name));
    if (missing === undefined) return;
    throw wrong(`${nameOf(version)} has no column "${missing}", ${what}; it has ${there.slice(0, 50).join(', ')}.`);
  };
  require(input.columns ?? [], 'which --columns names');
  require(input.inputs ?? [], 'which --inputs names');
  const roles = [...version.keys, version.eventTime, version.label].flatMap((name) => name ?? []);
  const inputs = input.inputs ?? inputsFor(described.signature, { there, known, roles, label, version });
  if (inputs.length === 0) throw wrong(`${nameOf(version)} has no column that the model could take.`);
  const own = [...version.keys, ...(version.eventTime === undefined ? [] : [version.eventTime])];
  return { inputs, columns: [...new Set(input.columns ?? (version.keys.length > 0 ? own : there))] };
}

interface Offered {
  readonly there: readonly string[];
  readonly known: ReadonlySet<string>;
  /** Keys, event time and label of the version. */
  readonly roles: readonly string[];
  readonly label: string;
  readonly version: DatasetVersion;
}

function inputsFor(signature: unknown, { there, known, roles, label, version }: Offered): readonly string[] {
  const wanted = inputsOf(signature);
  const isTensors = wanted.some(({ type }) => type === 'tensor');
  const missing = wanted.filter(({ name = '', required }) => required && !known.has(name));
  if (wanted.length > 0 && missing.length === 0) {
    return wanted.flatMap(({ name }) => (name !== undefined && known.has(name) ? [name] : []));
  }
  if (wanted.length > 0 && !isTensors) {
    const names = missing.map(({ name = '', type }) => `"${name}" (${type})`).join(', ');
    throw wrong(
      `${label} takes ${names}, and ${nameOf(version)} has no such column: it has ${there.slice(0, 50).join(', ')}.`,
    );
  }
  // One matrix without names: the columns side by side.
  const others = new Set(roles);
  return there.filter((name) => !others.has(name));
}

/** What somebody does not see is not seen by a model for them either. @throws DaisError `forbidden`. */
async function requireUnmasked(
  tx: Transaction,
  parts: ModelJobsParts,
  call: Call,
  { dataset, used }: { readonly dataset: string; readonly used: readonly string[] },
): Promise<void> {
  const masked = await parts.masked(tx, dataset, call.context.principal, mayOf(call, dataset));
  const hidden = masked.map(({ column }) => column).filter((name) => used.includes(name));
  if (hidden.length === 0) return;
  const detail = `You see ${hidden.join(', ')} of ${dataset} masked, and the model would get them as they are: leave them out, or ask for dataset:unmask.`;
  throw new DaisError('forbidden', detail);
}

/** What is marked stays so under its new name. @throws DaisError `invalid_request`. */
async function requireMarks(
  tx: Transaction,
  { marks }: ModelJobsParts,
  { dataset, out, columns }: { readonly dataset: string; readonly out: string; readonly columns: readonly string[] },
): Promise<void> {
  if ((await readResource(tx.sql, tx.projectId, 'Dataset', out)) === undefined) return;
  const marked = new Set((await marks(tx, out)).map(({ column }) => column));
  const bare = (await marks(tx, dataset)).find(({ column }) => columns.includes(column) && !marked.has(column));
  if (bare === undefined) return;
  throw wrong(
    `"${bare.column}" is sensitive in ${dataset} and not in ${out}: mark it there (spec.sensitive), or leave it out of --columns.`,
  );
}

function wrong(detail: string): DaisError {
  return new DaisError('invalid_request', detail);
}
