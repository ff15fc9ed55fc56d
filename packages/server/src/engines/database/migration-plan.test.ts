import { expect, test } from 'vitest';
import type { Migration, Slice } from './contract.ts';
import { compareVersions, migrationChecksum, planMigrations, type AppliedMigration } from './migration-plan.ts';

const first: Migration = { id: '0001-first', sql: 'create table a.t (id int)' };
const second: Migration = { id: '0002-second', sql: 'alter table a.t add x int' };
const contract: Migration = { id: '0003-contract', sql: 'alter table a.t drop x', minimumVersion: '1.2.0' };

const slice = (...migrations: Migration[]): Slice[] => [{ schema: 'a', migrations }];
const applied = (...migrations: Migration[]): AppliedMigration[] =>
  migrations.map((migration) => ({
    slice: 'a',
    id: migration.id,
    checksum: migrationChecksum(migration),
    minimumVersion: migration.minimumVersion ?? null,
  }));
const ids = (slices: Slice[], done: AppliedMigration[], version = '1.2.0'): string[] =>
  planMigrations(slices, done, version).map(({ schema, migration }) => `${schema}/${migration.id}`);

test('returns pending migrations in order', () => {
  expect(ids(slice(first, second), [])).toEqual(['a/0001-first', 'a/0002-second']);
  expect(ids(slice(first, second), applied(first))).toEqual(['a/0002-second']);
  expect(ids(slice(first), applied(first))).toEqual([]);
  expect(ids([{ schema: 'b', migrations: [first] }, ...slice(first)], [])).toEqual(['b/0001-first', 'a/0001-first']);
});

test('detects an edited migration', () => {
  const edited = { ...first, sql: `${first.sql}\n` };
  expect(() => ids(slice(edited), applied(first))).toThrow('a/0001-first differs');
});

test('the previous version runs on the new schema until a contract step', () => {
  expect(ids(slice(first), applied(first, second), '1.1.0')).toEqual([]);
  expect(ids(slice(first), applied(first, second, contract), '1.2.0')).toEqual([]);
  expect(() => ids(slice(first), applied(first, second, contract), '1.1.9')).toThrow('needs Dais 1.2.0 or newer');
});

test('rejects a database of another release line', () => {
  expect(() => ids(slice(first, { id: '0002-other', sql: 'select 1' }), applied(first, second))).toThrow(
    /contains a\/0002-second.* lacks a\/0002-other/,
  );
});

test.each([
  [slice(second, first), 'must come before'],
  [slice(first, first), 'must come before'],
  [slice({ id: 'first', sql: '' }), 'not a migration id'],
  [[...slice(first), ...slice(first)], 'two slices'],
  [[{ schema: 'a"b', migrations: [] }], 'not a schema name'],
])('reports programming errors', (slices, message) => {
  expect(() => ids(slices, [])).toThrow(message);
});

test('versions are ordered as semver.org §11 lists them', () => {
  const ordered = [
    '0.9.10',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
  ];
  const shuffled = [...ordered].sort((a, b) => a.length - b.length || (a < b ? 1 : -1));
  expect(shuffled.sort(compareVersions)).toEqual(ordered);
});

test('build metadata and missing parts do not matter', () => {
  expect(compareVersions('1.2.3+a', '1.2.3+b')).toBe(0);
  expect(compareVersions('1.2', '1.2.0')).toBe(0);
});
