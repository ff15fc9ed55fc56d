import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import type { FileTable, QueryEngine } from '../../contract.ts';
import { aggregate, named, scan } from '../../model/build.ts';
import { packRowNumbers, type ColumnOrigin, type ShapedColumn, type ShapedPart } from '../../model/parquet-shape.ts';
import { QueryError } from '../../model/query-error.ts';
import { openDuckdbQuery } from '../duckdb-query.ts';

let folder: string;
let engine: QueryEngine;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dais-shaped-'));
  engine = openDuckdbQuery({
    folder: path.join(folder, 'scratch'),
    memoryMb: 512,
    tempMb: 512,
    clock: systemClock,
    log: silentLog,
  });
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const write = async (name: string, select: string, more = '') =>
    void (await connection.run(`COPY (${select}) TO '${file(name)}' (FORMAT parquet${more})`));
  await write('a', `SELECT i AS "col-1", 'a' || i AS "col-2" FROM range(3) t(i)`);
  await write('b', `SELECT 10 + i AS "col-1" FROM range(2) t(i)`);
  await write('many', 'SELECT i AS "col-1" FROM range(300000) t(i)', ', ROW_GROUP_SIZE 10000');
  await write('old', `SELECT 1 AS id, {x: 1, y: 2} AS s, 'w' AS word`, ', FIELD_IDS {id: 1, s: 2, word: 3}');
  await write('new', `SELECT 'v' AS term, 2 AS id`, ', FIELD_IDS {term: 3, id: 1}');
  await write('taken', 'SELECT 1 AS "col-1", 2 AS file_index');
  connection.closeSync();
  instance.closeSync();
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const file = (name: string) => path.join(folder, `${name}.parquet`);
const source = (name: string, part: ShapedPart = {}) => ({ path: file(name), name, format: 'parquet' as const, part });
const of = (day: string | null, deleted?: readonly number[]): ShapedPart => ({
  values: [day],
  ...(deleted !== undefined && { deleted: packRowNumbers(deleted) }),
});
const days: readonly ShapedColumn[] = [
  { name: 'id', type: 'int64', from: { column: 'col-1' } },
  { name: 'word', type: 'string', from: { column: 'col-2' } },
  { name: 'day', type: 'date', from: { value: 0 } },
];

const rowsOf = async (table: FileTable) =>
  (await engine.run({ tables: { t: table }, query: scan('t'), output: { type: 'rows', limit: 1000 } })).rows;

test('mapped column names and constant values', async () => {
  const files = [
    source('a', of('2026-11-01')),
    source('b', of(null)),
    source('a', of('2026-11-02', [0, 2])),
    source('b', of('2026-11-03', [7])),
  ];
  const { columns } = await engine.describe({ files, shape: days });
  expect(columns.map(({ name, type }) => [name, type])).toEqual([
    ['id', 'int64'],
    ['word', 'string'],
    ['day', 'date'],
  ]);
  const rows = [
    [0, 'a0', '2026-11-01'],
    [1, 'a1', '2026-11-01'],
    [2, 'a2', '2026-11-01'],
    [10, null, null],
    [11, null, null],
    [1, 'a1', '2026-11-02'],
    [10, null, '2026-11-03'],
    [11, null, '2026-11-03'],
  ];
  expect(await rowsOf({ files, shape: days })).toEqual(rows);
  const expected = [{ name: 'day', type: 'timestamp' as const }];
  const provenance = { file: 'f', row: 'n' };
  const seen = await rowsOf({
    files: files.slice(2),
    shape: days,
    columns: expected,
    extraColumns: 'ignore',
    provenance,
  });
  expect(seen).toEqual([
    ['2026-11-02T00:00:00.000000Z', 'a', 2],
    ['2026-11-03T00:00:00.000000Z', 'b', 1],
    ['2026-11-03T00:00:00.000000Z', 'b', 2],
  ]);
});

test.each([
  ['in two files, read together', 2],
  ['in a file alone', 1],
])('deleted rows keep the order of the others: %s', async (_, count) => {
  const gone = Array.from({ length: 200_000 }, (_row, at) => at + Math.floor(at / 2));
  const shape = [{ name: 'id', type: 'int64' as const, from: { column: 'col-1' } }];
  const shaped = (deleted: readonly number[]) => source('many', { deleted: packRowNumbers(deleted) });
  const table = { shape, files: [shaped(gone), shaped([299_999])].slice(0, count) };
  const target = path.join(folder, `kept-${count}`);
  const made = await engine.run({
    tables: { t: table },
    query: scan('t'),
    output: { type: 'ndjson', path: target },
    more: [
      {
        query: { type: 'aggregate', from: scan('t'), by: [], columns: [named('n', aggregate('count'))] },
        output: { type: 'rows', limit: 1 },
      },
    ],
  });
  const ids = (await readFile(target, 'utf8')).trimEnd().split('\n');
  const expected = [
    ...Array.from({ length: 100_000 }, (_row, at) => `[${at * 3 + 2}]`),
    ...Array.from({ length: count === 2 ? 299_999 : 0 }, (_row, at) => `[${at}]`),
  ];
  expect(made.more[0]?.rows).toEqual([[expected.length]]);
  expect(ids.findIndex((id, at) => id !== expected[at])).toBe(-1);
  expect(ids.length).toBe(expected.length);
});

test('ignores deletes of missing rows, and keeps rows after the last deleted one', async () => {
  const shape = [{ name: 'id', type: 'int64' as const, from: { column: 'col-1' } }];
  const left = async (deleted: readonly number[]) =>
    (await rowsOf({ shape, files: [source('a', { deleted: packRowNumbers(deleted) })] })).flat();
  expect(await left([0])).toEqual([1, 2]);
  expect(await left([1, 1_000_000])).toEqual([0, 2]);
  expect(await left([2, 2 ** 40])).toEqual([0, 1]);
  expect(await left([])).toEqual([0, 1, 2]);
  expect(await left([0, 1, 2])).toEqual([]);
});

test('columns by field id, with nested fields unchanged', async () => {
  const by = (field: number, otherwise?: string): ColumnOrigin => ({
    field,
    ...(otherwise !== undefined && { otherwise }),
  });
  const columns = [
    { name: 'id', type: 'int64' as const, from: by(1) },
    { name: 'term', type: 'string' as const, from: by(3) },
    { name: 'word', type: 'string' as const, from: by(9, 'none') },
  ];
  expect(await rowsOf({ files: [source('old'), source('new')], shape: columns })).toEqual([
    [1, 'w', 'none'],
    [2, 'v', 'none'],
  ]);
});

test.each([
  ['a file without ids', 'a', { field: 1 }, 'no field ids'],
  ['a column with a reserved name', 'taken', { column: 'col-1' }, '"file_index"'],
])('rejects %s', async (_, name, from, words) => {
  const table: FileTable = { files: [source(name)], shape: [{ name: 'id', type: 'int64', from }] };
  const error = await rowsOf(table).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(QueryError);
  expect(error).toMatchObject({ code: 'data_invalid', message: expect.stringContaining(words) });
});

test('reports a mismatching value as a data error', async () => {
  const shape = [{ name: 'n', type: 'int8' as const, from: { value: 0 } }];
  await expect(rowsOf({ files: [source('a', of('1000'))], shape })).rejects.toMatchObject({ code: 'data_invalid' });
});
