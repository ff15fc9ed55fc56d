import { expect, test } from 'vitest';
import { actionsOf, DeltaReplay, isLogFile, planLog, type DeltaSnapshot } from './delta-log.ts';
import { refusal } from '../refusal.testing.ts';

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
const remove = (path: string, more = {}) => ({ remove: { path, dataChange: true, ...more } });
const vector = (name: string) => ({
  deletionVector: { storageType: 'u', pathOrInlineDv: name, offset: 1, sizeInBytes: 40, cardinality: 2 },
});

function replayed(...commits: readonly string[]): DeltaSnapshot {
  const replay = new DeltaReplay(TABLE);
  for (const [version, text] of commits.entries()) replay.apply(version, actionsOf(text, `Version ${version}`));
  return replay.snapshot(commits.length - 1);
}

const paths = (...commits: readonly string[]) => replayed(...commits).files.map(({ path }) => path);

test('returns added files that were not removed, with decoded names', () => {
  const commits = [
    lines(...begin, add('a.parquet'), add('b%20c.parquet')),
    lines(remove('a.parquet'), add('d.parquet')),
    `${lines({ txn: { appId: 'x', version: 1 } }, add('a.parquet'))}\n\n`,
  ] as const;
  expect(paths(commits[0], commits[1])).toEqual(['b c.parquet', 'd.parquet']);
  expect(paths(...commits)).toEqual(['a.parquet', 'b c.parquet', 'd.parquet']);
});

test('a file with another deletion vector is a different file, in any order of actions', () => {
  const first = lines(...begin, add('a.parquet', { partitionValues: { day: '1' } }));
  const gone = lines(add('a.parquet', vector('one')), remove('a.parquet'));
  const more = lines(remove('a.parquet', vector('one')), add('a.parquet', vector('two')));
  expect(replayed(first).files).toEqual([{ path: 'a.parquet', partition: { day: '1' }, deletions: undefined }]);
  expect(replayed(first, gone).files).toMatchObject([{ deletions: { pathOrInlineDv: 'one' } }]);
  expect(replayed(first, gone, more).files).toMatchObject([{ deletions: { pathOrInlineDv: 'two' } }]);
  const twice = refusal(() => replayed(first, lines(add('a.parquet', vector('one')))));
  expect(twice).toMatch(/^upstream_failed: .*a\.parquet twice/);
});

test('reports invalid logs, and files outside the table', () => {
  for (const path of ['s3://other/a.parquet', '/etc/passwd'])
    expect(refusal(() => replayed(lines(...begin, add(path))))).toMatch(/^invalid_state: .*outside the table/);
  expect(refusal(() => replayed('{"add":'))).toMatch(/^upstream_failed: Version 0 .*not JSON/);
  expect(refusal(() => replayed('{"add":{"path":7}}'))).toMatch(/^upstream_failed: .*not an action/);
  expect(refusal(() => replayed(lines(...begin, add('a%zz'))))).toMatch(/^upstream_failed: .*not a URI/);
  expect(refusal(() => replayed(lines(add('a.parquet'))))).toMatch(/^upstream_failed: .*without a protocol/);
  expect(refusal(() => replayed(lines(...begin, add('a', { deletionVector: { storageType: 'u' } }))))).toContain(
    'not an action',
  );
});

const commit = (version: number) => `t/_delta_log/${String(version).padStart(20, '0')}.json`;
const checkpoint = (version: number, more = '') =>
  `t/_delta_log/${String(version).padStart(20, '0')}.checkpoint${more}.parquet`;
const part = (number: number, of: number) => `.${String(number).padStart(10, '0')}.${String(of).padStart(10, '0')}`;

test('selects the log files of a version', () => {
  const all = [commit(0), commit(1), commit(2)];
  const whole = new Map([0, 1, 2].map((version) => [version, commit(version)]));
  expect(planLog(TABLE, all, undefined)).toEqual({ version: 2, checkpoint: [], commits: whole });
  expect(planLog(TABLE, all, 1).commits.size).toBe(2);
  const later = [checkpoint(10), commit(10), commit(11), commit(12)];
  expect(planLog(TABLE, [...all, ...later], 12)).toEqual({
    version: 12,
    checkpoint: [checkpoint(10)],
    commits: new Map([
      [11, commit(11)],
      [12, commit(12)],
    ]),
  });
  expect(planLog(TABLE, later, 10)).toEqual({ version: 10, checkpoint: [checkpoint(10)], commits: new Map() });
  expect(planLog(TABLE, [checkpoint(10)], undefined).version).toBe(10);
  expect(planLog(TABLE, [...all, ...later], 1).checkpoint).toEqual([]);
});

test('uses a multi-part checkpoint when all parts exist', () => {
  const parts = [checkpoint(4, part(2, 2)), checkpoint(4, part(1, 2))];
  const rest = [commit(4), commit(5)];
  expect(planLog(TABLE, [...parts, ...rest], 5).checkpoint).toEqual(parts.toSorted());
  expect(refusal(() => planLog(TABLE, [parts[0] ?? '', ...rest], 5))).toContain('no version can be read');
  const uuid = '.80a083e8-7026-4e79-81be-64bd76c43a11';
  expect(planLog(TABLE, [checkpoint(4, uuid), ...rest], 5).checkpoint).toEqual([checkpoint(4, uuid)]);
  expect(isLogFile(checkpoint(4, uuid))).toBe(true);
  for (const name of ['t/_delta_log/_last_checkpoint', 't/_delta_log/1.json', 't/a.parquet', `${commit(1)}.tmp`])
    expect(isLogFile(name)).toBe(false);
});

test('reports missing, future and removed versions', () => {
  expect(refusal(() => planLog(TABLE, [], undefined))).toMatch(/^not_found: .*no _delta_log/);
  expect(refusal(() => planLog(TABLE, [commit(0), commit(1)], 7))).toMatch(/^not_found: .*no version 7/);
  expect(refusal(() => planLog(TABLE, [checkpoint(10), commit(10), commit(11)], 4))).toMatch(
    /^not_found: Version 4 .*cleaned up, and 10 is the oldest/,
  );
  expect(refusal(() => planLog(TABLE, [commit(10), commit(11)], undefined))).toContain('no version can be read');
  // A gap.
  expect(refusal(() => planLog(TABLE, [commit(0), checkpoint(2), commit(4)], 4))).toMatch(/^not_found: Version 4/);
});
