/** Maps the columns of a Delta table to those of its files. Pure. */
import { DaisError } from '@dais/api';
import { z } from 'zod';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import type { ShapedColumn } from '#engines/query/model/parquet-shape.ts';
import type { DeltaFile, DeltaMetaData, DeltaProtocol, DeltaSnapshot } from './delta-log.ts';
import { partitionValue } from '../partition-value.ts';

/** Features that change neither the rows nor how their Parquet files are read. */
const HARMLESS: ReadonlySet<string> = new Set([
  'appendOnly',
  'invariants',
  'checkConstraints',
  'changeDataFeed',
  'generatedColumns',
  'identityColumns',
  'timestampNtz',
  'vacuumProtocolCheck',
  'v2Checkpoint',
  'domainMetadata',
  'inCommitTimestamp',
  'rowTracking',
]);
/** Supported features. */
const READ: ReadonlySet<string> = new Set(['columnMapping', 'deletionVectors', 'typeWidening']);

const field = z.looseObject({
  name: z.string().min(1),
  type: z.unknown(),
  metadata: z.record(z.string(), z.unknown()).default({}),
});
const schema = z.looseObject({ type: z.literal('struct'), fields: z.array(field) });
type Field = z.output<typeof field>;

const PRIMITIVES: Readonly<Record<string, ColumnType>> = {
  string: 'string',
  long: 'int64',
  integer: 'int32',
  short: 'int16',
  byte: 'int8',
  float: 'float32',
  double: 'float64',
  boolean: 'boolean',
  binary: 'binary',
  date: 'date',
  timestamp: 'timestamp',
  timestamp_ntz: 'timestamp',
};
const PHYSICAL = 'delta.columnMapping.physicalName';
const FIELD_ID = 'delta.columnMapping.id';
/** Maximum nesting of types. */
const DEEPEST = 16;

export interface DeltaShape {
  readonly columns: readonly ShapedColumn[];
  /** Constant values of a file, by their number in `columns`. */
  readonly values: (file: DeltaFile) => readonly (string | null)[];
}

/**
 * Returns the mapping from files to rows of a version; undefined if the files are the rows. @throws DaisError `invalid_state`
 * for unsupported features, with a remedy; `upstream_failed` for an invalid log.
 */
export function shapeOf(table: string, { version, protocol, metaData, files }: DeltaSnapshot): DeltaShape | undefined {
  const where = `Version ${version} of the Delta table ${table}`;
  requireReadable(where, protocol, metaData);
  const mapping = metaData.configuration?.['delta.columnMapping.mode'] ?? 'none';
  if (mapping !== 'none' && mapping !== 'name' && mapping !== 'id')
    throw refused(where, `maps columns by ${mapping.slice(0, 40)}`, 'Write a copy without the mapping.');
  const { partitionColumns } = metaData;
  const widened = (protocol.readerFeatures ?? []).includes('typeWidening');
  const asTheyAre = mapping === 'none' && partitionColumns.length === 0 && !widened;
  if (asTheyAre && files.every(({ deletions }) => deletions === undefined)) return undefined;

  const fields = fieldsOf(where, metaData.schemaString);
  const partitions = new Map(partitionColumns.map((name, at) => [name, at]));
  const keys = partitionColumns.map((name) => {
    const found = fields.find((one) => one.name === name);
    if (found === undefined) throw broken(where, `is partitioned by ${name}, which is not in its schema`);
    return { name, key: mapping === 'none' ? name : physicalName(where, found), type: typeOf(where, found) };
  });
  const columns = fields.map((one): ShapedColumn => {
    const { name } = one;
    const type = typeOf(where, one);
    const value = partitions.get(name);
    if (value !== undefined) return { name, type, from: { value } };
    if (mapping === 'none') return { name, type, from: { column: name } };
    requirePlainInside(where, one);
    if (mapping === 'name') return { name, type, from: { column: physicalName(where, one) } };
    const id = one.metadata[FIELD_ID];
    if (typeof id !== 'number') throw broken(where, `maps columns by id, and ${name} has no id`);
    return { name, type, from: { field: id } };
  });
  const values = ({ path, partition }: DeltaFile) =>
    keys.map(({ name, key, type }) => {
      const text = partition[key];
      if (text === undefined) throw broken(where, `has the file ${path} without a value for ${name}`);
      const value = partitionValue(type, text);
      if (value !== undefined) return value;
      throw broken(where, `has the file ${path} with a value for ${name} that is not of type ${type}`);
    });
  return { columns, values };
}

function requireReadable(where: string, protocol: DeltaProtocol, { format }: DeltaMetaData): void {
  const { minReaderVersion, readerFeatures } = protocol;
  const unsupported = (readerFeatures ?? []).filter((feature) => !HARMLESS.has(feature) && !READ.has(feature));
  if (unsupported.length > 0)
    throw refused(where, `needs the table features ${unsupported.join(', ')}`, 'Write a copy without them.');
  if (minReaderVersion < 1 || minReaderVersion > 3)
    throw refused(where, `needs reader version ${minReaderVersion}`, 'Write a copy with reader version 3 or lower.');
  const provider = format?.provider ?? 'parquet';
  if (provider !== 'parquet') throw refused(where, `has files in the format ${provider}`, 'Write it as Parquet.');
}

function fieldsOf(where: string, schemaString: string): readonly Field[] {
  let value: unknown;
  try {
    value = JSON.parse(schemaString);
  } catch {
    value = undefined;
  }
  const read = schema.safeParse(value);
  if (!read.success) throw broken(where, 'has an invalid schema');
  return read.data.fields;
}

function physicalName(where: string, { name, metadata }: Field): string {
  const physical = metadata[PHYSICAL];
  if (typeof physical === 'string' && physical !== '') return physical;
  throw broken(where, `maps columns by name, and ${name} has no physical name`);
}

/** Columns are found by their names in the files, but nested fields by their names in the table. */
function requirePlainInside(where: string, { name, type }: Field): void {
  const inside = (value: unknown, depth: number): void => {
    if (typeof value !== 'object' || value === null || depth > DEEPEST) return;
    const { fields, elementType, keyType, valueType } = value as Readonly<Record<string, unknown>>;
    for (const one of Array.isArray(fields) ? fields : []) {
      const read = field.safeParse(one);
      if (!read.success) throw broken(where, 'has an invalid schema');
      if (physicalName(where, read.data) !== read.data.name) {
        const what = `maps ${read.data.name} inside the column ${name}`;
        throw refused(where, what, 'Write a copy without the mapping.');
      }
      inside(read.data.type, depth + 1);
    }
    for (const one of [elementType, keyType, valueType]) inside(one, depth + 1);
  };
  inside(type, 0);
}

function typeOf(where: string, { name, type }: Field): ColumnType {
  const read = (value: unknown, depth: number): string => {
    if (depth > DEEPEST) throw refused(where, `has the column ${name} with too deeply nested types`, 'Flatten it.');
    if (typeof value === 'string') {
      const decimal = /^decimal\((\d{1,2}), ?(\d{1,2})\)$/.exec(value);
      if (decimal !== null) return `decimal(${decimal[1]},${decimal[2]})`;
      if (value === 'decimal') return 'decimal(10,0)';
      if (Object.hasOwn(PRIMITIVES, value)) return PRIMITIVES[value] ?? 'string';
    } else if (typeof value === 'object' && value !== null) {
      const { type: kind, fields, elementType, keyType, valueType } = value as Readonly<Record<string, unknown>>;
      if (kind === 'array') return `list<${read(elementType, depth + 1)}>`;
      if (kind === 'map') return `map<${read(keyType, depth + 1)},${read(valueType, depth + 1)}>`;
      const inner = kind === 'struct' ? z.array(field).min(1).safeParse(fields) : undefined;
      if (inner?.success === true) {
        return `struct<${inner.data.map((one) => `${quoted(one.name)}:${read(one.type, depth + 1)}`).join(',')}>`;
      }
    }
    const typeName = typeof value === 'string' ? value.slice(0, 40) : 'an unknown type';
    throw refused(where, `has the column ${name} of type ${typeName}`, 'Write a copy with a type that Parquet has.');
  };
  return read(type, 0) as ColumnType;
}

function quoted(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name);
}

function broken(where: string, what: string): DaisError {
  return new DaisError('upstream_failed', `${where} ${what}: its log is invalid.`);
}

function refused(where: string, what: string, remedy: string): DaisError {
  return new DaisError('invalid_state', `${where} ${what}, which is not supported. ${remedy}`);
}
