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
import { Asking } from '../asking.ts';
import { measurePerformance } from '../measure-performance.ts';
import { boundedBy, nextCount } from './prediction-window.ts';
import type { PredictionBounds } from './window.ts';

const START_MS = 300_000;
const BEGIN = Date.UTC(2026, 10, 27, 12);
/** Rows of each request. */
const ROWS = 40;

let folder: string;
let engine: QueryEngine;
let asking: Asking;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-prediction-window-'));
  engine = openDuckdbQuery({ folder, memoryMb: 512, tempMb: 512, clock: systemClock, log: silentLog });
  asking = new Asking(engine, 'test', new AbortController().signal);
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

const idOf = (came: number) => predictionId({ at: BEGIN + came, gateway: 0, endpoint: 7 }, came);
/** When each request came, and when it was answered: the first is the last one to be. */
const REQUESTS = [
  [1000, 1500],
  [1010, 1020],
  [1300, 1310],
] as const;
const [late, quick, third] = REQUESTS.map(([came]) => idOf(came));

async function world(labelled: readonly (string | undefined)[]) {
  const predictions = REQUESTS.flatMap(([came, answered]) =>
    Array.from({ length: ROWS }, (_, row) => ({
      prediction_id: idOf(came),
      row,
      predicted_at: new Date(BEGIN + answered).toISOString(),
      status: 200,
      shadow_of: null,
      erased: false,
      out_y: row / 10,
      label: labelled.includes(idOf(came)) ? String(row / 10) : null,
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
  const told = labelled.map((id) => ({ prediction_id: id }));
  const tables = { predictions: kept, labels: await table('labels', { prediction_id: 'string' }, told) };
  const relation = scan('predictions');
  return { tables, relation, columns: kept.columns ?? [], labelled: relation, labels: scan('labels') };
}

const check = { type: 'performance' as const, metrics: [], segments: [], minLabelled: 30 };
const spec = monitorSpec.parse({ endpoint: 'delays', checks: [check] });
const performanceOf = async (found: Awaited<ReturnType<typeof world>>, bounds: PredictionBounds) =>
  await measurePerformance(asking, found, bounds, { spec, check, mature: true, masked: new Set() });

test('windows by count contain each prediction once, whenever it was answered', { timeout: START_MS }, async () => {
  const found = await world([]);
  const rowsOf = async (bounds: PredictionBounds) => {
    const query = { type: 'aggregate', by: [], columns: [named('n', aggregate('count'))] } as const;
    const from = boundedBy(found.relation, bounds);
    return (await asking.one(found.tables, { ...query, from }, 1)).rows[0]?.[0];
  };
  const now = BEGIN + 10_000;
  const both = await nextCount(asking, found, { from: BEGIN, until: now }, 2 * ROWS);
  expect(both).toEqual({ from: BEGIN, until: BEGIN + 1501, last: quick });
  expect(await rowsOf(both as PredictionBounds)).toBe(2 * ROWS);
  // What was answered before the end of that window, and came behind it.
  const after = { from: BEGIN + 1501, until: now, after: quick };
  const next = await nextCount(asking, found, after, ROWS);
  expect(next).toMatchObject({ until: BEGIN + 1502, last: third });
  expect(await rowsOf(next as PredictionBounds)).toBe(ROWS);
  expect(await nextCount(asking, found, after, 2 * ROWS)).toBeUndefined();
});

test(
  'assigns labels at the edge of a window, and reports labels of unknown predictions',
  { timeout: START_MS },
  async () => {
    const all = await world([late, quick, third]);
    const first = { from: BEGIN, until: BEGIN + 1021, last: quick };
    for (const [bounds, labelled] of [
      // As windows were cut by the answer to the last id: the label of the slow one is of that time all the same.
      [first, ROWS],
      [{ ...first, until: BEGIN + 1501 }, 2 * ROWS],
      [{ from: BEGIN + 1501, until: BEGIN + 1502, after: quick, last: third }, ROWS],
      // By time: the slow one came in the window, and was answered behind it.
      [{ from: BEGIN + 1000, until: BEGIN + 1400 }, 2 * ROWS],
      [{ from: BEGIN + 1400, until: BEGIN + 2000 }, ROWS],
    ] as const) {
      expect([bounds, await performanceOf(all, bounds)]).toEqual([
        bounds,
        expect.objectContaining({ labelled, strangers: 0 }),
      ]);
    }
    const never = await world([late, quick, third, idOf(1005)]);
    expect(await performanceOf(never, { from: BEGIN, until: BEGIN + 1501, last: quick })).toMatchObject({
      strangers: 1,
    });
    expect(await performanceOf(never, { from: BEGIN + 1006, until: BEGIN + 1501 })).toMatchObject({ strangers: 0 });
  },
);
