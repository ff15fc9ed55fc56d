import { DaisError, MOST_IMPORTED_POINTS, type MetricPoint } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { appendMetrics } from '../metrics/append.ts';
import { compactEndedRun } from '../metrics/compaction-queue.ts';
import type { LoggedPoint, MetricRun } from '../metrics/logged-point.ts';
import { noRun } from '../run-lookup.ts';

export interface ImportedMetrics {
  readonly runId: string;
  readonly series: readonly ImportedSeries[];
}

interface ImportedSeries {
  readonly key: string;
  readonly steps: readonly number[];
  readonly timestamps: readonly number[];
  readonly values: readonly MetricPoint['value'][];
}

/** Imports points. Existing points are not duplicated. @throws DaisError `not_found`, `invalid_request`, `too_large`. */
export async function importMetrics(tx: Transaction, { runId, series }: ImportedMetrics) {
  const total = series.reduce((points, { steps }) => points + steps.length, 0);
  if (total > MOST_IMPORTED_POINTS) {
    throw new DaisError(
      'too_large',
      `The request has ${total} points, and the limit is ${MOST_IMPORTED_POINTS}. Split it into several requests.`,
    );
  }
  const points = series.flatMap(pointsOf);
  const run = await anyRun(tx, runId);
  await appendMetrics(tx, run, points);
  await compactEndedRun(tx, run);
  const rows = await tx.sql.query<{ key: string; n: bigint }>(
    'select key, n from tracking.metric where run = $1 and key = any($2)',
    [run.num, series.map(({ key }) => key)],
    'imported_points',
  );
  return { series: rows.map(({ key, n }) => ({ key, points: Number(n) })) };
}

function pointsOf({ key, steps, timestamps, values }: ImportedSeries, index: number): LoggedPoint[] {
  if (timestamps.length !== steps.length || values.length !== steps.length) {
    throw new DaisError('invalid_request', `The columns of metric "${key}" have different lengths.`, {
      issues: [{ path: `series[${index}]`, message: 'has columns of different lengths', expected: 'equal lengths' }],
    });
  }
  return steps.map((step, at) => ({ key, step, timestamp: timestamps[at]!, value: values[at]! }));
}

/** Finds a run, also a deleted one, which may have been deleted at its source before its metrics were imported. */
async function anyRun({ sql, projectId }: Transaction, id: string): Promise<MetricRun> {
  // The lock prevents its permanent removal during the transaction.
  const [row] = await sql.query<{ num: bigint; experiment: bigint }>(
    'select num, experiment from tracking.run where project_id = $1 and id = $2 for share',
    [projectId, id],
    'run_for_import',
  );
  if (row === undefined) throw noRun(id);
  return { num: row.num, projectId, experiment: row.experiment };
}
