/** Reads the metadata of an Iceberg table, the manifests of a snapshot, and its data files. Pure. */
import { DaisError } from '@dais/api';
import { z } from 'zod';
import { JsonSyntaxError, JsonReader } from '#lib/formats/json-reader.ts';

/** Snapshot ids have 63 bits: text, so that no precision is lost. */
const id = z.union([z.int(), z.bigint()]).transform(String);
const field: z.ZodType<SchemaField> = z.looseObject({
  id: z.int(),
  name: z.string(),
  type: z.unknown(),
  'initial-default': z.unknown().optional(),
});
const inner = z.array(field).min(1);
const schema = z.looseObject({ 'schema-id': z.int().default(0), fields: z.array(field) });
const snapshot = z.looseObject({
  'snapshot-id': id,
  'schema-id': z.int().nullish(),
  'manifest-list': z.string().nullish(),
});
const metadataSchema = z.looseObject({
  'format-version': z.int(),
  location: z.string(),
  'current-snapshot-id': id.nullish(),
  'current-schema-id': z.int().nullish(),
  schema: schema.nullish(),
  schemas: z.array(schema).nullish(),
  snapshots: z.array(snapshot).nullish(),
});
const manifest = z.looseObject({
  manifest_path: z.string(),
  content: z.int().nullish(),
  added_snapshot_id: id.nullish(),
  sequence_number: z.int().nullish(),
  partition_spec_id: z.int().nullish(),
});
const entry = z.looseObject({
  status: z.int(),
  snapshot_id: id.nullish(),
  sequence_number: z.int().nullish(),
  data_file: z.looseObject({
    content: z.int().nullish(),
    file_path: z.string(),
    file_format: z.string(),
    record_count: z.int().min(0).nullish(),
    partition: z.record(z.string(), z.unknown()).nullish(),
    equality_ids: z.array(z.int()).nullish(),
    key_metadata: z.unknown().optional(),
    referenced_data_file: z.string().nullish(),
    content_offset: z.int().min(0).nullish(),
    content_size_in_bytes: z.int().min(0).nullish(),
  }),
});

export interface SchemaField {
  readonly id: number;
  readonly name: string;
  readonly type?: unknown;
  readonly 'initial-default'?: unknown;
}

export type TableSchema = z.output<typeof schema>;
export type IcebergMetadata = z.output<typeof metadataSchema>;
export type IcebergSnapshot = z.output<typeof snapshot>;

export interface IcebergManifest {
  readonly path: string;
  /** It lists delete files. */
  readonly deletes: boolean;
  readonly snapshot: string | undefined;
  /** Default sequence number of its files. */
  readonly sequence: number;
  /** Partition spec of its files. */
  readonly spec: number;
}

export interface IcebergFile {
  readonly path: string;
  /** The snapshot that added it. */
  readonly snapshot: string | undefined;
  /** Sequence number: deletes apply to files with the same or a lower number. */
  readonly sequence: number;
  /** Equal for files of one partition; undefined without partitions. */
  readonly partition: string | undefined;
  /** Set for a delete file; absent for a data file. */
  readonly deletes?: IcebergDeletes;
}

/**
 * Position deletes in a Parquet file; a deletion vector of one file, as a bitmap; or equality deletes in a Parquet file: rows
 * with these values in the columns of these field ids are deleted.
 */
export type IcebergDeletes = { readonly rows: number } & (
  | { readonly type: 'positions' }
  | { readonly type: 'equality'; readonly fields: readonly number[] }
  | { readonly type: 'vector'; readonly of: string; readonly offset: number; readonly bytes: number }
);

const NAME = /^(?:v(\d{1,15})|(\d{1,15})-[^/]+?)(?:\.gz)?\.metadata\.json(?:\.gz)?$/;
const DELETED = 2;

/**
 * Returns the newest file below `metadata/`, by the number in its name, without a catalog.
 * @throws DaisError `not_found`, and `invalid_state` when two files have that number.
 */
export function newestMetadata(table: string, names: readonly string[]): string {
  const found = names.flatMap((name) => {
    const match = NAME.exec(name);
    return match === null ? [] : [{ name, number: Number(match[1] ?? match[2]) }];
  });
  const newest = Math.max(...found.map(({ number }) => number));
  const [first, second] = found.filter(({ number }) => number === newest).map(({ name }) => name);
  if (first === undefined) throw new DaisError('not_found', `${table} is not an Iceberg table: it has no metadata.`);
  if (second === undefined) return first;
  throw new DaisError(
    'invalid_state',
    `The Iceberg table ${table} has two newest metadata files, ${first} and ${second}. Set \`metadata\` to the one that its catalog uses.`,
  );
}

/** @throws DaisError `upstream_failed` for invalid metadata, `invalid_state` for an unsupported version. */
export function parseMetadata(table: string, bytes: Buffer): IcebergMetadata {
  const metadata = parsed(metadataSchema, `The metadata of the Iceberg table ${table}`, () =>
    new JsonReader(bytes, { depth: 64, nan: false }).value(),
  );
  const version = metadata['format-version'];
  if (version >= 1 && version <= 3) return metadata;
  throw refused(`The Iceberg table ${table}`, `is of format version ${version}`, 'Write a copy in format version 2.');
}

/** @throws DaisError `not_found`. */
export function chosenSnapshot(
  table: string,
  metadata: IcebergMetadata,
  requested: string | undefined,
): IcebergSnapshot {
  const chosen = requested ?? metadata['current-snapshot-id'] ?? undefined;
  if (chosen === undefined || (requested === undefined && chosen === '-1')) {
    throw new DaisError('not_found', `The Iceberg table ${table} has no rows yet.`);
  }
  const found = metadata.snapshots?.find((one) => one['snapshot-id'] === chosen);
  if (found !== undefined) return found;
  throw new DaisError(
    'not_found',
    `The Iceberg table ${table} has no snapshot ${chosen}. Check whether it has expired.`,
  );
}

/** Parses the fields of a struct of a schema. @throws DaisError `upstream_failed` */
export function fieldsOf(where: string, value: unknown): readonly SchemaField[] {
  return parsed(inner, `A schema of ${where}`, () => value);
}

/** Parses the records of a manifest list. @throws DaisError `upstream_failed`. */
export function manifestsOf(where: string, records: readonly unknown[]): readonly IcebergManifest[] {
  return records.map((record) => {
    const read = parsed(manifest, where, () => record);
    const { manifest_path: path, content, added_snapshot_id: added, sequence_number: sequence } = read;
    const spec = read.partition_spec_id ?? 0;
    return { path, deletes: (content ?? 0) !== 0, snapshot: added ?? undefined, sequence: sequence ?? 0, spec };
  });
}

/**
 * Returns the live files in the records of a manifest.
 * @throws DaisError `invalid_state` for unsupported features, with a remedy; `upstream_failed` for an invalid manifest.
 */
export function filesOf(where: string, of: IcebergManifest, records: readonly unknown[]): readonly IcebergFile[] {
  return records.flatMap((record): IcebergFile[] => {
    const read = parsed(entry, where, () => record);
    const { status, snapshot_id: came, sequence_number: sequence, data_file: file } = read;
    if (status === DELETED) return [];
    if (file.key_metadata !== undefined && file.key_metadata !== null)
      throw refused(where, 'is encrypted', 'Write an unencrypted copy.');
    const known = {
      path: file.file_path,
      snapshot: came ?? of.snapshot,
      sequence: sequence ?? of.sequence,
      partition: partitionKey(of.spec, file.partition ?? {}),
    };
    const content = file.content ?? 0;
    if (of.deletes || content !== 0) return [{ ...known, deletes: deletesOf(where, file) }];
    requireParquet(where, 'files', file.file_format);
    return [known];
  });
}

type DataFile = z.output<typeof entry>['data_file'];

function deletesOf(where: string, file: DataFile): IcebergDeletes {
  const { content, file_format: format, record_count: rows, referenced_data_file: of } = file;
  if (content === 2) {
    requireParquet(where, 'equality deletes', format);
    const fields = (file.equality_ids ?? []).toSorted((a, b) => a - b);
    if (fields.length > 0) return { type: 'equality', rows: rows ?? 0, fields };
    throw new DaisError('upstream_failed', `${where} has equality deletes without a column.`);
  }
  if (content !== 1)
    throw refused(where, `has files with the content type ${content}`, 'Write a copy in format version 2.');
  if (format.toLowerCase() !== 'puffin') {
    requireParquet(where, 'position deletes', format);
    return { type: 'positions', rows: rows ?? 0 };
  }
  const { content_offset: offset, content_size_in_bytes: bytes } = file;
  if (typeof of !== 'string' || typeof offset !== 'number' || typeof bytes !== 'number' || typeof rows !== 'number')
    throw new DaisError('upstream_failed', `${where} has a deletion vector without a location.`);
  return { type: 'vector', rows, of, offset, bytes };
}

function partitionKey(spec: number, values: Readonly<Record<string, unknown>>): string | undefined {
  const of = Object.entries(values);
  if (of.length === 0) return undefined;
  const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value);
  return JSON.stringify([spec, of.toSorted(([a], [b]) => (a < b ? -1 : 1))], plain);
}

function requireParquet(where: string, what: string, format: string): void {
  if (format.toLowerCase() === 'parquet') return;
  throw refused(where, `has ${what} in the format ${format.slice(0, 40)}`, 'Write them as Parquet.');
}

/** The original location of a table, and its current one. */
export interface Located {
  readonly location: string;
  readonly bucket: string;
  readonly folder: string;
}

/**
 * Returns the key of a file of the table in the bucket. Metadata contain the original location; files are read from the current
 * one.
 * @throws DaisError `invalid_state` for a file outside the table.
 */
export function keyOf(where: string, location: Located, uri: string): string {
  const file = plainUri(uri);
  const before = `${plainUri(location.location).replace(/\/+$/, '')}/`;
  if (file.startsWith(before)) return `${location.folder}/${file.slice(before.length)}`;
  const here = `s3://${location.bucket}/`;
  if (file.startsWith(`${here}${location.folder}/`)) return file.slice(here.length);
  throw refused(
    where,
    `has files outside the table, such as ${uri.slice(0, 300)}`,
    'Copy all its files into one folder.',
  );
}

/** Normalizes the three schemes of a bucket and the forms of a file URI. */
function plainUri(uri: string): string {
  return uri.replace(/^s3[an]:\/\//, 's3://').replace(/^file:\/*/, '/');
}

function parsed<T extends z.ZodType>(shape: T, what: string, read: () => unknown): z.output<T> {
  try {
    return shape.parse(read());
  } catch (error) {
    if (!(error instanceof z.ZodError) && !(error instanceof JsonSyntaxError)) throw error;
    throw new DaisError(
      'upstream_failed',
      `${what} is invalid: the file is damaged, or it is a file of another type.`,
      {
        cause: error,
      },
    );
  }
}

function refused(where: string, what: string, remedy: string): DaisError {
  return new DaisError('invalid_state', `${where} ${what}, which is not supported. ${remedy}`);
}
