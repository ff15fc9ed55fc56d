/** Operations that read metrics. */
import { DaisError } from '@dais/api';
import { chartMetricOperation, readMetricOperation, sampleMetricOperation, type MetricPoint } from '@dais/api/tracking';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { decodePageCursor, encodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { noRun } from '../runs/run-lookup.ts';
import { chartSeries, type ChartBucket } from './chart.ts';
import { readHistory } from './history.ts';
import { metricPoint, metricPoints, metricValueOf } from './metric-value.ts';
import { pointAt, type Point } from './points.ts';
import { sampleSeries } from './sample.ts';

export function metricEntries(): readonly OperationEntry[] {
  return [
    entry(readMetricOperation, async (tx, { input }) => await history(tx, input)),
    entry(sampleMetricOperation, async (tx, { input }) => await sample(tx, input)),
    entry(chartMetricOperation, async (tx, { input }) => await chart(tx, input)),
  ];
}

/**
 * Returns the series of a metric in each of `ids`. A run without the metric has none.
 * @throws DaisError `not_found` for a missing run; deleted runs are included.
 */
async function findSeries(
  { sql, projectId }: Transaction,
  ids: readonly string[],
  key: string,
): Promise<Map<string, bigint | null>> {
  const rows = await sql.query<{ id: string; series: bigint | null }>(
    `select r.id, m.series from tracking.run r left join tracking.metric m on m.run = r.num and m.key = $3
     where r.project_id = $1 and r.id = any($2)`,
    [projectId, ids, key],
    'metric_series',
  );
  const series = new Map(rows.map((row) => [row.id, row.series]));
  const missing = ids.find((id) => !series.has(id));
  if (missing !== undefined) throw noRun(missing);
  return series;
}

interface HistoryCall {
  readonly id: string;
  readonly key: string;
  readonly limit: number;
  readonly cursor?: string;
}

async function history(tx: Transaction, input: HistoryCall): Promise<{ items: MetricPoint[]; nextCursor?: string }> {
  const { id, key, limit, cursor } = input;
  const after = decodePosition([id, key], cursor);
  const series = (await findSeries(tx, [id], key)).get(id);
  if (series === undefined || series === null) return { items: [] };
  const { points, more } = await readHistory(tx.sql, series, limit, after);
  const last = points.steps.length - 1;
  return {
    items: metricPoints(points),
    ...(more && { nextCursor: encodePosition([id, key], pointAt(points, last)) }),
  };
}

function encodePosition(of: readonly string[], { timestamp, step, value }: Point): string {
  return encodePageCursor(of, `${timestamp} ${step} ${value}`);
}

/** @throws DaisError `invalid_cursor`. */
function decodePosition(of: readonly string[], cursor: string | undefined): Point | undefined {
  const text = decodePageCursor(of, cursor);
  if (text === undefined) return undefined;
  const [timestamp, step, value] = text.split(' ').map(Number);
  // Reject invented cursors: PostgreSQL must not get fractions of a millisecond.
  if (!Number.isSafeInteger(timestamp) || !Number.isSafeInteger(step) || value === undefined) {
    throw new DaisError(
      'invalid_cursor',
      'The cursor is not a position in this metric history. Start again without a cursor.',
    );
  }
  return { timestamp: timestamp!, step: step!, value };
}

interface SampleCall {
  readonly ids: readonly string[];
  readonly key: string;
  readonly fromStep?: number;
  readonly toStep?: number;
  readonly limit: number;
}

async function sample(tx: Transaction, { ids, key, fromStep: from, toStep: to, limit }: SampleCall) {
  const series = await findSeries(tx, ids, key);
  const sampled = await sampleSeries(tx.sql, present(series), { from, to }, limit);
  return {
    series: ids.map((id) => ({ id, points: (sampled.get(series.get(id) ?? NONE) ?? []).map(metricPoint) })),
  };
}

interface ChartCall {
  readonly ids: readonly string[];
  readonly key: string;
  readonly axis: 'step' | 'time';
  readonly from?: number;
  readonly to?: number;
  readonly buckets: number;
}

async function chart(tx: Transaction, { ids, key, axis, from, to, buckets }: ChartCall) {
  const series = await findSeries(tx, ids, key);
  const charts = await chartSeries(tx.sql, present(series), axis, { from, to }, buckets);
  const bySeries = new Map(charts.map((one) => [one.series, one]));
  return {
    series: ids.map((id) => {
      const found = bySeries.get(series.get(id) ?? NONE);
      return { id, points: found?.points ?? 0, buckets: found?.buckets.map(chartBucket) ?? [] };
    }),
  };
}

/** A number that no series has. */
const NONE = -1n;

function present(series: ReadonlyMap<string, bigint | null>): bigint[] {
  return [...new Set([...series.values()].filter((one) => one !== null))];
}

function chartBucket({ x, n, min, max, sum, last }: ChartBucket) {
  const mean = sum / n;
  return {
    x,
    n,
    ...(n > 0 && { min, max }),
    // The sum of numbers near the maximum is not finite.
    ...(Number.isFinite(mean) && { mean }),
    last: metricValueOf(last),
  };
}
