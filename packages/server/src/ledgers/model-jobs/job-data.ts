/** Resolves the dataset references of a job, and checks the permissions. */
import { DaisError } from '@dais/api';
import { parseDatasetReference, type DatasetVersion } from '@dais/api/data';
import type { Call } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { mayOf } from '#ledgers/data/index.ts';
import type { ModelRow } from '#ledgers/serving/index.ts';
import { inputsOf } from '#lib/model-signature.ts';
import type { ModelJobsDependencies } from './model-jobs-dependencies.ts';

/** @throws DaisError `invalid_request`. */
export function datasetOf(reference: string): string {
  const parsed = parseDatasetReference(reference);
  if (parsed === undefined)
    throw invalidRequest(`"${reference}" is not a dataset version. Write NAME@3 or NAME@latest.`);
  return parsed.dataset;
}

export function datasetVersionName({ dataset, number }: Pick<DatasetVersion, 'dataset' | 'number'>): string {
  return `${dataset}@${number}`;
}

/** @throws DaisError `invalid_request` for missing columns. */
export function requireColumns(version: DatasetVersion, names: readonly string[], what: string): void {
  const there = version.schema.columns.map(({ name }) => name);
  const missing = names.find((name) => !there.includes(name));
  if (missing === undefined) return;
  throw invalidRequest(
    `${datasetVersionName(version)} has no column "${missing}", ${what}. Its columns are ${there.slice(0, 50).join(', ')}.`,
  );
}

/** Returns the columns for the model: the requested ones, or those of its signature, or all that are not keys. */
export function chooseInputs(
  requests: readonly string[] | undefined,
  { description: described, label }: ModelRow,
  version: DatasetVersion,
): readonly string[] {
  requireColumns(version, requests ?? [], 'which --inputs names');
  const there = version.schema.columns.map(({ name }) => name);
  const roles = [...version.keys, version.eventTime, version.label].flatMap((name) => name ?? []);
  const known = new Set(there);
  const inputs = requests ?? inputsFor(described.signature, { there, known, roles, label, version });
  if (inputs.length === 0)
    throw invalidRequest(`${datasetVersionName(version)} has no column to use as input of the model.`);
  return inputs;
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
  const inputs = inputsOf(signature);
  const isTensors = inputs.some(({ type }) => type === 'tensor');
  const missing = inputs.filter(({ name = '', required }) => required && !known.has(name));
  if (inputs.length > 0 && missing.length === 0) {
    return inputs.flatMap(({ name }) => (name !== undefined && known.has(name) ? [name] : []));
  }
  if (inputs.length > 0 && !isTensors) {
    const names = missing.map(({ name = '', type }) => `"${name}" (${type})`).join(', ');
    throw invalidRequest(
      `${label} requires the columns ${names}, which ${datasetVersionName(version)} does not have. Its columns are ${there.slice(0, 50).join(', ')}.`,
    );
  }
  // One matrix without column names: uses the columns side by side.
  const others = new Set(roles);
  return there.filter((name) => !others.has(name));
}

/** Checks that the model receives no column that is masked for the caller. @throws DaisError `forbidden`. */
export async function requireUnmasked(
  tx: Transaction,
  dependencies: ModelJobsDependencies,
  call: Call,
  { dataset, used }: { readonly dataset: string; readonly used: readonly string[] },
): Promise<void> {
  const masked = await dependencies.masked(tx, dataset, call.context.principal, mayOf(call, dataset));
  const hidden = masked.map(({ column }) => column).filter((name) => used.includes(name));
  if (hidden.length === 0) return;
  const detail = `${hidden.join(', ')} of ${dataset} is masked for you, and the model would receive the original values. Leave these columns out, or request the permission dataset:unmask.`;
  throw new DaisError('forbidden', detail);
}

export function invalidRequest(detail: string): DaisError {
  return new DaisError('invalid_request', detail);
}
