import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import {
  chosenSnapshot,
  filesOf,
  keyOf,
  manifestsOf,
  newestMetadata,
  parseMetadata,
  requireSameNames,
} from './iceberg-table.ts';

const TABLE = 's3://lake/t';
const FIRST = '3475017391548144385';
const SECOND = '3475017391548144386';
const schema = (id: number, ...fields: readonly object[]) => ({ 'schema-id': id, type: 'struct', fields });
const named = (id: number, name: string, more = {}) => ({ id, name, required: false, type: 'string', ...more });

function metadata(more: Readonly<Record<string, unknown>> = {}) {
  const text = JSON.stringify({
    'format-version': 2,
    location: 's3://lake/t',
    'current-snapshot-id': '@2',
    'current-schema-id': 0,
    schemas: [schema(0, named(1, 'id'))],
    snapshots: [
      { 'snapshot-id': '@1', 'schema-id': 0, 'manifest-list': 's3://lake/t/metadata/1.avro' },
      { 'snapshot-id': '@2', 'schema-id': 0, 'manifest-list': 's3://lake/t/metadata/2.avro' },
    ],
    ...more,
  });
  // Ids stand there as numbers that no double holds.
  return parseMetadata(TABLE, Buffer.from(text.replaceAll('"@1"', FIRST).replaceAll('"@2"', SECOND)));
}

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return error instanceof DaisError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'taken';
}

test('the newest state is found by its number, with and without a catalog', () => {
  expect(newestMetadata(TABLE, ['version-hint.text', 'v9.metadata.json', 'v10.metadata.json', 'x.avro'])).toBe(
    'v10.metadata.json',
  );
  const names = ['00009-a.metadata.json', '00010-b.gz.metadata.json', 'v3.gz.metadata.json'];
  expect(newestMetadata(TABLE, names)).toBe('00010-b.gz.metadata.json');
  expect(refusal(() => newestMetadata(TABLE, ['a.metadata.json', 'deep/v1.metadata.json']))).toContain('not_found');
  const two = refusal(() => newestMetadata(TABLE, ['00001-a.metadata.json', '00001-b.metadata.json']));
  expect(two).toMatch(/^invalid_state: .*00001-a.*00001-b.*`metadata`/);
});

test('a snapshot is found by its id to the last digit', () => {
  expect(chosenSnapshot(TABLE, metadata(), undefined)['snapshot-id']).toBe(SECOND);
  expect(chosenSnapshot(TABLE, metadata(), FIRST)['manifest-list']).toBe('s3://lake/t/metadata/1.avro');
  expect(refusal(() => chosenSnapshot(TABLE, metadata(), '3475017391548144384'))).toMatch(/^not_found: .*expired/);
  for (const none of [null, -1])
    expect(refusal(() => chosenSnapshot(TABLE, metadata({ 'current-snapshot-id': none }), undefined))).toMatch(
      /^not_found: .*no rows/,
    );
});

test('what is no metadata is told', () => {
  for (const text of ['', '{', '[]', '{"format-version":2}', '{"format-version":2,"location":7}'])
    expect(refusal(() => parseMetadata(TABLE, Buffer.from(text)))).toContain('upstream_failed');
  expect(refusal(() => metadata({ 'format-version': 4 }))).toMatch(/^invalid_state: .*format version 4/);
});

const data = (more = {}, status = 1) => ({
  status,
  snapshot_id: null,
  data_file: { content: 0, file_path: 's3://lake/t/data/a.parquet', file_format: 'PARQUET', ...more },
});
const manifest = { path: 'm', deletes: false, snapshot: FIRST };

test('files that are there, with the snapshot that they came with', () => {
  const own = { ...data({ file_path: 'b' }, 0), snapshot_id: 3_475_017_391_548_144_386n };
  expect(filesOf(TABLE, manifest, [data(), own, data({}, 2)])).toEqual([
    { path: 's3://lake/t/data/a.parquet', snapshot: FIRST },
    { path: 'b', snapshot: SECOND },
  ]);
  expect(
    manifestsOf(TABLE, [{ manifest_path: 'm' }, { manifest_path: 'd', content: 1, added_snapshot_id: 5 }]),
  ).toEqual([
    { path: 'm', deletes: false, snapshot: undefined },
    { path: 'd', deletes: true, snapshot: '5' },
  ]);
  // Deletes that a later snapshot took away again change nothing.
  expect(filesOf(TABLE, { ...manifest, deletes: true }, [data({ content: 1 }, 2)])).toEqual([]);
});

test.each([
  ['position deletes', { ...manifest, deletes: true }, data({ content: 1 }), 'has position deletes'],
  ['deletion vectors', { ...manifest, deletes: true }, data({ content: 1, file_format: 'PUFFIN' }), 'position deletes'],
  ['equality deletes', { ...manifest, deletes: true }, data({ content: 2 }), 'has equality deletes'],
  ['deletes among data', manifest, data({ content: 2 }), 'has equality deletes'],
  ['another format', manifest, data({ file_format: 'ORC' }), 'written as ORC'],
  ['a key', manifest, data({ key_metadata: Buffer.from('k') }), 'encrypted'],
])('%s: refused with what to do', (_, of, record, words) => {
  const told = refusal(() => filesOf(TABLE, of, [record]));
  expect(told).toContain('invalid_state');
  expect(told).toContain(words);
});

test('a record that is none is told', () => {
  expect(refusal(() => filesOf('A manifest', manifest, [{ status: 1 }]))).toMatch(/^upstream_failed: A manifest/);
});

function evolved(before: readonly object[], now: readonly object[], file = FIRST): string {
  const table = metadata({
    'current-schema-id': 1,
    schemas: [schema(0, ...before), schema(1, ...now)],
    snapshots: [
      { 'snapshot-id': '@1', 'schema-id': 0, 'manifest-list': 'x' },
      { 'snapshot-id': '@2', 'schema-id': 1, 'manifest-list': 'x' },
    ],
  });
  const files = [{ path: 'a', snapshot: file }];
  return refusal(() => requireSameNames(TABLE, table, chosenSnapshot(TABLE, table, undefined), files));
}

test('columns whose names mean something else in older files are refused', () => {
  const a = named(1, 'a');
  expect(evolved([a], [named(1, 'b')])).toMatch(/^invalid_state: .*the column b is called a.*Rewrite/);
  expect(evolved([a], [named(2, 'a')])).toMatch(/^invalid_state: .*a is another column/);
  const inside = (name: string) => named(1, 's', { type: { type: 'struct', fields: [named(2, name)] } });
  expect(evolved([inside('a')], [inside('b')])).toContain('the column s.b is called s.a');
  const listed = (name: string) => ({ type: 'list', 'element-id': 3, element: inside(name).type });
  expect(evolved([named(1, 'l', { type: listed('a') })], [named(1, 'l', { type: listed('b') })])).toContain('l[].b');
  expect(evolved([a], [a, named(2, 'b', { 'initial-default': 'x' })])).toMatch(/without the column b/);
  // An expired snapshot: how its files were written is not known.
  expect(evolved([a], [named(1, 'b')], '7')).toContain('is called a');
});

test('what changes no name is taken, and so are files of the present schema', () => {
  const a = named(1, 'a');
  expect(evolved([a], [a, named(2, 'b')])).toBe('taken');
  expect(evolved([a, named(2, 'b')], [a])).toBe('taken');
  expect(evolved([a], [named(1, 'a', { type: 'long' })])).toBe('taken');
  expect(evolved([a], [named(1, 'b')], SECOND)).toBe('taken');
});

test('files are read where the table is now, not where it was written', () => {
  const place = { location: 's3a://old/warehouse/t/', bucket: 'lake', folder: 'here/t' };
  expect(keyOf(TABLE, place, 's3://old/warehouse/t/data/a b%20.parquet')).toBe('here/t/data/a b%20.parquet');
  expect(keyOf(TABLE, place, 's3n://lake/here/t/data/a.parquet')).toBe('here/t/data/a.parquet');
  expect(keyOf(TABLE, { ...place, location: '/tmp/t' }, 'file:///tmp/t/data/a.parquet')).toBe('here/t/data/a.parquet');
  for (const uri of ['s3://old/warehouse/t2/a', 's3://lake/there/a', 'gs://lake/here/t/a', '/etc/passwd'])
    expect(refusal(() => keyOf(TABLE, place, uri))).toMatch(/^invalid_state: .*outside of the table/);
});
