/** Immutable ground-truth labels. */
import { eventTypes, DaisError } from '@dais/api';
import type { labelPredictionsOperation, listPredictionLabelsOperation, PredictionLabel } from '@dais/api/serving';
import type { Column } from '#engines/query/contract.ts';
import type { Sql } from '#engines/database/contract.ts';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import { firstIdOf } from './first-id.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import { endpointSubject } from './prediction-access.ts';

export const LABEL_COLUMNS: readonly Column[] = [
  { name: 'prediction_id', type: 'string' },
  { name: 'row', type: 'int32' },
  { name: 'key_column', type: 'string' },
  { name: 'key_value', type: 'string' },
  { name: 'value', type: 'string' },
  { name: 'observed_at', type: 'timestamp' },
  { name: 'labeled_at', type: 'timestamp' },
  { name: 'labeled_by', type: 'string' },
  { name: 'source', type: 'string' },
];

export interface LabelRow {
  readonly id: string;
  readonly prediction: string | null;
  readonly key_column: string | null;
  readonly key_value: string | null;
  readonly row: number;
  readonly value: string;
  readonly observed_at: bigint | null;
  readonly at: bigint;
  readonly by: { readonly type: string; readonly id: string };
  readonly source: string;
}

const COLUMNS = 'id, prediction, key_column, key_value, "row", value, observed_at, at, by, source';
/** Most labels per read. */
const SLICE = 5000;
/** Most key columns of the labels of one endpoint. */
const MOST_KEYS = 16;

/** @throws DaisError `invalid_request` for a label with neither or both. */
export async function addLabels(
  tx: Transaction,
  { input, context, tenant }: CallOf<typeof labelPredictionsOperation>,
  now: number,
): Promise<{ taken: number }> {
  const { endpoint, labels, source } = input;
  for (const [index, { prediction, key }] of labels.entries()) {
    if ((prediction === undefined) === (key === undefined)) {
      const message = 'must name either a prediction or a key';
      throw new DaisError('invalid_request', `Label ${index} must name either a prediction or a key.`, {
        issues: [{ path: `labels.${index}`, message }],
      });
    }
  }
  const { type, id } = context.principal;
  await tx.sql.query(
    `insert into predictions.label (id, project_id, endpoint, prediction, key_column, key_value, "row", value, observed_at,
       at, by, source)
     select t.id, $1, $2, t.prediction, t.key_column, t.key_value, t.place, t.value, t.observed_at, $3, $4, $5
     from unnest($6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::int[], $11::text[], $12::bigint[])
       as t (id, prediction, key_column, key_value, place, value, observed_at)`,
    [
      tenant.id,
      endpoint,
      now,
      JSON.stringify({ type, id }),
      source,
      labels.map(() => uuidv7(now)),
      labels.map((one) => one.prediction ?? null),
      labels.map((one) => one.key?.column ?? null),
      labels.map((one) => one.key?.value ?? null),
      labels.map((one) => one.row),
      labels.map((one) => one.value),
      labels.map((one) => one.observedAt ?? null),
    ],
    'add_prediction_labels',
  );
  const subject = await endpointSubject(tx, endpoint);
  tx.emit({
    type: eventTypes.predictionsLabeled,
    projectId: tenant.id,
    subject,
    data: { labels: labels.length, source },
  });
  return { taken: labels.length };
}

export async function listLabels(
  tx: Transaction,
  { input, tenant }: CallOf<typeof listPredictionLabelsOperation>,
): Promise<{ items: PredictionLabel[]; nextCursor?: string }> {
  const filter = ['prediction-labels', tenant.id, input.endpoint];
  const position = decodePageCursor(filter, input.cursor);
  if (position !== undefined && !/^[\da-f-]{36}$/.test(position)) {
    throw new DaisError('invalid_cursor', 'The cursor is not from this list.');
  }
  const rows = await tx.sql.query<LabelRow>(
    `select ${COLUMNS} from predictions.label where project_id = $1 and endpoint = $2 and ($3::uuid is null or id < $3)
     order by id desc limit $4`,
    [tenant.id, input.endpoint, position ?? null, input.limit + 1],
    'list_prediction_labels',
  );
  const { page, next } = cutPage(rows, input.limit, filter, ({ id }) => id);
  return { items: page.map(presentLabel), ...next };
}

export async function labelsOf(
  sql: Sql,
  { projectId, prediction }: { readonly projectId: string; readonly prediction: string },
): Promise<LabelRow[]> {
  return await sql.query<LabelRow>(
    `select ${COLUMNS} from predictions.label where project_id = $1 and prediction = $2 order by id limit 1000`,
    [projectId, prediction],
    'labels_of_prediction',
  );
}

export function presentLabel(row: LabelRow): PredictionLabel {
  return {
    id: row.id,
    ...(row.prediction !== null && { prediction: row.prediction }),
    ...(row.key_column !== null && { key: { column: row.key_column, value: row.key_value ?? '' } }),
    row: row.row,
    value: row.value,
    at: Number(row.at),
    ...(row.observed_at !== null && { observedAt: Number(row.observed_at) }),
    by: `${row.by.type}/${row.by.id}`,
    source: row.source,
  };
}

interface LabelsOf {
  readonly projectId: string;
  readonly endpoint: string;
}

/**
 * Returns labels of an endpoint as JSON lines: all; or those of predictions in a period, by prediction id, and labels
 * by key that were recorded since it started.
 */
export async function* labelLines(
  dependencies: PredictionsDependencies,
  of: LabelsOf,
  time?: { readonly from: number; readonly until: number },
): AsyncIterableIterator<string> {
  for (let after: string | undefined; ;) {
    const rows = await transact(
      dependencies.database,
      { mode: 'read', projectId: of.projectId },
      async ({ sql }) =>
        await sql.query<LabelRow>(
          `select ${COLUMNS} from predictions.label where project_id = $1 and endpoint = $2 and ($3::uuid is null or id > $3)
           and ($4::uuid is null or case when prediction is null then id >= $4 else prediction >= $4 and prediction < $5 end)
         order by id limit ${SLICE}`,
          [
            of.projectId,
            of.endpoint,
            after ?? null,
            time === undefined ? null : firstIdOf(time.from),
            time === undefined ? null : firstIdOf(time.until),
          ],
          'read_prediction_labels',
        ),
    );
    for (const row of rows) {
      const line = {
        prediction_id: row.prediction,
        row: row.row,
        key_column: row.key_column,
        key_value: row.key_value,
        value: row.value,
        observed_at: row.observed_at === null ? null : new Date(Number(row.observed_at)).toISOString(),
        labeled_at: new Date(Number(row.at)).toISOString(),
        labeled_by: `${row.by.type}/${row.by.id}`,
        source: row.source,
      };
      yield `${JSON.stringify(line)}\n`;
    }
    after = rows.at(-1)?.id;
    if (rows.length < SLICE) return;
  }
}

export async function keyColumns(dependencies: PredictionsDependencies, of: LabelsOf): Promise<readonly string[]> {
  const rows = await transact(
    dependencies.database,
    { mode: 'read', projectId: of.projectId },
    async ({ sql }) =>
      await sql.query<{ name: string }>(
        `select distinct key_column as name from predictions.label
       where project_id = $1 and endpoint = $2 and key_column is not null order by 1 limit ${MOST_KEYS}`,
        [of.projectId, of.endpoint],
        'label_keys',
      ),
  );
  return rows.map(({ name }) => name);
}
