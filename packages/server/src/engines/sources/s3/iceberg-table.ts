/** What an Iceberg table says of itself: its metadata, the manifests of a snapshot, and which files have its rows. Pure. */
import { DaisError } from '@dais/api';
import { z } from 'zod';
import { JsonFault, JsonReader } from '#lib/formats/json-reader.ts';

/** Ids of snapshots are 63 bits: text, so that none is taken for its neighbour. */
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
  /** It lists what takes rows away. */
  readonly deletes: boolean;
  readonly snapshot: string | undefined;
  /** How old its files are, where they do not say it themselves. */
  readonly sequence: number;
  /** The way in which its files are partitioned. */
  readonly spec: number;
}

export interface IcebergFile {
  readonly path: string;
  /** The snapshot that it came with. */
  readonly snapshot: string | undefined;
  /** How old it is: what takes rows away reaches files that are as old or older. */
  readonly sequence: number;
  /** The same for files of one partition; undefined where there are none. */
  readonly partition: string | undefined;
  /** Of a file that takes rows away; absent of one that has them. */
  readonly deletes?: IcebergDeletes;
}

/**
 * Row numbers in files, as a Parquet file; those of one file, as a bitmap in a file with others; or values, as a Parquet file: rows
 * that have them in the columns of these numbers are gone.
 */
export type IcebergDeletes = { readonly rows: number } & (
  | { readonly type: 'positions' }
  | { readonly type: 'equality'; readonly fields: readonly number[] }
  | { readonly type: 'vector'; readonly of: string; readonly offset: number; readonly bytes: number }
);

const NAME = /^(?:v(\d{1,15})|(\d{1,15})-[^/]+?)(?:\.gz)?\.metadata\.json(?:\.gz)?$/;
const DELETED = 2;

/**
 * The newest of the files below `metadata/`, by the number in its name: a catalog that knows better is not asked.
 * @throws DaisError `not_found`, and `invalid_state` when two have that number.
 */
export function newestMetadata(table: string, names: readonly string[]): string {
  const found = names.flatMap((name) => {
    const match = NAME.exec(name);
    return match === null ? [] : [{ name, number: Number(match[1] ?? match[2]) }];
  });
  const newest = Math.max(...found.map(({ number }) => number));
  const [first, second] = found.filter(({ number }) => number === newest).map(({ name }) => name);
  if (first === undefined) throw new DaisError('not_found', `${table} is no Iceberg table: it has no metadata.`);
  if (second === undefined) return first;
  throw new DaisError(
    'invalid_state',
    `The Iceberg table ${table} has two newest states, ${first} and ${second}: name the one that its catalog knows in \`metadata\`.`,
  );
}

/** @throws DaisError `upstream_failed` for what is no metadata, `invalid_state` for a version that is not known. */
export function parseMetadata(table: string, bytes: Buffer): IcebergMetadata {
  const metadata = parsed(metadataSchema, `The metadata of the Iceberg table ${table}`, () =>
    new JsonReader(bytes, { depth: 64, nan: false }).value(),
  );
  const version = metadata['format-version'];
  if (version >= 1 && version <= 3) return metadata;
  throw refused(`The Iceberg table ${table}`, `is of format version ${version}`, 'Write a copy in version 2.');
}

/** @throws DaisError `not_found`. */
export function chosenSnapshot(table: string, metadata: IcebergMetadata, wanted: string | undefined): IcebergSnapshot {
  const chosen = wanted ?? metadata['current-snapshot-id'] ?? undefined;
  if (chosen === undefined || (wanted === undefined && chosen === '-1')) {
    throw new DaisError('not_found', `The Iceberg table ${table} has no rows yet.`);
  }
  const found = metadata.snapshots?.find((one) => one['snapshot-id'] === chosen);
  if (found !== undefined) return found;
  throw new DaisError('not_found', `The Iceberg table ${table} has no snapshot ${chosen}: was it expired?`);
}

/** The fields of a struct, of the text of a schema. @throws DaisError `upstream_failed` */
export function fieldsOf(where: string, value: unknown): readonly SchemaField[] {
  return parsed(inner, `A schema of ${where}`, () => value);
}

/** Of the records of a manifest list. @throws DaisError `upstream_failed`. */
export function manifestsOf(where: string, records: readonly unknown[]): readonly IcebergManifest[] {
  return records.map((record) => {
    const read = parsed(manifest, where, () => record);
    const { manifest_path: path, content, added_snapshot_id: added, sequence_number: sequence } = read;
    const spec = read.partition_spec_id ?? 0;
    return { path, deletes: (content ?? 0) !== 0, snapshot: added ?? undefined, sequence: sequence ?? 0, spec };
  });
}

/**
 * The files that the records of a manifest say are there.
 * @throws DaisError `invalid_state` for what is not read, saying what to change; `upstream_failed` for a broken manifest.
 */
export function filesOf(where: string, of: IcebergManifest, records: readonly unknown[]): readonly IcebergFile[] {
  return records.flatMap((record): IcebergFile[] => {
    const read = parsed(entry, where, () => record);
    const { status, snapshot_id: came, sequence_number: sequence, data_file: file } = read;
    if (status === DELETED) return [];
    if (file.key_metadata !== undefined && file.key_metadata !== null)
      throw refused(where, 'is encrypted', 'Write a copy that is not.');
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
    throw new DaisError('upstream_failed', `${where} has equality deletes that name no column.`);
  }
  if (content !== 1) throw refused(where, `has files of the kind ${content}`, 'Write a copy in version 2.');
  if (format.toLowerCase() !== 'puffin') {
    requireParquet(where, 'position deletes', format);
    return { type: 'positions', rows: rows ?? 0 };
  }
  const { content_offset: offset, content_size_in_bytes: bytes } = file;
  if (typeof of !== 'string' || typeof offset !== 'number' || typeof bytes !== 'number' || typeof rows !== 'number')
    throw new DaisError('upstream_failed', `${where} has a deletion vector of which nothing says where it lies.`);
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
  throw refused(where, `has ${what} that are written as ${format.slice(0, 40)}`, 'Write them as Parquet.');
}

/** Where a table was when it was written, and where it is. */
export interface Located {
  readonly location: string;
  readonly bucket: string;
  readonly folder: string;
}

/**
 * Where in the bucket a file of the table lies. The table says where it was when it was written; it is read where it is now.
 * @throws DaisError `invalid_state` for what lies elsewhere.
 */
export function keyOf(where: string, place: Located, uri: string): string {
  const file = plainUri(uri);
  const before = `${plainUri(place.location).replace(/\/+$/, '')}/`;
  if (file.startsWith(before)) return `${place.folder}/${file.slice(before.length)}`;
  const here = `s3://${place.bucket}/`;
  if (file.startsWith(`${here}${place.folder}/`)) return file.slice(here.length);
  throw refused(where, `has files outside of the table, such as ${uri.slice(0, 300)}`, 'Copy it into one folder.');
}

/** One bucket has three names, and one folder four. */
function plainUri(uri: string): string {
  return uri.replace(/^s3[an]:\/\//, 's3://').replace(/^file:\/*/, '/');
}

function parsed<T extends z.ZodType>(shape: T, what: string, read: () => unknown): z.output<T> {
  try {
    return shape.parse(read());
  } catch (error) {
    if (!(error instanceof z.ZodError) && !(error instanceof JsonFault)) throw error;
    throw new DaisError('upstream_failed', `${what} is not as it should be: it is broken, or no such file.`, {
      cause: error,
    });
  }
}

function refused(where: string, what: string, remedy: string): DaisError {
  return new DaisError('invalid_state', `${where} ${what}: that is not read. ${remedy}`);
}
