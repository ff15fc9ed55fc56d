/** Stored versions, and their presentation. */
import { DaisError, type Actor } from '@dais/api';
import { type DataSchema, type DatasetVersion, type VersionSource } from '@dais/api/data';
import type { Transaction } from '#kernel/transaction.ts';

export interface VersionRow {
  readonly id: string;
  readonly project_id: string;
  readonly dataset: bigint;
  readonly name: string;
  readonly number: number;
  readonly digest: string;
  readonly state: DatasetVersion['state'];
  readonly reason: string | null;
  readonly mode: DatasetVersion['mode'];
  readonly rows: bigint;
  readonly bytes: bigint;
  readonly new_bytes: bigint;
  readonly files: number;
  readonly schema: DataSchema;
  readonly keys: readonly string[];
  readonly event_time: string | null;
  readonly label: string | null;
  readonly message: string;
  readonly created_at: bigint;
  readonly created_by: Actor;
  readonly origin: string;
  readonly parent: string | null;
  readonly source: VersionSource;
  readonly tags: readonly string[] | null;
}

export const VERSION_COLUMNS = `v.id, v.project_id, v.dataset, d.name, v.number, v.digest, v.state, v.reason, v.mode,
  v.rows, v.bytes, v.new_bytes, v.files, v.schema, v.keys, v.event_time, v.label, v.message, v.created_at, v.created_by,
  v.origin, v.parent, v.source,
  (select array_agg(t.tag order by t.tag) from data.version_tag t where t.version = v.id) as tags`;

interface FileRow {
  readonly version: string;
  readonly name: string;
  readonly digest: string;
  readonly bytes: bigint;
  readonly rows: bigint;
  readonly uri: string | null;
  readonly pin: string | null;
  readonly format: string | null;
}

/** Reads versions. `files`: maximum number of files of each; lists return fewer. */
export async function presentVersions(
  { sql }: Transaction,
  rows: readonly VersionRow[],
  files: number,
): Promise<DatasetVersion[]> {
  const found = await sql.query<FileRow>(
    `select version, name, digest, bytes, rows, uri, pin, format from data.version_file
     where version = any($1::uuid[]) and position < $2 order by version, position`,
    [rows.map(({ id }) => id), files],
    'files_of_versions',
  );
  const byVersion = new Map<string, FileRow[]>(rows.map(({ id }) => [id, []]));
  for (const file of found) byVersion.get(file.version)?.push(file);
  return rows.map((row) => present(row, byVersion.get(row.id) ?? []));
}

function present(row: VersionRow, files: readonly FileRow[]): DatasetVersion {
  return {
    id: row.id,
    dataset: row.name,
    project: row.project_id,
    number: row.number,
    digest: row.digest,
    state: row.state,
    ...(row.reason !== null && { reason: row.reason }),
    mode: row.mode,
    rows: Number(row.rows),
    bytes: Number(row.bytes),
    newBytes: Number(row.new_bytes),
    files: files.map(({ name, digest, bytes, rows, uri, pin, format }) => ({
      name,
      digest,
      bytes: Number(bytes),
      rows: Number(rows),
      ...(uri !== null && { uri }),
      ...(pin !== null && { pin }),
      ...(format !== null && { format }),
    })),
    fileCount: row.files,
    schema: row.schema,
    keys: [...row.keys],
    ...(row.event_time !== null && { eventTime: row.event_time }),
    ...(row.label !== null && { label: row.label }),
    tags: [...(row.tags ?? [])],
    message: row.message,
    createdAt: Number(row.created_at),
    createdBy: row.created_by,
    origin: row.origin,
    ...(row.parent !== null && { parent: row.parent }),
    source: row.source,
  };
}

/** Maximum number of files of a version. */
export const MAX_FILES = 100_000;

async function readWhere(
  tx: Transaction,
  condition: string,
  values: readonly unknown[],
  name: string,
): Promise<DatasetVersion | undefined> {
  const [row] = await tx.sql.query<VersionRow>(
    `select ${VERSION_COLUMNS} from data.version v join data.dataset d on d.id = v.dataset
     where v.project_id = $1 and ${condition} limit 1`,
    [tx.projectId, ...values],
    name,
  );
  return row === undefined ? undefined : (await presentVersions(tx, [row], MAX_FILES))[0];
}

/** Reads a version of the project with all its files. @throws DaisError `not_found`. */
export async function readVersion(tx: Transaction, id: string): Promise<DatasetVersion> {
  const found = await readWhere(tx, 'v.id = $2', [id], 'read_data_version');
  if (found === undefined) throw new DaisError('not_found', `There is no dataset version ${id}.`);
  return found;
}

export async function findByNumber(tx: Transaction, dataset: string, number: number) {
  return await readWhere(tx, 'd.name = $2 and v.number = $3', [dataset, number], 'data_version_by_number');
}

export async function findByTag(tx: Transaction, dataset: string, tag: string) {
  const condition = `d.name = $2 and v.id = (select t.version from data.version_tag t where t.dataset = d.id and t.tag = $3)`;
  return await readWhere(tx, condition, [dataset, tag], 'data_version_by_tag');
}

/** Finds the newest version that was ready at `until`, or is ready now. */
export async function findReady(tx: Transaction, dataset: string, until?: number) {
  const condition = `d.name = $2 and v.state = 'ready' and ($3::bigint is null or v.ready_at <= $3)
    order by v.number desc`;
  return await readWhere(tx, condition, [dataset, until ?? null], 'data_version_ready');
}

/** Finds the newest version that is ready or being checked. */
export async function findNewest(tx: Transaction, dataset: string) {
  const condition = `d.name = $2 and v.state in ('ready', 'building') order by v.number desc`;
  return await readWhere(tx, condition, [dataset], 'data_version_newest');
}

/** Finds the oldest ready version after a number, created since a time. */
export async function nextReady(tx: Transaction, dataset: string, number: number, since: number) {
  const condition = `d.name = $2 and v.state = 'ready' and v.number > $3 and v.created_at >= $4 order by v.number`;
  return await readWhere(tx, condition, [dataset, number, since], 'data_version_after');
}

/** Finds the newest ready version before a number, which is the default of comparisons. */
export async function previousReady(tx: Transaction, dataset: string, number: number) {
  const condition = `d.name = $2 and v.state = 'ready' and v.number < $3 order by v.number desc`;
  return await readWhere(tx, condition, [dataset, number], 'data_version_before');
}
