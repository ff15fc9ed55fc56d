/** Maps the columns of an Iceberg table, by field id, to those of its files. Pure. */
import { DaisError } from '@dais/api';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import type { ShapedColumn } from '#engines/query/model/parquet-shape.ts';
import {
  fieldsOf,
  type IcebergFile,
  type IcebergMetadata,
  type IcebergSnapshot,
  type SchemaField,
  type TableSchema,
} from './iceberg-table.ts';
import { partitionValue } from '../partition-value.ts';

/** How the columns of a table are found in its files: by name if every file uses the names of the table, else by field id. */
export interface IcebergColumns {
  readonly fields: readonly SchemaField[];
  readonly by: 'name' | 'number';
}

/**
 * Files may be read by name, while the table uses field ids: names are used only if both are equivalent for every file.
 * @throws DaisError `invalid_state` for renamed nested columns; `upstream_failed` for a missing schema.
 */
export function columnsOf(
  where: string,
  metadata: IcebergMetadata,
  chosen: IcebergSnapshot,
  files: readonly IcebergFile[],
): IcebergColumns {
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
    // If the schema of a file is unknown, it may be any of the schemas.
    for (const one of known === undefined ? schemas : [known]) seen.add(one);
  }
  const now = namesOf(where, current.fields);
  const differ = [...seen].filter((one) => !sameNames(where, namesOf(where, one.fields), now));
  return { fields: current.fields, by: differ.length === 0 ? 'name' : 'number' };
}

interface NamedField {
  /** Field id of its top-level column; its own id for a column. */
  readonly column: number;
  /** Path below the column. */
  readonly path: string;
  /** Full path, for messages. */
  readonly named: string;
  readonly filled: boolean;
}

/** @throws DaisError for a difference in a nested column. */
function sameNames(
  where: string,
  then: ReadonlyMap<number, NamedField>,
  now: ReadonlyMap<number, NamedField>,
): boolean {
  const remedy = 'Rewrite its data files with the current schema (`rewrite_data_files` with `rewrite-all`).';
  const before = new Map([...then].map(([number, { column, path, named }]) => [keyOf(column, path, named), number]));
  let same = true;
  for (const [number, { column, path, named, filled }] of now) {
    const known = then.get(number);
    const inside = column !== number;
    if (known !== undefined && (inside ? known.path !== path : known.named !== named)) {
      if (inside)
        throw refused(where, `has files in which the nested column ${named} has the name ${known.named}`, remedy);
      same = false;
    }
    const other = before.get(keyOf(column, path, named));
    if (other !== undefined && other !== number) {
      if (inside) throw refused(where, `has files in which ${named} is a different column that was dropped`, remedy);
      same = false;
    }
    if (known === undefined && filled) {
      if (inside)
        throw refused(where, `has files without the nested column ${named}, which has a default value`, remedy);
      same = false;
    }
  }
  return same;
}

/** Columns are compared by name, nested fields within their column. */
function keyOf(column: number, path: string, named: string): string {
  return path === '' ? named : `${column}\n${path}`;
}

/** Maps field ids to columns and nested fields. */
function namesOf(where: string, fields: readonly SchemaField[]): ReadonlyMap<number, NamedField> {
  const names = new Map<number, NamedField>();
  const add = (
    one: SchemaField,
    above?: { readonly column: number; readonly path: string; readonly named: string },
  ) => {
    const filled = one['initial-default'] !== undefined && one['initial-default'] !== null;
    const column = above?.column ?? one.id;
    const path = above === undefined ? '' : `${above.path}.${one.name}`;
    const named = above === undefined ? one.name : `${above.named}.${one.name}`;
    names.set(one.id, { column, path, named, filled });
    visit(one.type, { column, path, named });
  };
  const visit = (type: unknown, above: { readonly column: number; readonly path: string; readonly named: string }) => {
    if (typeof type !== 'object' || type === null) return;
    const { type: kind, fields: within, element, key, value } = type as Readonly<Record<string, unknown>>;
    const deeper = (mark: string) => ({ ...above, path: `${above.path}${mark}`, named: `${above.named}${mark}` });
    if (kind === 'struct') for (const one of fieldsOf(where, within)) add(one, above);
    else if (kind === 'list') visit(element, deeper('[]'));
    else if (kind === 'map') {
      visit(key, deeper('{key}'));
      visit(value, deeper('{}'));
    }
  };
  for (const one of fields) add(one);
  return names;
}

const PRIMITIVES: Readonly<Record<string, ColumnType>> = {
  boolean: 'boolean',
  int: 'int32',
  long: 'int64',
  float: 'float32',
  double: 'float64',
  date: 'date',
  time: 'time',
  timestamp: 'timestamp',
  timestamptz: 'timestamp',
  timestamp_ns: 'timestamp',
  timestamptz_ns: 'timestamp',
  string: 'string',
  uuid: 'string',
  binary: 'binary',
};
/** Maximum nesting of types. */
const DEEPEST = 16;

/** Returns the columns of the files. @throws DaisError `invalid_state` for an unsupported type. */
export function shapeOf(where: string, { fields, by }: IcebergColumns): readonly ShapedColumn[] {
  return fields.map((one): ShapedColumn => {
    const { name, id } = one;
    const type = typeOf(where, one);
    if (by === 'name') return { name, type, from: { column: name } };
    const otherwise = defaultOf(where, one, type);
    return { name, type, from: { field: id, ...(otherwise !== undefined && { otherwise }) } };
  });
}

/** Default value for files that are older than the column. */
function defaultOf(where: string, field: SchemaField, type: ColumnType): string | undefined {
  const value = field['initial-default'] ?? undefined;
  if (value === undefined) return undefined;
  const plain =
    typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean';
  const given = plain ? String(value) : '';
  if (type === 'string') return given;
  if (type === 'binary' && /^(?:[0-9a-f]{2})*$/i.test(given)) return Buffer.from(given, 'hex').toString('base64');
  const read = type === 'binary' ? undefined : partitionValue(type, given);
  if (read !== undefined && read !== null) return read;
  throw refused(where, `has the column ${field.name} with an unsupported default value`, 'Rewrite its data files.');
}

function typeOf(where: string, field: SchemaField): ColumnType {
  const read = (value: unknown, depth: number): string => {
    if (depth > DEEPEST)
      throw refused(where, `has the column ${field.name} with too deeply nested types`, 'Flatten it.');
    if (typeof value === 'string') {
      const decimal = /^decimal\((\d{1,2}), ?(\d{1,2})\)$/.exec(value);
      if (decimal !== null) return `decimal(${decimal[1]},${decimal[2]})`;
      if (/^fixed\[\d+\]$/.test(value)) return 'binary';
      if (Object.hasOwn(PRIMITIVES, value)) return PRIMITIVES[value] ?? 'string';
    } else if (typeof value === 'object' && value !== null) {
      const { type: kind, fields, element, key, value: of } = value as Readonly<Record<string, unknown>>;
      if (kind === 'list') return `list<${read(element, depth + 1)}>`;
      if (kind === 'map') return `map<${read(key, depth + 1)},${read(of, depth + 1)}>`;
      if (kind === 'struct') {
        const inner = fieldsOf(where, fields).map(({ name, type }) => `${quoted(name)}:${read(type, depth + 1)}`);
        return `struct<${inner.join(',')}>`;
      }
    }
    const typeName = typeof value === 'string' ? value.slice(0, 40) : 'an unknown type';
    throw refused(
      where,
      `has the column ${field.name} of type ${typeName}`,
      'Write a copy with a type that Parquet has.',
    );
  };
  return read(field.type, 0) as ColumnType;
}

function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

function refused(where: string, what: string, remedy: string): DaisError {
  return new DaisError('invalid_state', `${where} ${what}, which is not supported. ${remedy}`);
}
