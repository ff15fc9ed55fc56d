import { DaisError } from '@dais/api';
import { expect, test } from 'vitest';
import { commitsOf, commitVersionOf, replay } from './delta-log.ts';

const TABLE = 's3://lake/t';
const lines = (...actions: readonly object[]) => actions.map((action) => JSON.stringify(action)).join('\n');
const begin = [
  { commitInfo: { operation: 'WRITE' } },
  { protocol: { minReaderVersion: 1, minWriterVersion: 2 } },
  {
    metaData: { id: 'x', format: { provider: 'parquet' }, schemaString: '{}', partitionColumns: [], configuration: {} },
  },
];
const add = (path: string, more = {}) => ({ add: { path, size: 1, partitionValues: {}, dataChange: true, ...more } });
const remove = (path: string) => ({ remove: { path, dataChange: true } });

function refusal(...actions: readonly object[]): string {
  try {
    replay(TABLE, [
      { version: 0, text: lines(...begin) },
      { version: 1, text: lines(...actions) },
    ]);
  } catch (error) {
    return error instanceof DaisError ? `${error.code}: ${error.message}` : String(error);
  }
  return 'taken';
}

test('what was added and not removed, by names as they are', () => {
  const commits = [
    { version: 0, text: lines(...begin, add('a.parquet'), add('b%20c.parquet')) },
    { version: 1, text: lines(remove('a.parquet'), add('d.parquet')) },
    { version: 2, text: `${lines({ txn: { appId: 'x', version: 1 } }, add('a.parquet'))}\n\n` },
  ];
  expect(replay(TABLE, commits.slice(0, 2))).toEqual({ version: 1, files: ['b c.parquet', 'd.parquet'] });
  expect(replay(TABLE, commits)).toEqual({ version: 2, files: ['a.parquet', 'b c.parquet', 'd.parquet'] });
});

test.each([
  ['partitions', { metaData: { partitionColumns: ['day'] } }, 'partitioned by day'],
  ['mapped columns', { metaData: { configuration: { 'delta.columnMapping.mode': 'name' } } }, 'maps columns by name'],
  ['another format', { metaData: { format: { provider: 'orc' } } }, 'written as orc'],
  ['a reader of tomorrow', { protocol: { minReaderVersion: 4 } }, 'readers of version 4'],
  ['a feature', { protocol: { minReaderVersion: 3, readerFeatures: ['deletionVectors'] } }, 'needs deletionVectors'],
  ['deletion vectors', add('a.parquet', { deletionVector: { storageType: 'u' } }), 'deletion vectors'],
  ['files elsewhere', add('s3://other/a.parquet'), 'outside of the table'],
])('%s are refused with what to do', (_, action, words) => {
  const told = refusal(action);
  expect(told).toContain('invalid_state');
  expect(told).toContain(words);
});

test('features that change no row are taken; a line that is no action is told', () => {
  expect(refusal({ protocol: { minReaderVersion: 3, readerFeatures: ['timestampNtz'] } })).toBe('taken');
  expect(() => replay(TABLE, [{ version: 0, text: '{"add":' }])).toThrow(/Version 0 .* no action/);
  expect(() => replay(TABLE, [{ version: 0, text: '{"add":{"path":7}}' }])).toThrow(/no action/);
});

test('which commits make a version', () => {
  expect(commitVersionOf('t/_delta_log/00000000000000000012.json')).toBe(12);
  expect(commitVersionOf('t/_delta_log/00000000000000000012.checkpoint.parquet')).toBeUndefined();
  expect(commitsOf(TABLE, [2, 0, 1], undefined)).toEqual([0, 1, 2]);
  expect(commitsOf(TABLE, [2, 0, 1], 1)).toEqual([0, 1]);
  expect(() => commitsOf(TABLE, [], undefined)).toThrow(/no _delta_log/);
  expect(() => commitsOf(TABLE, [0, 1], 7)).toThrow(/no version 7/);
  expect(() => commitsOf(TABLE, [10, 11], undefined)).toThrow(/before version 10/);
});
