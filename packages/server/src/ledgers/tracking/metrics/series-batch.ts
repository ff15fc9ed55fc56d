import { numberArray } from './arrays.ts';
import type { LoggedPoint } from './logged-point.ts';
import { numberOf } from './metric-value.ts';
import { compareValues, makePoints, samePoint, slicePoints, type Points } from './points.ts';

/**
 * Points that are logged together: by series, in each by step and time, each once. Columns over all series, because a
 * thousand series of one point would else be three thousand arrays.
 */
export interface LoggedBatch {
  readonly points: Points;
  /** The columns as PostgreSQL reads them; made once. */
  readonly text: () => PointsText;
  /** By key, in one order for all writers: they lock the rows of their series in that order, and never each other out. */
  readonly series: readonly SeriesBatch[];
}

export type PointsText = Readonly<Record<keyof Points, string>>;

/** The points of one metric, from the lowest to the latest. */
export interface SeriesBatch {
  readonly key: string;
  /** Places in the columns; `to` is behind the last. */
  readonly from: number;
  readonly to: number;
  /** Of the points that are numbers. */
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
