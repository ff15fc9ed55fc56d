import { expect, test } from 'vitest';
import type { DeltaFile, DeltaMetaData, DeltaProtocol } from './delta-log.ts';
import { shapeOf } from './delta-schema.ts';
import { refusal } from '../refusal.testing.ts';

const field = (name: string, type: unknown, metadata = {}) => ({ name, type, nullable: true, metadata });
const id = field('id', 'long');
const word = field('word', 'string');
const file: DeltaFile = { path: 'a.parquet', partition: {}, deletions: undefined };
const deletions = { storageType: 'u', pathOrInlineDv: 'x', offset: 1, sizeInBytes: 1, cardinality: 1 };
const mapped = (mode: string) => ({ configuration: { 'delta.columnMapping.mode': mode } });
const called = (name: string, type: unknown, physical: string, number: number) =>
  field(name, type, { 'delta.columnMapping.physicalName': physical, 'delta.columnMapping.id': number });

function shape(
  fields: readonly object[],
  more: Partial<DeltaMetaData> = {},
  files: readonly DeltaFile[] = [file],
  protocol: DeltaProtocol = { minReaderVersion: 1 },
) {
  const schemaString = JSON.stringify({ type: 'struct', fields });
  const metaData = { schemaString, partitionColumns: [], ...more };
  return shapeOf('s3://lake/t', { version: 3, protocol, metaData, files });
}

test('a plain table has no shape', () => {
  expect(shape([id, word])).toBeUndefined();
  const features = { minReaderVersion: 3, readerFeatures: ['timestampNtz', 'deletionVectors', 'columnMapping'] };
  expect(shape([id, word], mapped('none'), [file], features)).toBeUndefined();
  expect(shape([id], {}, [{ ...file, deletions }])?.columns).toEqual([
    { name: 'id', type: 'int64', from: { column: 'id' } },
  ]);
});

test('returns partition columns in table order, with the values of each file', () => {
  const made = shape([field('day', 'date'), id, word], { partitionColumns: ['word', 'day'] });
  expect(made?.columns).toEqual([
    { name: 'day', type: 'date', from: { value: 1 } },
    { name: 'id', type: 'int64', from: { column: 'id' } },
    { name: 'word', type: 'string', from: { value: 0 } },
  ]);
  expect(made?.values({ ...file, partition: { day: '2026-11-01', word: '' } })).toEqual([null, '2026-11-01']);
  const bad = refusal(() => made?.values({ ...file, partition: { day: 'today', word: null } }));
  expect(bad).toMatch(/^upstream_failed: Version 3 .*a\.parquet with a value for day that is not of type date/);
  expect(refusal(() => made?.values({ ...file, partition: { word: 'x' } }))).toContain('without a value for day');
});

test('finds mapped columns by their names in the files', () => {
  const fields = [called('id', 'long', 'col-1', 1), called('word', 'string', 'col-2', 2)];
  const byName = shape(fields, { ...mapped('name'), partitionColumns: ['word'] });
  expect(byName?.columns.map(({ from }) => from)).toEqual([{ column: 'col-1' }, { value: 0 }]);
  expect(byName?.values({ ...file, partition: { 'col-2': 'x' } })).toEqual(['x']);
  expect(shape(fields, mapped('id'))?.columns.map(({ from }) => from)).toEqual([{ field: 1 }, { field: 2 }]);
});

test('maps types of the table to column types', () => {
  const inner = { type: 'struct', fields: [field('a b', 'integer'), field('c', 'decimal(10,2)')] };
  const fields = [
    ...['string', 'short', 'byte', 'float', 'double', 'boolean', 'binary', 'timestamp', 'timestamp_ntz'].map(
      (type, at) => field(`f${at}`, type),
    ),
    field('list', { type: 'array', elementType: inner, containsNull: true }),
    field('map', { type: 'map', keyType: 'string', valueType: 'double', valueContainsNull: true }),
  ];
  expect(shape(fields, {}, [{ ...file, deletions }])?.columns.map(({ type }) => type)).toEqual([
    'string',
    'int16',
    'int8',
    'float32',
    'float64',
    'boolean',
    'binary',
    'timestamp',
    'timestamp',
    'list<struct<"a b":int32,c:decimal(10,2)>>',
    'map<string,float64>',
  ]);
});

const deep = (levels: number): unknown =>
  levels === 0 ? 'string' : { type: 'array', elementType: deep(levels - 1), containsNull: true };

test.each<[string, readonly object[], Partial<DeltaMetaData>, DeltaProtocol, string]>([
  [
    'a feature',
    [id],
    {},
    { minReaderVersion: 3, readerFeatures: ['variantType'] },
    'needs the table features variantType',
  ],
  ['a future reader version', [id], {}, { minReaderVersion: 4 }, 'reader version 4'],
  ['another format', [id], { format: { provider: 'orc' } }, { minReaderVersion: 1 }, 'in the format orc'],
  ['another mapping', [id], mapped('hash'), { minReaderVersion: 2 }, 'maps columns by hash'],
  ['another type', [field('v', 'void')], { partitionColumns: ['v'] }, { minReaderVersion: 1 }, 'column v of type void'],
  ['types too deep', [field('d', deep(40)), id], { partitionColumns: ['id'] }, { minReaderVersion: 1 }, 'column d'],
  [
    'mapped nested columns',
    [called('s', { type: 'struct', fields: [called('a', 'long', 'col-2', 2)] }, 'col-1', 1)],
    mapped('name'),
    { minReaderVersion: 2 },
    'maps a inside the column s',
  ],
])('rejects %s with a remedy', (_, fields, more, protocol, words) => {
  const message = refusal(() => shape(fields, more, [file], protocol));
  expect(message).toMatch(/^invalid_state: Version 3 of the Delta table/);
  expect(message).toContain(words);
});

test('reports an invalid schema', () => {
  const parted = { partitionColumns: ['id'] };
  expect(refusal(() => shape([word], parted))).toMatch(/^upstream_failed: .*partitioned by id/);
  expect(refusal(() => shape([{ type: 'long' }], parted))).toMatch(/^upstream_failed: .*an invalid schema/);
  expect(refusal(() => shape([id], mapped('name')))).toMatch(/^upstream_failed: .*id has no physical name/);
  expect(refusal(() => shape([], { ...parted, schemaString: '{' }))).toContain('an invalid schema');
});
