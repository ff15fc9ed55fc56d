/** Operations on records of evaluation datasets. */
import {
  listEvaluationRecordsOperation,
  mergeEvaluationRecordsOperation,
  removeEvaluationRecordsOperation,
  type EvaluationRecord,
  type EvaluationSchema,
} from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodeNumberCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { TrackingDependencies } from '../dependencies.ts';
import { digestOf, requireDataset } from './dataset-rows.ts';
import { inputsHash, merged, newRecord, widened, type GivenRecord, type KeptRecord } from './record-merge.ts';

export function recordEntries(dependencies: TrackingDependencies): readonly OperationEntry[] {
  return [
    entry(mergeEvaluationRecordsOperation, async (tx, { input }) => await mergeRecords(tx, input, dependencies)),
    entry(listEvaluationRecordsOperation, async (tx, { input }) => await listRecords(tx, input)),
    entry(removeEvaluationRecordsOperation, async (tx, { input }) => {
      const { num } = await requireDataset(tx, input.id, 'for update');
      const gone = await tx.sql.query(
        'delete from tracking.evaluation_record where dataset = $1 and id = any($2) returning 1',
        [num, input.recordIds],
        'remove_evaluation_records',
      );
      await tx.sql.query(
        'update tracking.evaluation_dataset set records = records - $2 where num = $1',
        [num, gone.length],
        'count_evaluation_records',
      );
      return { removed: gone.length };
    }),
  ];
}

interface MergeInput {
  readonly id: string;
  readonly records: readonly GivenRecord[];
}

interface RecordRow {
  readonly num: bigint;
  readonly id: string;
  readonly hash: Buffer;
  readonly inputs: string;
  readonly outputs: string;
  readonly expectations: string | null;
  readonly tags: string;
  readonly source: string | null;
  readonly created_at: bigint;
  readonly updated_at: bigint;
  readonly created_by: string | null;
  readonly updated_by: string | null;
}

const COLUMNS =
  'num, id, hash, inputs, outputs, expectations, tags, source, created_at, updated_at, created_by, updated_by';

/** Merges records with a fixed number of statements. The dataset is locked, so that no record is created twice. */
async function mergeRecords(tx: Transaction, { id, records }: MergeInput, { clock, random }: TrackingDependencies) {
  const dataset = await requireDataset(tx, id, 'for update');
  const now = clock.now();
  const hashed = records.map((record) => ({ record, hash: inputsHash(record.inputs) }));
  const known = await tx.sql.query<RecordRow>(
    `select ${COLUMNS} from tracking.evaluation_record where dataset = $1 and hash = any($2::bytea[])`,
    [dataset.num, hashed.map(({ hash }) => hash)],
    'evaluation_records_by_hash',
  );
  const before = new Map(known.map((row) => [row.hash.toString('hex'), row]));
  const after = new Map<string, { readonly hash: Buffer; readonly record: KeptRecord }>();
  let updated = 0;
  for (const { record, hash } of hashed) {
    const key = hash.toString('hex');
    const row = before.get(key);
    const there = after.get(key)?.record ?? (row === undefined ? undefined : keptRecord(row));
    if (there !== undefined) updated += 1;
    after.set(key, { hash, record: there === undefined ? newRecord(record) : merged(there, record) });
  }
  const all = [...after].map(([key, one]) => ({
    ...one,
    id: before.get(key)?.id ?? `dr-${random(16).toString('hex')}`,
  }));
  const texts = (of: (record: KeptRecord) => unknown) =>
    all.map(({ record }) => {
      const value = of(record);
      return value === undefined ? null : JSON.stringify(value);
    });
  await tx.sql.query(
    `insert into tracking.evaluation_record (project_id, dataset, created_at, updated_at, id, hash, inputs, outputs, expectations, tags, source, created_by, updated_by)
     select $1, $2, $3, $3, t.* from unnest($4::text[], $5::bytea[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[]) t
     on conflict (dataset, hash) do update set outputs = excluded.outputs, expectations = excluded.expectations,
       tags = excluded.tags, updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
    [
      tx.projectId,
      dataset.num,
      now,
      all.map((one) => one.id),
      all.map(({ hash }) => hash),
      texts(({ inputs }) => inputs),
      texts(({ outputs }) => outputs),
      texts(({ expectations }) => expectations),
      texts(({ tags }) => tags),
      texts(({ source }) => source),
      all.map(({ record }) => record.createdBy ?? null),
      all.map(({ record }) => record.updatedBy ?? null),
    ],
    'put_evaluation_records',
  );
  const inserted = all.length - known.length;
  const schema = dataset.schema === null ? undefined : (JSON.parse(dataset.schema) as EvaluationSchema);
  await tx.sql.query(
    `update tracking.evaluation_dataset
     set records = records + $2, schema = $3, digest = $4, updated_at = greatest(updated_at, $5), updated_by = $6 where num = $1`,
    [
      dataset.num,
      inserted,
      records.length === 0 ? dataset.schema : JSON.stringify(widened(schema, records)),
      digestOf(dataset.name, now),
      now,
      // The last user, if any.
      records.findLast(({ user }) => user !== undefined)?.user ?? null,
    ],
    'update_evaluation_dataset',
  );
  return { inserted, updated };
}

interface ListInput {
  readonly id: string;
  readonly limit: number;
  readonly cursor?: string;
}

async function listRecords(tx: Transaction, { id, limit, cursor }: ListInput) {
  const binding = ['evaluation records', tx.projectId, id];
  const after = decodeNumberCursor(binding, cursor);
  const { num } = await requireDataset(tx, id);
  const found = await tx.sql.query<RecordRow>(
    `select ${COLUMNS} from tracking.evaluation_record where dataset = $1 and num > $2 order by num limit $3`,
    [num, after ?? 0n, limit + 1],
    'evaluation_records',
  );
  const { page, next } = cutPage(found, limit, binding, (row) => String(row.num));
  return { items: page.map(present), ...next };
}

function keptRecord(row: RecordRow): KeptRecord {
  return {
    inputs: parsed(row.inputs),
    outputs: JSON.parse(row.outputs) as unknown,
    ...(row.expectations !== null && { expectations: parsed(row.expectations) }),
    tags: parsed(row.tags),
    ...(row.source !== null && { source: JSON.parse(row.source) as KeptRecord['source'] }),
    ...(row.created_by !== null && { createdBy: row.created_by }),
    ...(row.updated_by !== null && { updatedBy: row.updated_by }),
  };
}

function present(row: RecordRow): EvaluationRecord {
  const { id, created_at: createdAt, updated_at: updatedAt } = row;
  const kept = keptRecord(row) as Omit<EvaluationRecord, 'id' | 'createdAt' | 'updatedAt'>;
  return { id, ...kept, createdAt: Number(createdAt), updatedAt: Number(updatedAt) };
}

function parsed(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}
