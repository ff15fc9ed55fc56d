/**
 * Aggregates a series for charts: buckets of equal width with their extremes. A chunk not wider than two buckets counts
 * as a whole in the bucket of its last point, by its summary alone. Wider chunks are decoded; at most half as many as there
 * are buckets can be in view.
 */
import type { Sql } from '#engines/database/contract.ts';
import { compareValues, type PointOrder, type Points } from './points.ts';
import { readChunks, readSeriesData, type ChunkRef, type SeriesData, type Span } from './series-reader.ts';

const WHOLE_UP_TO = 2;

export interface ChartBucket {
  /** Step or time of its last point. */
  readonly x: number;
  /** Number of points that are not NaN. */
  readonly n: number;
  readonly min: number;
  readonly max: number;
  readonly sum: number;
  readonly last: number;
}

export interface ChartSeries {
  readonly series: bigint;
  readonly points: number;
  readonly buckets: readonly ChartBucket[];
}

/** Returns all series with the same buckets, so that charts can overlay them. */
export async function chartSeries(
  sql: Sql,
  series: readonly bigint[],
  axis: PointOrder,
  span: Span,
  buckets: number,
): Promise<ChartSeries[]> {
  const parts = await readSeriesData(sql, series, span, axis);
  const grid = gridOf(parts, axis, span, buckets);
  const isWhole = (chunk: ChunkRef) => {
    const [first, last] = rangeOf(chunk, axis);
    return (
      last - first <= WHOLE_UP_TO * grid.width &&
      first >= grid.from &&
      last <= grid.to &&
      (axis === 'time' || chunk.inStep)
    );
  };
  const data = await readChunks(
    sql,
    parts.flatMap(({ series: one, chunks }) =>
      chunks.filter((chunk) => !isWhole(chunk)).map((chunk) => ({ series: one, chunk })),
    ),
  );
  return parts.map(({ series: one, chunks, tail }) => {
    const filling = new Filling(grid, axis);
    for (const chunk of chunks) {
      const points = data.get(chunk.seq);
      if (points === undefined) filling.addWhole(chunk);
      else filling.addPoints(points);
    }
    filling.addPoints(tail);
    return { series: one, points: filling.points, buckets: filling.buckets() };
  });
}

interface Grid {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly count: number;
}

function rangeOf(chunk: ChunkRef, axis: PointOrder): readonly [number, number] {
  return axis === 'step' ? [chunk.minStep, chunk.maxStep] : [chunk.firstTs, chunk.lastTs];
}

function gridOf(parts: readonly SeriesData[], axis: PointOrder, span: Span, count: number): Grid {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { chunks, tail } of parts) {
    for (const chunk of chunks) {
      const [first, last] = rangeOf(chunk, axis);
      if (first < low) low = first;
      if (last > high) high = last;
    }
    for (const coordinate of axis === 'step' ? tail.steps : tail.times) {
      if (coordinate < low) low = coordinate;
      if (coordinate > high) high = coordinate;
    }
  }
  const from = span.from ?? low;
  const to = span.to ?? high;
  return { from, to, width: (to - from) / count, count };
}

/** The last point of a bucket has the highest position, then the highest on the other axis, then the highest value. */
class Filling {
  readonly #grid: Grid;
  readonly #axis: PointOrder;
  readonly #n: Uint32Array;
  readonly #all: Uint32Array;
  readonly #min: Float64Array;
  readonly #max: Float64Array;
  readonly #sum: Float64Array;
  readonly #x: Float64Array;
  readonly #other: Float64Array;
  readonly #last: Float64Array;
  points = 0;

  constructor(grid: Grid, axis: PointOrder) {
    const { count } = grid;
    this.#grid = grid;
    this.#axis = axis;
    this.#n = new Uint32Array(count);
    this.#all = new Uint32Array(count);
    this.#min = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
    this.#max = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
    this.#sum = new Float64Array(count);
    this.#x = new Float64Array(count);
    this.#other = new Float64Array(count);
    this.#last = new Float64Array(count);
  }

  addWhole(chunk: ChunkRef): void {
    const byStep = this.#axis === 'step';
    const bucket = this.#bucket(byStep ? chunk.maxStep : chunk.lastTs);
    this.#n[bucket]! += chunk.n - chunk.nans;
    this.#sum[bucket]! += chunk.sum;
    if (chunk.min !== null && chunk.min < this.#min[bucket]!) this.#min[bucket] = chunk.min;
    if (chunk.max !== null && chunk.max > this.#max[bucket]!) this.#max[bucket] = chunk.max;
    if (byStep) this.#offer(bucket, chunk.maxStep, chunk.lastTs, chunk.last);
    else this.#offer(bucket, chunk.lastTs, chunk.maxStep, chunk.last);
    this.#all[bucket]! += chunk.n;
    this.points += chunk.n;
  }

  addPoints({ steps, times, values }: Points): void {
    const { from, to } = this.#grid;
    const [coordinates, others] = this.#axis === 'step' ? [steps, times] : [times, steps];
    for (let index = 0; index < coordinates.length; index++) {
      const coordinate = coordinates[index]!;
      if (coordinate < from || coordinate > to) continue;
      const bucket = this.#bucket(coordinate);
      const value = values[index]!;
      if (!Number.isNaN(value)) {
        this.#n[bucket]! += 1;
        this.#sum[bucket]! += value;
        if (value < this.#min[bucket]!) this.#min[bucket] = value;
        if (value > this.#max[bucket]!) this.#max[bucket] = value;
      }
      this.#offer(bucket, coordinate, others[index]!, value);
      this.#all[bucket]! += 1;
      this.points++;
    }
  }

  buckets(): ChartBucket[] {
    const buckets: ChartBucket[] = [];
    for (const [bucket, all] of this.#all.entries()) {
      if (all === 0) continue;
      buckets.push({
        x: this.#x[bucket]!,
        n: this.#n[bucket]!,
        min: this.#min[bucket]!,
        max: this.#max[bucket]!,
        sum: this.#sum[bucket]!,
        last: this.#last[bucket]!,
      });
    }
    return buckets;
  }

  #bucket(position: number): number {
    const { from, width, count } = this.#grid;
    return width > 0 ? Math.min(count - 1, Math.floor((position - from) / width)) : 0;
  }

  #offer(bucket: number, x: number, other: number, value: number): void {
    if (this.#all[bucket] !== 0) {
      const ahead = x - this.#x[bucket]! || other - this.#other[bucket]! || compareValues(value, this.#last[bucket]!);
      if (ahead < 0) return;
    }
    this.#x[bucket] = x;
    this.#other[bucket] = other;
    this.#last[bucket] = value;
  }
}
