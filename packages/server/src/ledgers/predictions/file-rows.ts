/** Rows and bytes of prediction files. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Column, FileTable } from '#engines/query/contract.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Sql } from '#engines/database/contract.ts';
import { findReadable } from '#kernel/content/damage.ts';
import { attachContent, detachContent } from '#kernel/content/references.ts';
import { byteQuota } from '#kernel/tenants.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { keyOf, noteLineage } from '#ledgers/lineage/index.ts';
import { versionKeyOf } from '#ledgers/registry/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { FIXED_COLUMNS } from './prediction-table.ts';
import type { PredictionsDependencies } from './predictions-dependencies.ts';
import type { DamagedReference, OwnerName } from '#kernel/content/owner-names.ts';

export interface FileRow {
  readonly id: string;
  readonly project_id: string;
  readonly endpoint: string;
  readonly name: string;
  readonly mark: bigint;
  readonly hour: bigint;
  readonly predictions: number;
  readonly rows: number;
  readonly erased: number;
  readonly bytes: bigint;
  readonly columns: readonly Column[];
  readonly models: readonly string[];
  readonly first_at: bigint;
  readonly last_at: bigint;
  readonly created_at: bigint;
}

export type NewFileRow = Omit<FileRow, 'id' | 'bytes' | 'created_at'>;

const COLUMNS = `id, project_id, endpoint, name, mark, hour, predictions, rows, erased, bytes, columns, models, first_at,
  last_at, created_at`;
/** Owner prefix of the bytes of each file. */
const CONTENT = 'predictions.parquet';

function contentOf(projectId: string, id: string) {
  return { projectId, uid: id, name: CONTENT };
}

const labelOf = (id: string) => `prediction file ${id}`;

/** Bytes without an owner until `insertFile` assigns them to a file. */
export interface StoredPredictions {
  readonly file: NewFileRow;
  readonly lease: string;
  readonly bytes: number;
}

/** @throws DaisError `quota_exceeded`, `storage_full`, `blobs_unavailable`. */
export async function storePredictions(
  { database, content }: PredictionsDependencies,
  file: NewFileRow,
  path: string,
): Promise<StoredPredictions> {
  const { project_id: projectId } = file;
  const quota = await transact(database, { mode: 'read', projectId }, async (tx) => await byteQuota(tx, projectId));
  const { size } = await stat(path);
  const { id } = await content.upload(createReadStream(path), { projectId, quota });
  return { file, lease: id, bytes: size };
}

/** Inserts the row of a file, its bytes, and its lineage node. `from`: files that it replaces. */
export async function insertFile(
  tx: Transaction,
  { file, lease, bytes }: StoredPredictions,
  now: number,
  from: readonly string[] = [],
): Promise<string> {
  const id = uuidv7(now);
  await tx.enter(file.project_id);
  await tx.sql.query(
    `insert into predictions.file (${COLUMNS})
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      id,
      file.project_id,
      file.endpoint,
      file.name,
      file.mark,
      file.hour,
      file.predictions,
      file.rows,
      file.erased,
      bytes,
      JSON.stringify(file.columns),
      file.models,
      file.first_at,
      file.last_at,
      now,
    ],
    'insert_prediction_file',
  );
  await attachContent(tx, { projectId: file.project_id, uid: id }, [{ lease, name: CONTENT }]);
  const to = keyOf('predictions', id);
  const endpoint = keyOf('endpoint', file.endpoint);
  const hour = new Date(Number(file.hour)).toISOString().slice(0, 13);
  const nodes = [
    { key: to, name: `${file.name} ${hour}h`, data: { endpoint: file.name, hour: `${hour}:00:00Z` } },
    { key: endpoint, name: file.name, data: { endpoint: file.name } },
  ];
  const versions: string[] = [];
  for (const one of file.models) {
    const at = one.lastIndexOf('/');
    const version = Number(one.slice(at + 1));
    const node = Number.isSafeInteger(version) ? await versionKeyOf(tx, one.slice(0, at), version) : undefined;
    if (node !== undefined) versions.push(node);
  }
  const made = [endpoint, ...versions].map((one) => ({ from: one, to, relation: 'made' as const }));
  const before = from.map((one) => ({ from: keyOf('predictions', one), to, relation: 'copied' as const }));
  noteLineage(tx, { nodes, edges: [...made, ...before] }, now);
  return id;
}

export async function deleteFiles(
  tx: Transaction,
  files: readonly Pick<FileRow, 'id' | 'project_id'>[],
): Promise<void> {
  for (const { id, project_id: projectId } of files) {
    await detachContent(tx, { projectId, uid: id });
    await tx.sql.query('delete from predictions.file where id = $1', [id], 'delete_prediction_file');
  }
}

export interface FileFilter {
  readonly projectId: string;
  readonly name: string;
  readonly from?: number | undefined;
  readonly until?: number | undefined;
  readonly limit: number;
}

/** Newest hour first. */
export async function findFiles(sql: Sql, { projectId, name, from, until, limit }: FileFilter): Promise<FileRow[]> {
  return await sql.query<FileRow>(
    `select ${COLUMNS} from predictions.file where project_id = $1 and name = $2
       and ($3::bigint is null or last_at >= $3) and ($4::bigint is null or first_at < $4)
     order by hour desc, id desc limit $5`,
    [projectId, name, from ?? null, until ?? null, limit],
    'prediction_files',
  );
}

/** Returns files with predictions after a time, oldest hour first. */
export async function oldestFiles(
  sql: Sql,
  { projectId, name, from, limit }: Omit<FileFilter, 'until'>,
): Promise<FileRow[]> {
  return await sql.query<FileRow>(
    `select ${COLUMNS} from predictions.file where project_id = $1 and name = $2 and last_at >= $3
     order by hour, first_at, id limit $4`,
    [projectId, name, from ?? 0, limit],
    'oldest_prediction_files',
  );
}

export async function listFileRows(
  sql: Sql,
  { projectId, name, position, limit }: FileFilter & { readonly position: { hour: string; id: string } | undefined },
): Promise<FileRow[]> {
  return await sql.query<FileRow>(
    `select ${COLUMNS} from predictions.file where project_id = $1 and name = $2
       and ($3::bigint is null or (hour, id) < ($3, $4::uuid)) order by hour desc, id desc limit $5`,
    [projectId, name, position?.hour ?? null, position?.id ?? null, limit],
    'list_prediction_files',
  );
}

/** Returns files that may contain a prediction, according to its id. */
export async function filesOfMark(
  sql: Sql,
  { projectId, mark, hour }: { readonly projectId: string; readonly mark: number; readonly hour: number },
): Promise<FileRow[]> {
  return await sql.query<FileRow>(
    `select ${COLUMNS} from predictions.file where project_id = $1 and mark = $2 and hour = $3 order by id`,
    [projectId, mark, hour],
    'prediction_files_of_mark',
  );
}

export interface LocalPredictions {
  readonly tables: Readonly<Record<string, FileTable>>;
  /** Number of rows of all files. */
  readonly relation: Relation;
  readonly columns: readonly Column[];
}

/** Runs `work` with the rows of files, or with an empty table. The files stay on this machine until it ends. */
export async function withFiles<T>(
  { database, blobs, folder }: PredictionsDependencies,
  projectId: string,
  files: readonly Pick<FileRow, 'id' | 'columns'>[],
  work: (local: LocalPredictions) => Promise<T>,
): Promise<T> {
  const scratch = join(folder, uuidv7());
  try {
    const locators = await transact(database, { mode: 'read', projectId }, async (tx) => {
      const found: string[] = [];
      for (const { id } of files) found.push((await findReadable(tx, contentOf(projectId, id), labelOf(id))).locator);
      return found;
    });
    // Files with the same columns form one table, so that a query has few tables for any number of files.
    const groups = new Map<string, { columns: readonly Column[]; paths: string[] }>();
    for (const [at, { id, columns }] of files.entries()) {
      const locator = locators[at]!;
      const label = labelOf(id);
      let path = await blobs.localPath?.(locator, label);
      if (path === undefined) {
        await mkdir(scratch, { recursive: true, mode: 0o700 });
        path = join(scratch, `${id}.parquet`);
        await pipeline(await blobs.get(locator, undefined, label), createWriteStream(path, { mode: 0o600 }));
      }
      const key = JSON.stringify(columns);
      const group = groups.get(key) ?? { columns, paths: [] };
      group.paths.push(path);
      groups.set(key, group);
    }
    if (groups.size === 0) groups.set('', { columns: FIXED_COLUMNS, paths: [] });
    const tables: Record<string, FileTable> = {};
    for (const { columns, paths } of groups.values()) {
      const inputFiles = paths.map((path) => ({ path, name: 'predictions', format: 'parquet' as const }));
      tables[`files_${Object.keys(tables).length}`] = { files: inputFiles, columns };
    }
    const scans = Object.keys(tables).map((table): Relation => ({ type: 'scan', table }));
    const relation: Relation = scans.length === 1 ? scans[0]! : { type: 'union', of: scans };
    const seen = new Map([...groups.values()].flatMap(({ columns }) => columns.map((one) => [one.name, one] as const)));
    return await work({ tables, relation, columns: [...seen.values()] });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** Names the endpoints of prediction files. */
export async function namePredictionOwners(
  sql: Sql,
  references: readonly DamagedReference[],
): Promise<readonly OwnerName[]> {
  return await sql.query<OwnerName>(
    `select project_id as "projectId", id as owner, 'predictions' as kind, name
     from predictions.file where id = any($1::uuid[])`,
    [[...new Set(references.map(({ owner }) => owner))]],
    'prediction_content_owners',
  );
}
