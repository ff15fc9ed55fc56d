import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { summarizeCategories, summarizeNumbers } from '#lib/statistics/column-summary.ts';
import type { Cell, QueryEngine, StatementResult } from '../contract.ts';
import { column, scan } from '../model/build.ts';
import {
  binsQuery,
  categoriesQuery,
  edgesQuery,
  momentsQuery,
  readCategories,
  readEdges,
  readNumbers,
  sampledRows,
} from '../model/column-summaries.ts';
import type { Query } from '../model/query-tree.ts';
import { openDuckdbQuery } from './duckdb-query.ts';

let folder: string;
let engine: QueryEngine;
let path: string;
const PLACE = { file: 'the file', row: 'the row' } as const;
const ROWS = 20_000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-summaries-'));
  engine = openDuckdbQuery({
    folder: join(folder, 'query'),
    memoryMb: 512,
    tempMb: 1024,
    threads: 2,
    clock: systemClock,
    log: silentLog,
  });
  const sql = `SELECT 1e6 + (range * 7919 % 10007) / 100.0::DOUBLE AS far,
      CASE WHEN range % 10 = 0 THEN NULL WHEN range % 50 = 1 THEN 'nan'::DOUBLE WHEN range % 50 = 2 THEN '-inf'::DOUBLE
        ELSE (range * 31 % 1009)::DOUBLE END AS odd,
      (range % 3)::DOUBLE AS few, 5.0::DOUBLE AS same, NULL::DOUBLE AS void,
      CASE WHEN range % 7 = 0 THEN NULL ELSE 'w' || (range % 1200) END AS words FROM range(${ROWS})`;
  const made = await engine.run({
    tables: {},
    query: { type: 'sql', dialect: 'duckdb', sql, views: {} },
    output: { type: 'parquet', folder, name: 'table', split: { type: 'one' } },
  });
  path = made.files[0]?.path ?? '';
});
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

const NUMBERS = ['far', 'odd', 'few', 'same', 'void'];

async function ask(query: Query): Promise<StatementResult> {
  const files = [{ path, format: 'parquet' as const }];
  const tables = { data: { files }, numbered: { files, provenance: PLACE } };
  return await engine.run({ tables, query, output: { type: 'rows', limit: 50_000 } });
}

async function valuesOf(name: string): Promise<readonly (number | null)[]> {
  const { rows } = await ask({
    type: 'project',
    from: scan('data'),
    columns: [{ as: name, expression: column(name) }],
  });
  return rows.map(([cell = null]: readonly Cell[]) => (cell === null ? null : Number(cell)));
}

test('two scans of all columns say what the values themselves say', async () => {
  const edges = readEdges(
    await ask(
      edgesQuery(
        scan('data'),
        NUMBERS.map((name) => column(name)),
      ),
    ),
  );
  expect(edges.map(({ lattice }) => lattice)).toEqual(['spread', 'whole', 'whole', 'whole', 'spread']);
  expect(edges[0]?.edges.length).toBeGreaterThan(90);
  expect(edges[4]?.edges).toEqual([]);
  const columns = NUMBERS.map((name, i) => ({
    value: column(name),
    edges: edges[i] ?? { edges: [], lattice: 'spread' as const, centre: 0 },
  }));
  const moments = await ask(momentsQuery(scan('data'), columns));
  const told = readNumbers(moments, await ask(binsQuery(scan('data'), columns)), columns);
  for (const [i, name] of NUMBERS.entries()) {
    const {
      values: _values,
      mean,
      squares,
      tails,
      ...exact
    } = summarizeNumbers(await valuesOf(name), edges[i]?.edges ?? [], edges[i]?.lattice);
    expect(told[i]).toMatchObject(exact);
    expect(told[i]?.mean ?? 0).toBeCloseTo(mean ?? 0, 6);
    expect((told[i]?.squares ?? 0) / Math.max(1, squares)).toBeCloseTo(squares > 0 ? 1 : 0, 8);
    expect((told[i]?.tails.low ?? 0) / Math.max(1, tails.low)).toBeCloseTo(tails.low / Math.max(1, tails.low), 9);
    expect((told[i]?.tails.high ?? 0) / Math.max(1, tails.high)).toBeCloseTo(tails.high / Math.max(1, tails.high), 9);
  }
});

test('bins of a sample are of the same rows each time, and counts stay those of all', async () => {
  const columns = [
    { value: column('far'), edges: { edges: [1e6 + 25, 1e6 + 50, 1e6 + 75], lattice: 'spread' as const, centre: 1e6 } },
  ];
  const sample = binsQuery(sampledRows(scan('numbered'), column(PLACE.row), 10), columns);
  const moments = await ask(momentsQuery(scan('data'), columns));
  const [one] = readNumbers(moments, await ask(sample), columns);
  const [again] = readNumbers(moments, await ask(sample), columns);
  expect(one).toEqual(again);
  expect(one?.count).toBe(ROWS);
  const counted = one?.bins.counts ?? [];
  const total = counted.reduce((sum, count) => sum + count, 0);
  expect(total).toBeGreaterThan(ROWS / 20);
  expect(total).toBeLessThan(ROWS / 5);
  for (const count of counted) expect(Math.abs(count / total - 0.25)).toBeLessThan(0.06);
});

test('words: the most frequent ones, NULL and the rest', async () => {
  const told = readCategories(await ask(categoriesQuery(scan('data'), column('words'))), ROWS);
  const { rows } = await ask({
    type: 'project',
    from: scan('data'),
    columns: [{ as: 'words', expression: column('words') }],
  });
  const exact = summarizeCategories(rows.map(([cell]) => (typeof cell === 'string' ? cell : null)));
  expect(told).toMatchObject({ count: exact.count, nulls: exact.nulls, rest: exact.rest });
  expect(told.counts).toEqual(exact.counts);
});
