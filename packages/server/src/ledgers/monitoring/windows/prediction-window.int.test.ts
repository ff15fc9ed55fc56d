import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorSpec } from '@dais/api/monitoring';
import { predictionId } from '@dais/api/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { FileTable, QueryEngine } from '#engines/query/contract.ts';
import { openDuckdbQuery } from '#engines/query/duckdb/duckdb-query.ts';
import { aggregate, named, scan } from '#engines/query/model/build.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import { systemClock } from '#lib/clock.ts';
import { silentLog } from '#lib/log.ts';
import { QueryRunner } from '../query-runner.ts';
import { measurePerformance } from '../metrics/measure-performance.ts';
import { filterByRange, nextCount } from './prediction-window.ts';
import type { PredictionRange } from './window.ts';

const START_MS = 300_000;
const BEGIN = Date.UTC(2026, 10, 27, 12);
/** Rows per request. */
const ROWS = 40;

let folder: string;
let engine: QueryEngine;
let runner: QueryRunner;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-prediction-window-'));
  engine = openDuckdbQuery({ folder, memoryMb: 512, tempMb: 512, clock: systemClock, log: silentLog });
  runner = new QueryRunner(engine, 'test', new AbortController().signal);
}, START_MS);
afterAll(async () => {
  await engine.close();
  await rm(folder, { recursive: true, force: true });
});

async function table(name: string, types: Readonly<Record<string, ColumnType>>, rows: object[]): Promise<FileTable> {
  const path = join(folder, `${name}.ndjson`);
  await writeFile(path, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  const columns = Object.entries(types).map(([column, type]) => ({ name: column, type, nullable: true }));
  return { files: [{ path, format: 'ndjson' }], columns };
}

const idOf = (arrived: number) => predictionId({ at: BEGIN + arrived, gateway: 0, endpoint: 7 }, arrived);
/** Arrival and response time of each request; the first one is answered last. */
const REQUESTS = [
  [1000, 1500],
  [1010, 1020],
  [1300, 1310],
] as const;
const [late, quick, third] = REQUESTS.map(([arrived]) => idOf(arrived));

async function world(labeled: readonly (string | undefined)[]) {
  const predictions = REQUESTS.flatMap(([arrived, answered]) =>
    Array.from({ length: ROWS }, (_, row) => ({
      prediction_id: idOf(arrived),
      row,
      predicted_at: new Date(BEGIN + answered).toISOString(),
      status: 200,
      shadow_of: null,
      erased: false,
      out_y: row / 10,
      label: labeled.includes(idOf(arrived)) ? String(row / 10) : null,
      label_at: new Date(BEGIN + 5000).toISOString(),
    })),
  );
  const of = {
    prediction_id: 'string',
    row: 'int32',
    predicted_at: 'timestamp',
    status: 'int32',
    shadow_of: 'string',
    erased: 'boolean',
    out_y: 'float64',
    label: 'string',
    label_at: 'timestamp',
  } as const;
  const kept = await table('predictions', of, predictions);
  const shown = labeled.map((id) => ({ prediction_id: id }));
  const tables = { predictions: kept, labels: await table('labels', { prediction_id: 'string' }, shown) };
  const relation = scan('predictions');
  return { tables, relation, columns: kept.columns ?? [], labeled: relation, labels: scan('labels') };
}

const check = { type: 'performance' as const, metrics: [], segments: [], minLabeled: 30 };
const spec = monitorSpec.parse({ endpoint: 'delays', checks: [check] });
const performanceOf = async (found: Awaited<ReturnType<typeof world>>, range: PredictionRange) =>
  await measurePerformance(runner, found, range, { spec, check, mature: true, masked: new Set() });

test('windows by count contain each prediction once, whenever it was answered', { timeout: START_MS }, async () => {
  const found = await world([]);
  const rowsOf = async (range: PredictionRange) => {
    const query = { type: 'aggregate', by: [], columns: [named('n', aggregate('count'))] } as const;
    const from = filterByRange(found.relation, range);
    return (await runner.queryOne(found.tables, { ...query, from }, 1)).rows[0]?.[0];
  };
  const now = BEGIN + 10_000;
  const both = await nextCount(runner, found, { from: BEGIN, until: now }, 2 * ROWS);
  expect(both).toEqual({ from: BEGIN, until: BEGIN + 1501, last: quick });
  expect(await rowsOf(both as PredictionRange)).toBe(2 * ROWS);
  // Answered before the end of that window, but with a later id.
  const after = { from: BEGIN + 1501, until: now, after: quick };
  const next = await nextCount(runner, found, after, ROWS);
  expect(next).toMatchObject({ until: BEGIN + 1502, last: third });
  expect(await rowsOf(next as PredictionRange)).toBe(ROWS);
  expect(await nextCount(runner, found, after, 2 * ROWS)).toBeUndefined();
});

test(
  'assigns labels at the edge of a window, and reports labels of unknown predictions',
  { timeout: START_MS },
  async () => {
    const all = await world([late, quick, third]);
    const first = { from: BEGIN, until: BEGIN + 1021, last: quick };
    for (const [range, labeled] of [
      // The window ends with the response to its last id, so the label of the slow request belongs to it.
      [first, ROWS],
      [{ ...first, until: BEGIN + 1501 }, 2 * ROWS],
      [{ from: BEGIN + 1501, until: BEGIN + 1502, after: quick, last: third }, ROWS],
      // By time: the slow request arrived in the window and was answered after it.
      [{ from: BEGIN + 1000, until: BEGIN + 1400 }, 2 * ROWS],
      [{ from: BEGIN + 1400, until: BEGIN + 2000 }, ROWS],
    ] as const) {
      expect([range, await performanceOf(all, range)]).toEqual([
        range,
        expect.objectContaining({ labeled, unmatched: 0 }),
      ]);
    }
    const never = await world([late, quick, third, idOf(1005)]);
    expect(await performanceOf(never, { from: BEGIN, until: BEGIN + 1501, last: quick })).toMatchObject({
      unmatched: 1,
    });
    expect(await performanceOf(never, { from: BEGIN + 1006, until: BEGIN + 1501 })).toMatchObject({ unmatched: 0 });
  },
);
