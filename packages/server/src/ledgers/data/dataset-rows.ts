/** The stored record of each Dataset resource. */
import { DaisError, nearest, datasetSpec, type DatasetSpec, type EventType } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import { detachContent, type ContentOwner } from '#kernel/content/references.ts';
import type { AdmittedChange } from '#kernel/kind.ts';
import { readResource } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';

export interface DatasetRow {
  readonly id: bigint;
  readonly project_id: string;
  readonly uid: string;
  readonly name: string;
  readonly content: string;
  readonly last_version: number;
}

const COLUMNS = 'id, project_id, uid, name, content, last_version';

export async function findDataset(tx: Transaction, name: string): Promise<DatasetRow | undefined> {
  const [row] = await tx.sql.query<DatasetRow>(
    `select ${COLUMNS} from data.dataset where project_id = $1 and name = $2`,
    [tx.projectId, name],
    'find_dataset',
  );
  return row;
}

export async function requireDataset(tx: Transaction, name: string): Promise<DatasetRow> {
  const row = await findDataset(tx, name);
  if (row === undefined) throw await noDataset(tx, name);
  return row;
}

/** Locks the dataset, so that no other transaction creates versions of it. @throws DaisError `not_found`. */
export async function lockDataset(tx: Transaction, name: string): Promise<DatasetRow> {
  const [row] = await tx.sql.query<DatasetRow>(
    `select ${COLUMNS} from data.dataset where project_id = $1 and name = $2 for update`,
    [tx.projectId, name],
    'lock_dataset',
  );
  if (row === undefined) throw await noDataset(tx, name);
  return row;
}

async function noDataset({ sql, projectId }: Transaction, name: string): Promise<DaisError> {
  const rows = await sql.query<{ name: string }>(
    'select name from data.dataset where project_id = $1 order by name limit 1000',
    [projectId],
    'names_of_datasets',
  );
  const close = nearest(
    name,
    rows.map((row) => row.name),
  );
  const hint = close === undefined ? '' : ` Did you mean ${close}?`;
  return new DaisError('not_found', `There is no dataset ${name}.${hint}`);
}

/** Returns the owner of the files of all versions; files are named by their digests. */
export function contentOf(row: Pick<DatasetRow, 'project_id' | 'content' | 'name'>): ContentOwner {
  return { projectId: row.project_id, uid: row.content, label: `dataset ${row.name}` };
}

/** Updates the record of a Dataset resource. @throws DaisError `still_referenced` for one with versions. */
export async function admitDataset(tx: Transaction, change: AdmittedChange, now: number): Promise<void> {
  const { projectId, uid, name, spec, dryRun } = change;
  if (spec === undefined) {
    await refuseWithVersions(tx.sql, change);
    if (!dryRun) await dropDataset(tx, projectId, uid);
    return;
  }
  if (dryRun) return;
  const { refreshMinutes } = spec as { readonly refreshMinutes?: number };
  const refreshMs = refreshMinutes === undefined ? undefined : refreshMinutes * 60_000;
  await tx.sql.query(
    `insert into data.dataset as d (project_id, uid, name, content, created_at, refresh_ms, next_refresh_at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (project_id, name) do update
       set uid = excluded.uid, refresh_ms = excluded.refresh_ms, next_refresh_at = excluded.next_refresh_at
       where (d.uid, d.refresh_ms) is distinct from (excluded.uid, excluded.refresh_ms)`,
    [projectId, uid, name, uuidv7(now), now, refreshMs ?? null, refreshMs === undefined ? null : now],
    'admit_dataset',
  );
}

/** Deletes a dataset without versions, with its ingests. */
async function dropDataset(tx: Transaction, projectId: string, uid: string): Promise<void> {
  const ingests = await tx.sql.query<{ id: string }>(
    `delete from data.ingest where project_id = $1
       and dataset in (select id from data.dataset where project_id = $1 and uid = $2) returning id`,
    [projectId, uid],
    'drop_ingests',
  );
  for (const { id } of ingests) await detachContent(tx, { projectId, uid: id });
  await tx.sql.query('delete from data.dataset where project_id = $1 and uid = $2', [projectId, uid], 'drop_dataset');
}

/** Prevents pruning from deleting data that cannot be restored. */
async function refuseWithVersions(sql: Sql, { projectId, uid, name }: AdmittedChange): Promise<void> {
  const rows = await sql.query<{ number: number }>(
    `select v.number from data.version v join data.dataset d on d.id = v.dataset
     where d.project_id = $1 and d.uid = $2 and v.state <> 'deleted' order by v.number desc limit 20`,
    [projectId, uid],
    'versions_of_deleted_dataset',
  );
  if (rows.length === 0) return;
  throw new DaisError(
    'still_referenced',
    `Dataset "${name}" has versions. Delete them first (dais data delete ${name}@N).`,
    {
      holders: rows.map(({ number }) => `version ${number}`),
    },
  );
}

export async function readDatasetSpec(tx: Transaction, name: string): Promise<DatasetSpec> {
  const row = await readResource(tx.sql, tx.projectId, 'Dataset', name);
  if (row === undefined) throw new DaisError('not_found', `There is no dataset ${name}.`);
  return datasetSpec.parse(row.spec);
}

export function emitAboutDataset(
  tx: Transaction,
  { uid, name, project_id: projectId }: Pick<DatasetRow, 'uid' | 'name' | 'project_id'>,
  type: EventType,
  data: Readonly<Record<string, unknown>>,
): void {
  tx.emit({ type, projectId, subject: { kind: 'Dataset', name, uid }, data });
}
