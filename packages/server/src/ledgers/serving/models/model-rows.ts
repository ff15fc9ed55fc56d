import type { Transaction } from '#kernel/transaction.ts';
import type { DescribedModel } from './model-description.ts';
import type { FoundModel } from './model-source.ts';

export interface ModelRow {
  readonly id: string;
  readonly project_id: string;
  readonly label: string;
  readonly name: string;
  readonly version: string | null;
  readonly lineage_key: string | null;
  readonly artifacts: string;
  readonly description: DescribedModel;
  /** Number of requests to load it again. */
  readonly resumes: number;
}

const COLUMNS = 'id, project_id, label, name, version, lineage_key, artifacts, description, resumes';

export async function readModels({ sql }: Transaction, ids: readonly string[]): Promise<ReadonlyMap<string, ModelRow>> {
  const rows = await sql.query<ModelRow>(
    `select ${COLUMNS} from serving.model where id = any($1)`,
    [[...new Set(ids)]],
    'read_served_models',
  );
  return new Map(rows.map((row) => [row.id, row]));
}

/** Stores the description; storing it again changes nothing. */
export async function storeModel(tx: Transaction, found: FoundModel, described: DescribedModel): Promise<void> {
  const { id, label, name, version, lineageKey, artifacts } = found;
  await tx.sql.query(
    `insert into serving.model (id, project_id, label, name, version, lineage_key, artifacts, description)
     values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb) on conflict (id) do nothing`,
    [id, tx.projectId, label, name, version ?? null, lineageKey ?? null, artifacts, JSON.stringify(described)],
    'keep_served_model',
  );
}

/** Ends the quarantine of models at every endpoint and gateway; other models are unchanged. */
export async function resumeModels({ sql }: Transaction, ids: readonly string[]): Promise<void> {
  await sql.query('update serving.model set resumes = resumes + 1 where id = any($1)', [ids], 'resume_served_models');
}
