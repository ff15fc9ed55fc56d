/** Creates a version: rows, content, lineage and event in one transaction. */
import { createHash } from 'node:crypto';
import { DaisError, eventTypes, type Actor } from '@dais/api';
import type { DataSchema, DatasetMode, DatasetVersion, VersionSource } from '@dais/api/data';
import { attachContent } from '#kernel/content/references.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { DataDependencies } from '../data-dependencies.ts';
import { contentOf, lockDataset, type DatasetRow, emitAboutDataset, readDatasetSpec } from '../dataset-rows.ts';
import { noteDataVersion } from './lineage-nodes.ts';
import { setTag } from './tags.ts';
import {
  findNewest,
  MAX_FILES,
  presentVersions,
  readVersion,
  VERSION_COLUMNS,
  type VersionRow,
} from './version-rows.ts';

interface FileShape {
  readonly digest: string;
  readonly bytes: number;
  readonly rows: number;
}

export type NewFile =
  /** Uploaded through kernel/content, with the SHA-256 of the upload. */
  | (FileShape & { readonly lease: string })
  /** An existing file of the same dataset, by digest. */
  | (FileShape & { readonly kept: true })
  /** An external file. */
  | (FileShape & { readonly uri: string; readonly pin: string; readonly format: string });

export interface NewVersion {
  readonly dataset: string;
  /** In row order. */
  readonly files: readonly NewFile[];
  readonly schema: DataSchema;
  readonly source: VersionSource;
  readonly mode?: DatasetMode;
  readonly message?: string;
  readonly tags?: readonly string[];
  /** Keys of upstream lineage nodes in addition to `source.versions`. */
  readonly parents?: readonly string[];
  /** Default: the newest version. */
  readonly parent?: string;
  /** Id of the expected newest version, null for none: if another one was created, the commit fails. */
  readonly onto?: string | null;
  /** Default: the principal of the transaction. */
  readonly by?: Actor;
  readonly origin?: string;
  /** Approximate number of rows per file. */
  readonly splitRows?: number;
}

export interface CommittedVersion {
  readonly version: DatasetVersion;
  /** The data equals that of the newest version: none was created. */
  readonly unchanged: boolean;
}

/** An existing file was deleted concurrently with its version: the caller retries. */
class FilesGone extends Error {}

/** Commits a version. @throws DaisError `not_found` (no such dataset), `content_missing`, `conflict` (see `onto`); FilesGone. */
export async function commitVersion(
  tx: Transaction,
  { clock, hooks }: Pick<DataDependencies, 'clock' | 'hooks'>,
  input: NewVersion,
): Promise<CommittedVersion> {
  const { files, schema, mode = 'managed', source } = input;
  if (files.length > MAX_FILES) throw new Error(`${files.length} files in one version`);
  const row = await lockDataset(tx, input.dataset);
  if (input.onto !== undefined) await requireNewest(tx, row, input.onto);
  const spec = await readDatasetSpec(tx, row.name);
  const now = clock.now();
  const named = new Set(schema.columns.map(({ name }) => name));
  const keys = (spec.keys ?? []).filter((key) => named.has(key));
  const role = (column: string | undefined) => (column !== undefined && named.has(column) ? column : undefined);
  const [eventTime, label] = [role(spec.eventTime), role(spec.label)];
  const digest = manifestDigest({ mode, schema, keys, eventTime, label, files });
  const newest = await readNewest(tx, row);
  if (newest !== undefined && newest.digest === digest && (newest.state === 'ready' || newest.state === 'building')) {
    return { version: newest, unchanged: true };
  }
  const existing = await keptDigests(tx, row);
  if (files.some((file) => 'kept' in file && !existing.has(file.digest)))
    throw new FilesGone('a file was deleted concurrently');
  const id = uuidv7(now);
  const number = row.last_version + 1;
  const unseen = new Map(files.filter((file) => !existing.has(file.digest)).map((file) => [file.digest, file.bytes]));
  const by = input.by ?? actorOf(tx);
  const sum = (of: readonly number[]) => of.reduce((total, one) => total + one, 0);
  const bytes = sum(files.map((file) => file.bytes));
  await tx.sql.query('update data.dataset set last_version = $2 where id = $1', [row.id, number], 'count_data_version');
  await tx.sql.query(
    `insert into data.version (id, project_id, dataset, number, digest, state, mode, rows, bytes, new_bytes, files, schema,
       keys, event_time, label, message, created_at, created_by, origin, parent, source, split_rows)
     values ($1, $2, $3, $4, $5, 'building', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)`,
    [
      id,
      tx.projectId,
      row.id,
      number,
      digest,
      mode,
      sum(files.map((file) => file.rows)),
      bytes,
      sum([...unseen.values()]),
      files.length,
      JSON.stringify(schema),
      keys,
      eventTime ?? null,
      label ?? null,
      input.message ?? '',
      now,
      JSON.stringify(by),
      input.origin ?? tx.by.origin,
      input.parent ?? newest?.id ?? null,
      JSON.stringify(source),
      input.splitRows ?? null,
    ],
    'insert_data_version',
  );
  await writeFiles(tx, row, id, files);
  await attach(tx, row, files);
  for (const tag of input.tags ?? []) await setTag(tx, row, { id, number }, tag);
  const version = await readVersion(tx, id);
  noteDataVersion(tx, version, input.parents ?? [], now);
  const waits = (await hooks.begin?.(tx, version)) === 'wait';
  if (!waits) {
    await tx.sql.query(`update data.version set state = 'ready', ready_at = $2 where id = $1`, [id, now]);
  }
  const state = waits ? 'building' : 'ready';
  const data = { version: number, id, state, rows: version.rows, bytes, digest };
  emitAboutDataset(tx, row, eventTypes.datasetVersionCreated, data);
  return { version: { ...version, state }, unchanged: false };
}

async function requireNewest(tx: Transaction, { name }: DatasetRow, onto: string | null): Promise<void> {
  const newest = await findNewest(tx, name);
  if ((newest?.id ?? null) === onto) return;
  throw new DaisError('conflict', `Version ${newest?.number ?? 0} of ${name} was created concurrently. Retry.`);
}

function actorOf({ by }: Transaction): Actor {
  return { type: by.principal.type, id: by.principal.id };
}

/** Finds the newest version that was not deleted. */
async function readNewest(tx: Transaction, row: DatasetRow): Promise<DatasetVersion | undefined> {
  const rows = await tx.sql.query<VersionRow>(
    `select ${VERSION_COLUMNS} from data.version v join data.dataset d on d.id = v.dataset
     where v.dataset = $1 and v.state <> 'deleted' order by v.number desc limit 1`,
    [row.id],
    'newest_data_version',
  );
  return (await presentVersions(tx, rows, MAX_FILES))[0];
}

/** Returns digests of files of existing versions. Their content exists while the dataset is locked. */
export async function keptDigests({ sql }: Transaction, { id }: Pick<DatasetRow, 'id'>): Promise<ReadonlySet<string>> {
  const rows = await sql.query<{ digest: string }>(
    'select distinct digest from data.version_file where dataset = $1 and uri is null',
    [id],
    'kept_digests',
  );
  return new Set(rows.map(({ digest }) => digest));
}

async function writeFiles(tx: Transaction, row: DatasetRow, version: string, files: readonly NewFile[]): Promise<void> {
  const value = (of: (file: NewFile) => unknown) => files.map(of);
  const elsewhere = (field: 'uri' | 'pin' | 'format') => value((file) => ('uri' in file ? file[field] : null));
  await tx.sql.query(
    `insert into data.version_file (version, position, project_id, dataset, name, digest, bytes, rows, uri, pin, format)
     select $1, t.position - 1, $2, $3, t.name, t.digest, t.bytes, t.rows, t.uri, t.pin, t.format
     from unnest($4::text[], $5::text[], $6::bigint[], $7::bigint[], $8::text[], $9::text[], $10::text[])
       with ordinality as t (name, digest, bytes, rows, uri, pin, format, position)`,
    [
      version,
      tx.projectId,
      row.id,
      files.map((file, at) => fileName(file, at)),
      value(({ digest }) => digest),
      value(({ bytes }) => bytes),
      value(({ rows }) => rows),
      elsewhere('uri'),
      elsewhere('pin'),
      elsewhere('format'),
    ],
    'insert_version_files',
  );
}

/** Returns the extension of an external file from its URI. */
function fileName(file: NewFile, position: number): string {
  const number = String(position).padStart(5, '0');
  return `part-${number}.${'uri' in file ? file.format : 'parquet'}`;
}

async function attach(tx: Transaction, row: DatasetRow, files: readonly NewFile[]): Promise<void> {
  const leases = new Map(files.flatMap((file) => ('lease' in file ? [[file.digest, file.lease] as const] : [])));
  if (leases.size === 0) return;
  const entries = [...leases].map(([name, lease]) => ({ name, lease }));
  // Concurrent uploads can contain the same file: the later one replaces it.
  await attachContent(tx, contentOf(row), entries, { replace: true });
}

interface VersionManifest {
  readonly mode: DatasetMode;
  readonly schema: DataSchema;
  readonly keys: readonly string[];
  readonly eventTime: string | undefined;
  readonly label: string | undefined;
  readonly files: readonly { readonly digest: string; readonly rows: number; readonly uri?: string }[];
}

/** Returns the SHA-256 over the canonical JSON of the manifest: fields in this order, no white space. Lower-case hex. */
function manifestDigest({ mode, schema, keys, eventTime, label, files }: VersionManifest): string {
  const canonical = {
    format: 1,
    mode,
    columns: schema.columns.map(({ name, type, nullable }) => [name, type, nullable]),
    keys,
    eventTime: eventTime ?? null,
    label: label ?? null,
    files: files.map(({ digest, rows, uri }) => [digest, rows, uri ?? null]),
  };
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}
