import { expect, test } from 'vitest';
import { chosenSnapshot, filesOf, keyOf, manifestsOf, newestMetadata, parseMetadata } from './iceberg-table.ts';
import { FIRST, metadata, SECOND, TABLE } from './iceberg-metadata.testing.ts';
import { refusal } from '../refusal.testing.ts';

test('finds the newest metadata by its number, with and without a catalog', () => {
  expect(newestMetadata(TABLE, ['version-hint.text', 'v9.metadata.json', 'v10.metadata.json', 'x.avro'])).toBe(
    'v10.metadata.json',
  );
  const names = ['00009-a.metadata.json', '00010-b.gz.metadata.json', 'v3.gz.metadata.json'];
  expect(newestMetadata(TABLE, names)).toBe('00010-b.gz.metadata.json');
  expect(refusal(() => newestMetadata(TABLE, ['a.metadata.json', 'deep/v1.metadata.json']))).toContain('not_found');
  const two = refusal(() => newestMetadata(TABLE, ['00001-a.metadata.json', '00001-b.metadata.json']));
  expect(two).toMatch(/^invalid_state: .*00001-a.*00001-b.*`metadata`/);
});

test('finds a snapshot by all digits of its id', () => {
  expect(chosenSnapshot(TABLE, metadata(), undefined)['snapshot-id']).toBe(SECOND);
  expect(chosenSnapshot(TABLE, metadata(), FIRST)['manifest-list']).toBe('s3://lake/t/metadata/1.avro');
  expect(refusal(() => chosenSnapshot(TABLE, metadata(), '3475017391548144384'))).toMatch(/^not_found: .*expired/);
  for (const none of [null, -1])
    expect(refusal(() => chosenSnapshot(TABLE, metadata({ 'current-snapshot-id': none }), undefined))).toMatch(
      /^not_found: .*no rows/,
    );
});

test('reports invalid metadata', () => {
  for (const text of ['', '{', '[]', '{"format-version":2}', '{"format-version":2,"location":7}'])
    expect(refusal(() => parseMetadata(TABLE, Buffer.from(text)))).toContain('upstream_failed');
  expect(refusal(() => metadata({ 'format-version': 4 }))).toMatch(/^invalid_state: .*format version 4/);
});

const data = (more = {}, status = 1) => ({
  status,
  snapshot_id: null,
  data_file: { content: 0, file_path: 's3://lake/t/data/a.parquet', file_format: 'PARQUET', ...more },
});
const manifest = { path: 'm', deletes: false, snapshot: FIRST, sequence: 4, spec: 1 };

test('returns live files with the snapshot that added them', () => {
  const own = {
    ...data({ file_path: 'b', partition: { w: null, n: 7n } }, 0),
    snapshot_id: 3_475_017_391_548_144_386n,
    sequence_number: 3,
  };
  expect(filesOf(TABLE, manifest, [data(), own, data({}, 2)])).toEqual([
    { path: 's3://lake/t/data/a.parquet', snapshot: FIRST, sequence: 4, partition: undefined },
    { path: 'b', snapshot: SECOND, sequence: 3, partition: '[1,[["n","7n"],["w",null]]]' },
  ]);
  expect(
    manifestsOf(TABLE, [
      { manifest_path: 'm' },
      { manifest_path: 'd', content: 1, added_snapshot_id: 5, sequence_number: 7, partition_spec_id: 3 },
    ]),
  ).toEqual([
    { path: 'm', deletes: false, snapshot: undefined, sequence: 0, spec: 0 },
    { path: 'd', deletes: true, snapshot: '5', sequence: 7, spec: 3 },
  ]);
  // Deletes that a later snapshot removed have no effect.
  expect(filesOf(TABLE, { ...manifest, deletes: true }, [data({ content: 1 }, 2)])).toEqual([]);
});

test('returns delete files and their type', () => {
  const deletes = { ...manifest, deletes: true };
  expect(filesOf(TABLE, deletes, [data({ content: 1, record_count: 5 })])).toMatchObject([
    { sequence: 4, deletes: { type: 'positions', rows: 5 } },
  ]);
  expect(filesOf(TABLE, deletes, [data({ content: 2, record_count: 5, equality_ids: [7, 2] })])).toMatchObject([
    { deletes: { type: 'equality', rows: 5, fields: [2, 7] } },
  ]);
  expect(refusal(() => filesOf(TABLE, deletes, [data({ content: 2 })]))).toMatch(
    /^upstream_failed: .*without a column/,
  );
  const vector = { content: 1, file_format: 'PUFFIN', record_count: 2, referenced_data_file: 'b' };
  expect(filesOf(TABLE, deletes, [data({ ...vector, content_offset: 4, content_size_in_bytes: 44 })])).toMatchObject([
    { deletes: { type: 'vector', rows: 2, of: 'b', offset: 4, bytes: 44 } },
  ]);
  expect(refusal(() => filesOf(TABLE, deletes, [data(vector)]))).toMatch(/^upstream_failed: .*without a location/);
});

test.each([
  ['an unknown content type', { ...manifest, deletes: true }, data({ content: 3 }), 'the content type 3'],
  ['deletes in another format', manifest, data({ content: 1, file_format: 'AVRO' }), 'position deletes in the format'],
  ['another format', manifest, data({ file_format: 'ORC' }), 'in the format ORC'],
  ['encryption', manifest, data({ key_metadata: Buffer.from('k') }), 'encrypted'],
])('rejects %s with a remedy', (_, of, record, words) => {
  const message = refusal(() => filesOf(TABLE, of, [record]));
  expect(message).toContain('invalid_state');
  expect(message).toContain(words);
});

test('reports an invalid record', () => {
  expect(refusal(() => filesOf('A manifest', manifest, [{ status: 1 }]))).toMatch(/^upstream_failed: A manifest/);
});

test('reads files from the current location of the table', () => {
  const location = { location: 's3a://old/warehouse/t/', bucket: 'lake', folder: 'here/t' };
  expect(keyOf(TABLE, location, 's3://old/warehouse/t/data/a b%20.parquet')).toBe('here/t/data/a b%20.parquet');
  expect(keyOf(TABLE, location, 's3n://lake/here/t/data/a.parquet')).toBe('here/t/data/a.parquet');
  expect(keyOf(TABLE, { ...location, location: '/tmp/t' }, 'file:///tmp/t/data/a.parquet')).toBe(
    'here/t/data/a.parquet',
  );
  for (const uri of ['s3://old/warehouse/t2/a', 's3://lake/there/a', 'gs://lake/here/t/a', '/etc/passwd'])
    expect(refusal(() => keyOf(TABLE, location, uri))).toMatch(/^invalid_state: .*outside the table/);
});
