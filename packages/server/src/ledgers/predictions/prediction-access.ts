/** Access control of predictions, and masking. */
import type {
  queryPredictionsOperation,
  tailPredictionsOperation,
  unmaskPredictionsOperation,
} from '@dais/api/serving';
import { DaisError } from '@dais/api';
import type { Column } from '#engines/query/contract.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { CallOf } from '#kernel/entry.ts';
import { readResource } from '#kernel/store.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { column, literal, named } from '#engines/query/model/build.ts';
import { findFiles, type FileRow } from './file-rows.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';

/** Most files per query; the caller must select a shorter period above it. */
const MOST_FILES = 2000;

/** Inputs and outputs that are masked without the unmask permission: `spec.capture.mask` of the Endpoint. */
export async function maskOf(
  dependencies: PredictionsDependencies,
  {
    tenant,
    input,
  }: CallOf<typeof queryPredictionsOperation | typeof tailPredictionsOperation | typeof unmaskPredictionsOperation>,
): Promise<readonly string[]> {
  const request = { mode: 'read', projectId: tenant.id } as const;
  const resource = await transact(
    dependencies.database,
    request,
    async ({ sql }) => await readResource(sql, tenant.id, 'Endpoint', input.endpoint),
  );
  const capture = resource?.spec['capture'] as { readonly mask?: readonly string[] } | undefined;
  return capture?.mask ?? [];
}

/** Returns the subject of an event about predictions, also for a deleted Endpoint. @throws DaisError `not_found`. */
export async function endpointSubject({ sql, projectId }: Transaction, name: string) {
  const resource = await readResource(sql, projectId, 'Endpoint', name);
  const [file] = resource === undefined ? await findFiles(sql, { projectId, name, limit: 1 }) : [];
  const uid = resource?.uid ?? file?.endpoint;
  if (uid === undefined) throw new DaisError('not_found', `There is no endpoint ${name}.`);
  return { kind: 'Endpoint', name, uid };
}

/** Columns that are masked for this caller. */
export async function maskedFor(
  dependencies: PredictionsDependencies,
  call: CallOf<typeof queryPredictionsOperation | typeof tailPredictionsOperation>,
  columns: readonly Column[],
): Promise<readonly string[]> {
  const mask = await maskOf(dependencies, call);
  if (mask.length === 0) return [];
  try {
    await call.authorize({ kind: 'Endpoint', name: call.input.endpoint }, call.tenant, 'prediction:unmask');
    return [];
  } catch (error) {
    if (!(error instanceof DaisError) || (error.code !== 'forbidden' && error.code !== 'not_found')) throw error;
  }
  const names = new Set(mask.flatMap((name) => [`in_${name}`.toLowerCase(), `out_${name}`.toLowerCase()]));
  return columns.filter(({ name }) => names.has(name.toLowerCase())).map(({ name }) => name);
}

/** Columns are listed explicitly, so that new ones are masked unless allowed. */
export function maskedView(from: Relation, columns: readonly Column[], masked: readonly string[]): Relation {
  if (masked.length === 0) return from;
  const hidden = new Set(masked);
  return {
    type: 'project',
    from,
    keep: 'none',
    columns: columns.map(({ name, type }) => named(name, hidden.has(name) ? literal(null, type) : column(name))),
  };
}

/** @throws DaisError `query_limit` if the period is too long. */
export async function filesBetween(
  { database }: PredictionsDependencies,
  projectId: string,
  name: string,
  { from, until }: { readonly from?: number | undefined; readonly until?: number | undefined },
): Promise<readonly FileRow[]> {
  const files = await transact(
    database,
    { mode: 'read', projectId },
    async ({ sql }) => await findFiles(sql, { projectId, name, from, until, limit: MOST_FILES + 1 }),
  );
  if (files.length > MOST_FILES) {
    const detail = `${name} has more than ${MOST_FILES} files of predictions in this period. Select a shorter period with \`from\` and \`until\`.`;
    throw new DaisError('query_limit', detail);
  }
  return files;
}
