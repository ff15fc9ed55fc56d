import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SILENT_NAN } from '#engines/query/silent-nan.testing.ts';
import { startQueryWorld, type QueryWorld } from '../testing/query-world.ts';
import { makeProfile } from './make-profile.ts';

let world: QueryWorld;
beforeAll(async () => {
  world = await startQueryWorld();
});
afterAll(async () => {
  await world.stop();
});

const now = () => Date.UTC(2026, 10, 1);

async function profileOf(columns: readonly (readonly [string, string])[], rows: readonly (readonly unknown[])[]) {
  const described = columns.map(([name, type]) => ({ name, type, nullable: true }));
  const data = { columns: described as never, rows: rows as never };
  const request = {
    version: '0196f8f0-0000-7000-8000-000000000001',
    rows: rows.length,
    columns: described,
    keys: [],
    data,
    owner: 'p',
  };
  return await makeProfile(world.engine, request, { now });
}

test('omits deviation and correlation of values whose squares overflow, and computes the rest', async () => {
  const rows = Array.from({ length: 100 }, (_, i) => [i % 2 === 0 ? 1e200 : -1e200, 1.7e308, i, 2 * i]);
  const named = ['far', 'farther', 'n', 'twice'].map((name) => [name, 'float64'] as const);
  const { columns, correlations } = await profileOf(named, rows);
  const [far, farther, n] = columns;
  expect(far).toMatchObject({ count: 100, min: -1e200, max: 1e200, negatives: 50, mean: 0 });
  expect(far?.stddev).toBeUndefined();
  expect(farther).toMatchObject({ count: 100, min: 1.7e308, max: 1.7e308 });
  expect(n?.stddev).toBeCloseTo(29.011492, 5);
  expect(correlations).toEqual([{ columns: ['n', 'twice'], pearson: expect.closeTo(1, 9) as number }]);
  // With a NaN, the range is unknown before the scan.
  const odd = await profileOf(named, [...rows, ['NaN', 'NaN', 'NaN', 0]]);
  expect(odd.columns[0]).toMatchObject({ count: 101, nans: 1, min: -1e200, max: 1e200 });
});

test('statistics of each column family', async () => {
  const rows = Array.from({ length: 1000 }, (_, i) => [
    i,
    i % 10 === 0 ? null : i / 10,
    ['a', 'b', 'b', null][i % 4],
    i % 3 === 0,
    new Date(Date.UTC(2026, 0, 1 + (i % 100))).toISOString(),
  ]);
  const profile = await profileOf(
    [
      ['id', 'int64'],
      ['score', 'float64'],
      ['word', 'string'],
      ['flag', 'boolean'],
      ['at', 'timestamp'],
    ],
    rows,
  );
  const [id, score, word, flag, at] = profile.columns;
  expect(profile).toMatchObject({ rows: 1000, duplicates: 0 });
  expect(id).toMatchObject({
    family: 'number',
    count: 1000,
    nulls: 0,
    min: 0,
    max: 999,
    mean: 499.5,
    sum: 499_500,
    zeros: 1,
    negatives: 0,
  });
  expect(id?.stddev).toBeCloseTo(288.819436, 5);
  expect(id?.quantiles?.p50).toBeCloseTo(499.5, -1);
  expect(Math.abs((id?.distinct ?? 0) - 1000)).toBeLessThan(100);
  expect(id?.histogram?.counts.reduce((a, b) => a + b)).toBe(1000);
  expect(score).toMatchObject({ count: 900, nulls: 100, nans: 0, infinities: 0 });
  expect(score?.histogram?.counts.reduce((a, b) => a + b)).toBe(900);
  expect(word).toMatchObject({
    count: 750,
    nulls: 250,
    minLength: 1,
    maxLength: 1,
    empty: 0,
    topComplete: true,
    top: [
      { value: 'b', count: 500 },
      { value: 'a', count: 250 },
    ],
  });
  expect(flag).toMatchObject({ family: 'boolean', trues: 334, count: 1000 });
  expect(at).toMatchObject({ family: 'time', min: Date.UTC(2026, 0, 1), max: Date.UTC(2026, 0, 100) });
  expect(profile.correlations).toEqual([{ columns: ['id', 'score'], pearson: expect.closeTo(1, 9) as number }]);
});

test('counts zeros and negative numbers, for any range of the column', async () => {
  const columns = ['below', 'to zero', 'around', 'from zero', 'above', 'nothing'];
  const values = (i: number) => [-1 - i, -i, i - 5, i, i + 1, null];
  const typesOf = (type: string) => columns.map((name) => [name, type] as const);
  const rows = Array.from({ length: 10 }, (_, i) => values(i));
  for (const type of ['int64', 'float64']) {
    const { columns: found } = await profileOf(typesOf(type), rows);
    expect(found.map(({ zeros, negatives }) => [zeros, negatives])).toEqual([
      [0, 10],
      [1, 9],
      [1, 5],
      [1, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(found.map(({ mean }) => mean)).toEqual([-5.5, -4.5, -0.5, 4.5, 5.5, undefined]);
  }
  // Dates and timestamps are both in milliseconds.
  const { columns: days } = await profileOf([['day', 'date']], [['1969-12-31'], ['2026-02-01'], [null]]);
  expect(days).toMatchObject([{ family: 'time', min: -86_400_000, max: Date.UTC(2026, 1, 1), nulls: 1 }]);
});

test('NaN and infinities, columns without values, duplicate rows', async () => {
  const path = join(world.folder, 'odd.csv');
  const lines = ['x,void,f', '1,,NaN', '1,,NaN', '2,,inf', '2,,-inf', '3,,1.5', '3,,2.5'];
  await writeFile(path, `${lines.join('\n')}\n`);
  const columns = [
    { name: 'x', type: 'int32', nullable: true },
    { name: 'void', type: 'string', nullable: true },
    { name: 'f', type: 'float64', nullable: true },
  ];
  const data = { files: [{ path, format: 'csv' as const }], columns: columns as never };
  const request = { version: '0196f8f0-0000-7000-8000-000000000001', rows: 6, columns, keys: [], data, owner: 'p' };
  const profile = await makeProfile(world.engine, request, { now });
  expect(profile.duplicates).toBe(1);
  expect(profile.columns[0]).toMatchObject({
    topComplete: true,
    histogram: { edges: [1, 1.5, 2.5, 3], counts: [2, 2, 2] },
  });
  expect(profile.columns[1]).toMatchObject({ count: 0, nulls: 6, distinct: 0 });
  expect(profile.columns[2]).toMatchObject({ count: 6, nans: 2, infinities: 2, min: 1.5, max: 2.5, mean: 2 });
});

test('a file whose statistics omit NaN', async () => {
  const path = join(world.folder, 'silent.parquet');
  await writeFile(path, SILENT_NAN);
  const columns = [{ name: 'x', type: 'float64', nullable: true }];
  const data = { files: [{ path, format: 'parquet' as const }], columns: columns as never };
  const request = { version: '0196f8f0-0000-7000-8000-000000000001', rows: 6, columns, keys: [], data, owner: 'p' };
  const profile = await makeProfile(world.engine, request, { now });
  expect(profile.columns[0]).toMatchObject({ count: 5, nulls: 1, nans: 1, infinities: 0, min: 1, max: 3, mean: 2 });
});

test('a million rows: counts and moments of all, quantiles and histograms of a sample, sparse columns of all', async () => {
  const rows = 1_000_000;
  const sql = `select range as id, (range * 7919 % 1000003)::double as x,
    case when range % 1000 = 0 then (range / 1000)::double end as sparse,
    case when range % 100 = 0 then 'nan'::double when range % 100 = 1 then 'inf'::double else 1.0 end as odd from range(${rows})`;
  const made = await world.engine.run({
    tables: {},
    query: { type: 'sql', dialect: 'duckdb', sql, views: {} },
    output: { type: 'parquet', folder: world.folder, name: 'million', split: { type: 'one' } },
  });
  const columns = [
    { name: 'id', type: 'int64', nullable: false },
    ...['x', 'sparse', 'odd'].map((name) => ({ name, type: 'float64', nullable: true })),
  ];
  const files = made.files.map(({ path }) => ({ path, format: 'parquet' as const }));
  const data = { files, columns: columns as never };
  const request = { version: '0196f8f0-0000-7000-8000-000000000001', rows, columns, keys: ['id'], data, owner: 'p' };
  const profile = await makeProfile(world.engine, request, { now });
  const [id, x, sparse, odd] = profile.columns;
  expect(profile.duplicates).toBe(0);
  expect(id).toMatchObject({ count: rows, min: 0, max: rows - 1, mean: (rows - 1) / 2, zeros: 1 });
  for (const [share, value] of [
    [0.01, x?.quantiles?.p01],
    [0.5, x?.quantiles?.p50],
    [0.99, x?.quantiles?.p99],
  ] as const) {
    expect(Math.abs((value ?? 0) / 1_000_003 - share)).toBeLessThan(0.01);
  }
  expect(x?.histogram?.counts.reduce((a, b) => a + b)).toBe(rows);
  expect(Math.max(...(x?.histogram?.counts ?? []))).toBeLessThan((rows / 28) * 1.1);
  expect(sparse).toMatchObject({ count: 1000, min: 0, max: 999 });
  expect(Math.abs((sparse?.quantiles?.p50 ?? 0) - 499.5)).toBeLessThan(10);
  expect(sparse?.histogram?.counts.reduce((a, b) => a + b)).toBe(1000);
  expect(odd).toMatchObject({ nans: 10_000, infinities: 10_000, min: 1, max: 1, histogram: { counts: [980_000] } });
}, 120_000);

test('no rows', async () => {
  const profile = await profileOf(
    [
      ['x', 'float64'],
      ['w', 'string'],
    ],
    [],
  );
  expect(profile.columns).toMatchObject([
    { name: 'x', count: 0, nulls: 0, distinct: 0 },
    { name: 'w', count: 0, nulls: 0, distinct: 0 },
  ]);
});

test('a hundred and twenty columns', async () => {
  const names = Array.from({ length: 120 }, (_, i) => `c${i}`);
  const path = join(world.folder, 'wide.csv');
  const line = (value: number) => names.map((_, i) => (i % 7 === 0 ? `w${value}` : `${value + i}`)).join(',');
  await writeFile(path, `${names.join(',')}\n${[1, 2, 3].map(line).join('\n')}\n`);
  const columns = names.map((name, i) => ({ name, type: i % 7 === 0 ? 'string' : 'int64', nullable: true }));
  const output = { type: 'parquet', folder: world.folder, name: 'wide', split: { type: 'one' } } as const;
  const csv = { files: [{ path, format: 'csv' as const }], columns: columns as never };
  const made = await world.engine.run({ tables: { csv }, query: { type: 'scan', table: 'csv' }, output });
  const data = {
    files: made.files.map((file) => ({ path: file.path, format: 'parquet' as const })),
    columns: columns as never,
  };
  const request = { version: '0196f8f0-0000-7000-8000-000000000001', rows: 3, columns, keys: [], data, owner: 'p' };
  const profile = await makeProfile(world.engine, request, { now });
  expect(profile.columns).toHaveLength(120);
  expect(profile.columns[119]).toMatchObject({ name: 'c119', count: 3 });
  expect(profile.columns[0]?.top).toHaveLength(3);
}, 120_000);
