/** Points as a call logs them, and as a batch by series. */
import type { MetricPoint } from '@dais/api/tracking';
import { numberArray } from './arrays.ts';
import { numberOf } from './metric-value.ts';
import { compareValues, makePoints, samePoint, slicePoints, type Points } from './points.ts';

export interface MetricRun {
  readonly num: bigint;
  readonly projectId: string;
  readonly experiment: bigint;
}

export interface LoggedPoint extends MetricPoint {
  readonly key: string;
  /** The dataset and the logged model of the measurement, which is also stored with the model. */
  readonly datasetName?: string | undefined;
  readonly datasetDigest?: string | undefined;
  readonly modelId?: string | undefined;
}

/**
 * Points of one call, without duplicates, by series and within each by step and time. Columns cover all series, because a
 * thousand series of one point would otherwise need three thousand arrays.
 */
export interface LoggedBatch {
  readonly points: Points;
  /** The columns formatted for PostgreSQL, computed once. */
  readonly text: () => PointsText;
  /** By key, in the same order for all writers, so that locking the rows of series cannot deadlock. */
  readonly series: readonly SeriesBatch[];
}

export type PointsText = Readonly<Record<keyof Points, string>>;

/** The points of one metric, from the first to the latest. */
export interface SeriesBatch {
  readonly key: string;
  /** Range in the columns; `to` is exclusive. */
  readonly from: number;
  readonly to: number;
  /** Over the points that are not NaN. */
  readonly min: number | null;
  readonly max: number | null;
}

export function batchBySeries(logged: readonly LoggedPoint[]): LoggedBatch {
  const list = logged.map(({ key, step, timestamp, value }) => ({ key, step, timestamp, value: numberOf(value) }));
  list.sort((a, b) =>
    a.key === b.key
      ? a.step - b.step || a.timestamp - b.timestamp || compareValues(a.value, b.value)
      : a.key < b.key
        ? -1
        : 1,
  );
  const points = makePoints(list.length);
  const series: { key: string; from: number; to: number; min: number | null; max: number | null }[] = [];
  let at = 0;
  let current: (typeof series)[number] | undefined;
  for (const { key, step, timestamp, value } of list) {
    points.steps[at] = step;
    points.times[at] = timestamp;
    points.values[at] = value;
    if (current?.key !== key) {
      current = { key, from: at, to: at, min: null, max: null };
      series.push(current);
    } else if (samePoint(points, at - 1, at)) {
      continue;
    }
    at++;
    current.to = at;
    if (Number.isNaN(value)) continue;
    current.min = current.min === null ? value : Math.min(current.min, value);
    current.max = current.max === null ? value : Math.max(current.max, value);
  }
  const columns = slicePoints(points, 0, at);
  let text: PointsText | undefined;
  return { points: columns, series, text: () => (text ??= pointsText(columns)) };
}

function pointsText({ steps, times, values }: Points): PointsText {
  return { steps: numberArray(steps), times: numberArray(times), values: numberArray(values) };
}

export function pointsOf({ points }: LoggedBatch, { from, to }: SeriesBatch): Points {
  return slicePoints(points, from, to);
}
