/** Stored feature importances, and their API form. */
import { DaisError, type Actor } from '@dais/api';
import type { ModelImportance } from '@dais/api/serving';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { isJobId, type JobRow } from '../job-rows.ts';

interface ImportanceRow {
  readonly id: string;
  readonly model_name: string;
  readonly version: number;
  readonly data: string;
  readonly method: ModelImportance['method'];
  readonly scale: ModelImportance['scale'];
  readonly sample: number;
  readonly background: number;
  readonly seed: bigint;
  readonly features: ModelImportance['features'];
  readonly created_by: Actor;
  readonly created_at: bigint;
}

export type NewImportance = Pick<
  ModelImportance,
  'method' | 'scale' | 'sample' | 'background' | 'seed' | 'features' | 'data'
>;

export async function storeImportance(
  tx: Transaction,
  job: JobRow<unknown>,
  made: NewImportance,
  now: number,
): Promise<void> {
  await tx.sql.query(
    `insert into model_jobs.importance (id, project_id, model, model_name, version, data, method, scale, sample, background,
       seed, features, created_by, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
    [
      job.id,
      tx.projectId,
      job.model,
      job.model_name,
      job.version,
      made.data,
      made.method,
      made.scale,
      made.sample,
      made.background,
      made.seed,
      JSON.stringify(made.features),
      JSON.stringify(job.created_by),
      now,
    ],
    'keep_model_importance',
  );
}

export interface ListImportances {
  readonly name: string;
  readonly version?: number;
  readonly limit: number;
  readonly cursor?: string;
}

export async function listImportances(tx: Transaction, input: ListImportances) {
  const { name, version = null, limit } = input;
  const filter = ['model-importances', tx.projectId, name, version];
  const after = decodePageCursor(filter, input.cursor);
  if (after !== undefined && !isJobId(after))
    throw new DaisError('invalid_cursor', 'The cursor is not from this list.');
  const rows = await tx.sql.query<ImportanceRow>(
    `select id, model_name, version, data, method, scale, sample, background, seed, features, created_by, created_at
     from model_jobs.importance
     where project_id = $1 and model_name = $2 and ($3::int is null or version = $3) and ($4::uuid is null or id < $4)
     order by id desc limit $5`,
    [tx.projectId, name, version, after ?? null, limit + 1],
    'list_model_importances',
  );
  const { page, next } = cutPage(rows, limit, filter, ({ id }) => id);
  return { items: page.map(present), ...next };
}

function present(row: ImportanceRow): ModelImportance {
  return {
    id: row.id,
    model: row.model_name,
    version: row.version,
    data: row.data,
    method: row.method,
    scale: row.scale,
    sample: row.sample,
    background: row.background,
    seed: Number(row.seed),
    features: [...row.features],
    createdBy: row.created_by,
    createdAt: Number(row.created_at),
  };
}
