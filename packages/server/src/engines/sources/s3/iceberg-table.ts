/** What an Iceberg table says of itself: its metadata, the manifests of a snapshot, and which files are its rows. Pure. */
import { DaisError } from '@dais/api';
import { z } from 'zod';
import { JsonFault, JsonReader } from '#lib/json-reader.ts';

/** Ids of snapshots are 63 bits: text, so that none is taken for its neighbour. */
const id = z.union([z.int(), z.bigint()]).transform(String);
const field: z.ZodType<SchemaField> = z.looseObject({
  id: z.int(),
  name: z.string(),
  type: z.unknown(),
  'initial-default': z.unknown().optional(),
});
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
});
const entry = z.looseObject({
  status: z.int(),
  snapshot_id: id.nullish(),
  data_file: z.looseObject({
    content: z.int().nullish(),
    file_path: z.string(),
    file_format: z.string(),
    key_metadata: z.unknown().optional(),
  }),
});

interface SchemaField {
  readonly id: number;
  readonly name: string;
  readonly type?: unknown;
  readonly 'initial-default'?: unknown;
}

type TableSchema = z.output<typeof schema>;
export type IcebergMetadata = z.output<typeof metadataSchema>;
export type IcebergSnapshot = z.output<typeof snapshot>;

export interface IcebergManifest {
  readonly path: string;
  /** It lists what takes rows away. */
  readonly deletes: boolean;
  readonly snapshot: string | undefined;
}

export interface IcebergFile {
  readonly path: string;
  /** The snapshot that it came with. */
  readonly snapshot: string | undefined;
}

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

/** Of the records of a manifest list. @throws DaisError `upstream_failed`. */
export function manifestsOf(where: string, records: readonly unknown[]): readonly IcebergManifest[] {
  return records.map((record) => {
    const { manifest_path: path, content, added_snapshot_id: added } = parsed(manifest, where, () => record);
    return { path, deletes: (content ?? 0) !== 0, snapshot: added ?? undefined };
  });
}

/**
 * The data files that the records of a manifest say are there.
 * @throws DaisError `invalid_state` for what is not read, saying what to change; `upstream_failed` for a broken manifest.
 */
export function filesOf(
  where: string,
  { deletes, snapshot: added }: IcebergManifest,
  records: readonly unknown[],
): readonly IcebergFile[] {
  return records.flatMap((record) => {
    const { status, snapshot_id: came, data_file: file } = parsed(entry, where, () => record);
    if (status === DELETED) return [];
    const content = file.content ?? 0;
    if (deletes || content !== 0) {
      const what = content === 2 ? 'equality deletes' : 'position deletes';
      const remedy =
        'Rewrite its data files (`rewrite_data_files` with `delete-file-threshold` 1), or write copies on change.';
      throw refused(where, `has ${what}`, remedy);
    }
    if (file.file_format.toLowerCase() !== 'parquet')
      throw refused(where, `has files that are written as ${file.file_format.slice(0, 40)}`, 'Write them as Parquet.');
    if (file.key_metadata !== undefined && file.key_metadata !== null)
      throw refused(where, 'is encrypted', 'Write a copy that is not.');
    return [{ path: file.file_path, snapshot: came ?? added }];
  });
}

/**
 * Columns are found by name in the files, and by number in the table: both must mean the same for every file.
 * @throws DaisError `invalid_state`, with the columns that do not.
 */
export function requireSameNames(
  where: string,
  metadata: IcebergMetadata,
  chosen: IcebergSnapshot,
  files: readonly IcebergFile[],
): void {
  const schemas = metadata.schemas ?? (metadata.schema ? [metadata.schema] : []);
  const byId = new Map(schemas.map((one) => [one['schema-id'], one]));
  const current = byId.get(chosen['schema-id'] ?? metadata['current-schema-id'] ?? 0);
  if (current === undefined) throw new DaisError('upstream_failed', `${where} has no schema.`);
  const writtenWith = new Map(
    (metadata.snapshots ?? []).map((one) => [one['snapshot-id'], one['schema-id'] ?? undefined]),
  );
  const seen = new Set<TableSchema>();
  for (const { snapshot: came } of files) {
    const known = byId.get(writtenWith.get(came ?? '') ?? -1);
    // Where nobody knows any more how a file was written, it may have been in any of the ways.
    for (const one of known === undefined ? schemas : [known]) seen.add(one);
  }
  const now = namesOf(current.fields);
  for (const one of seen) requireSame(where, namesOf(one.fields), now);
}

interface NamedField {
  readonly path: string;
  readonly filled: boolean;
}

function requireSame(where: string, then: ReadonlyMap<number, NamedField>, now: ReadonlyMap<number, NamedField>): void {
  const remedy = 'Rewrite its data files with the present schema (`rewrite_data_files` with `rewrite-all`).';
  const before = new Map([...then].map(([number, { path }]) => [path, number]));
  for (const [number, { path, filled }] of now) {
    const known = then.get(number);
    if (known !== undefined && known.path !== path)
      throw refused(where, `has files in which the column ${path} is called ${known.path}`, remedy);
    const other = before.get(path);
    if (other !== undefined && other !== number)
      throw refused(where, `has files in which ${path} is another column, which was dropped`, remedy);
    if (known === undefined && filled)
      throw refused(where, `has files without the column ${path}, which has a default`, remedy);
  }
}

/** By their numbers: the path of each field, those within others too. */
function namesOf(fields: readonly SchemaField[]): ReadonlyMap<number, NamedField> {
  const names = new Map<number, NamedField>();
  const visit = (type: unknown, above: string): void => {
    if (typeof type !== 'object' || type === null) return;
    const { type: kind, fields: inner, element, key, value } = type as Readonly<Record<string, unknown>>;
    if (kind === 'struct' && Array.isArray(inner)) {
      for (const one of inner as readonly SchemaField[]) add(one, `${above}.`);
    } else if (kind === 'list') visit(element, `${above}[]`);
    else if (kind === 'map') {
      visit(key, `${above}{key}`);
      visit(value, `${above}{}`);
    }
  };
  const add = (one: SchemaField, above: string) => {
    const path = `${above}${one.name}`;
    const filled = one['initial-default'] !== undefined && one['initial-default'] !== null;
    names.set(one.id, { path, filled });
    visit(one.type, path);
  };
  for (const one of fields) add(one, '');
  return names;
}

/**
 * Where in the bucket a file of the table lies. The table says where it was when it was written; it is read where it is now.
 * @throws DaisError `invalid_state` for what lies elsewhere.
 */
export function keyOf(
  where: string,
  place: { readonly location: string; readonly bucket: string; readonly folder: string },
  uri: string,
): string {
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
