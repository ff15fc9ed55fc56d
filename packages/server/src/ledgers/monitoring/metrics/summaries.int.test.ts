import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileTable, QueryEngine } from '#engines/query/contract.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { scan } from '#engines/query/model/build.ts';
import { systemClock } from '#lib/clock.ts';
import type { NumberSummary } from '#lib/statistics/column-summary.ts';
import { driftOf } from '#lib/statistics/drift.ts';
import { silentLog } from '#lib/log.ts';
import { QueryRunner } from '../query-runner.ts';
import { asBaseline, edgesOf, storedOf } from '../baselines/baselines.ts';
import { fieldsOfTable, keyOfField } from './fields.ts';
import { summarize } from './summaries.ts';

/** Enough rows to be summarized in the query engine. */
const ROWS = 600_000;
const START_MS = 300_000;

let folder: string;
let engine: QueryEngine;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-summaries-'));
  engine = openDuckdbQuery({ folder, memoryMb: 1024, tempMb: 1024, clock: systemClock, log: silentLog });
}, START_MS);
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

/** `f` is between 0 and `most`, `w` one of seven integers, `s` a word; every hundredth `f` is missing. */
async function table(name: string, seed: number, most: number): Promise<FileTable> {
  const sql = `SELECT CASE WHEN range % 100 <> 0 THEN (hash(range, ${seed}) % 1000003) / 1000003.0 * ${most} END AS f,
    (hash(range, ${seed + 1}) % 7)::BIGINT AS w, 'word ' || (hash(range, ${seed + 2}) % 3) AS s FROM range(${ROWS})`;
  const { files } = await engine.run({
    tables: {},
    query: { type: 'sql', dialect: 'duckdb', sql, views: {} },
    output: { type: 'parquet', folder, name, split: { type: 'one' } },
  });
  const all = files.map(({ path }) => ({ path, format: 'parquet' as const }));
  const { columns } = await engine.describe({ files: all });
  return { files: all, columns: columns.map((one) => ({ ...one, nullable: true })) };
}

async function summaries(of: FileTable, edges: ReturnType<typeof edgesOf> = new Map()) {
  const runner = new QueryRunner(engine, 'test', new AbortController().signal);
  const fields = fieldsOfTable({ columns: of.columns ?? [], sizes: new Map(), masked: new Set() });
  return storedOf(await summarize(runner, { tables: { t: of }, relation: scan('t') }, fields, { rows: ROWS, edges }));
}

test('counts many rows in full and computes drift', { timeout: START_MS }, async () => {
  const before = await table('before', 1, 1);
  const fields = await summaries(before);
  const baseline = asBaseline({ id: 'b', key: 'b', about: { type: 'dataset', name: 'b' }, fields });
  const numbers = fields.find(({ name }) => name === 'f')?.summary as NumberSummary;
  expect(numbers).toMatchObject({ count: ROWS * 0.99, nulls: ROWS * 0.01, nans: 0, infinities: 0 });
  expect(numbers.mean).toBeCloseTo(0.5, 2);
  const counted = numbers.bins.counts.reduce((sum, n) => sum + n, 0);
  expect(counted).toBe(numbers.count);
  // Each bin between hundredths has about its share of rows.
  expect(Math.max(...numbers.bins.counts) / counted).toBeLessThan(0.015);
  // With the same edges, the same rows are counted.
  const again = (await summaries(before, edgesOf(baseline))).find(({ name }) => name === 'f')?.summary;
  expect((again as NumberSummary).bins).toEqual(numbers.bins);
  const whole = fields.find(({ name }) => name === 'w')?.summary as NumberSummary;
  expect(whole.bins.edges).toEqual([0, 1, 2, 3, 4, 5]);

  const of = async (file: FileTable) =>
    new Map((await summaries(file, edgesOf(baseline))).map((field) => [keyOfField(field), field.summary]));
  const same = await of(await table('same', 11, 1));
  const moved = await of(await table('moved', 21, 1.05));
  for (const method of ['auto', 'psi', 'ks', 'js_distance_ln'] as const) {
    const choice = method === 'auto' ? {} : { method };
    for (const [key, { summary }] of baseline.fields) {
      if (summary.type !== 'numbers' && method === 'ks') continue;
      expect([method, key, driftOf(summary, same.get(key) ?? summary, choice)]).toEqual([
        method,
        key,
        expect.objectContaining({ drifted: false }),
      ]);
    }
  }
  expect(driftOf(numbers, moved.get('input:f') ?? numbers, { method: 'ks' })).toMatchObject({ drifted: true });
});
