/** Collects metric points of a log in pages, and the latest point of each metric. */
import type { MetricPoint } from '@dais/api/tracking';
import type { Series, SourceRun } from '../source.ts';

const POINTS_PER_PAGE = 50_000;
export const MOST_METRICS = 100_000;
const LONGEST_KEY = 250;
/** Prefix of metrics of the machine, as in MLflow. */
export const SYSTEM = 'system/';

export interface LogPoint {
  readonly key: string;
  readonly step: number;
  /** In milliseconds. */
  readonly timestamp: number;
  readonly value: number;
}

/** Groups points by metric, in pages of bounded size. Leaves out what Dais cannot store: see `LatestPoints`. */
export async function* seriesOf(points: AsyncIterable<LogPoint>): AsyncGenerator<Series> {
  let page = new Map<string, Series>();
  let size = 0;
  for await (const point of points) {
    if (!isStorable(point)) continue;
    let series = page.get(point.key);
    if (series === undefined) {
      series = { key: point.key, steps: [], timestamps: [], values: [] };
      page.set(point.key, series);
    }
    series.steps.push(point.step);
    series.timestamps.push(point.timestamp);
    series.values.push(valueOf(point.value));
    if (++size < POINTS_PER_PAGE) continue;
    yield* page.values();
    [page, size] = [new Map(), 0];
  }
  yield* page.values();
}

/** The latest point of each metric has the greatest step, then time, then value, as in MLflow. */
export class LatestPoints {
  readonly #latest = new Map<string, LogPoint>();
  #omitted = 0;
  #first = Infinity;
  #last = 0;
  #lastStep = 0;

  add(point: LogPoint): void {
    if (!isStorable(point) || (this.#latest.size >= MOST_METRICS && !this.#latest.has(point.key))) {
      this.#omitted += 1;
      return;
    }
    if (point.timestamp > 0) this.#first = Math.min(this.#first, point.timestamp);
    this.#last = Math.max(this.#last, point.timestamp);
    if (!point.key.startsWith(SYSTEM)) this.#lastStep = Math.max(this.#lastStep, point.step);
    const before = this.#latest.get(point.key);
    if (before === undefined || isLater(point, before)) this.#latest.set(point.key, point);
  }

  get(key: string): LogPoint | undefined {
    return this.#latest.get(key);
  }

  /** Smallest time of all points, in milliseconds; 0: none. */
  get firstAt(): number {
    return this.#first === Infinity ? 0 : this.#first;
  }

  /** Greatest time of all points, in milliseconds; 0: none. */
  get lastAt(): number {
    return this.#last;
  }

  /** Greatest step of the metrics that the training logged. */
  get lastStep(): number {
    return this.#lastStep;
  }

  /** Points that Dais cannot store. */
  get omitted(): number {
    return this.#omitted;
  }

  all(): SourceRun['metrics'] {
    return [...this.#latest.values()].map(({ value, ...point }) => ({ ...point, value: valueOf(value) }));
  }
}

function isStorable({ key, step, timestamp }: LogPoint): boolean {
  if (key.includes('\0') || !key.isWellFormed()) return false;
  return key !== '' && key.length <= LONGEST_KEY && Number.isSafeInteger(step) && Number.isSafeInteger(timestamp);
}

function isLater(a: LogPoint, b: LogPoint): boolean {
  if (a.step !== b.step) return a.step > b.step;
  if (a.timestamp !== b.timestamp) return a.timestamp > b.timestamp;
  return a.value > b.value || (Number.isNaN(b.value) && !Number.isNaN(a.value));
}

function valueOf(value: number): MetricPoint['value'] {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return 'Infinity';
  return value === -Infinity ? '-Infinity' : value;
}

/** From seconds with a fraction. */
export const millisecondsOf = (seconds: number): number => {
  const milliseconds = Math.round(seconds * 1000);
  return Number.isSafeInteger(milliseconds) && milliseconds > 0 ? milliseconds : 0;
};
