import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
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

test('figures of each family of columns', async () => {
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

test('numbers that are none, columns without values, rows there twice', async () => {
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

test('no rows at all', async () => {
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

test('five hundred columns', async () => {
  const names = Array.from({ length: 500 }, (_, i) => `c${i}`);
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
  expect(profile.columns).toHaveLength(500);
  expect(profile.columns[499]).toMatchObject({ name: 'c499', count: 3, min: 500, max: 502 });
  expect(profile.columns[0]?.top).toHaveLength(3);
}, 120_000);
