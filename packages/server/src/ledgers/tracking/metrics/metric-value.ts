import type { MetricPoint } from '@dais/api/tracking';
import type { Point, Points } from './points.ts';

type MetricValue = MetricPoint['value'];

/** Converts a value for storage: infinity becomes the largest number, as clients expect; NaN is unchanged. */
export function numberOf(value: MetricValue): number {
  const number = Number(value);
  if (number === Number.POSITIVE_INFINITY) return Number.MAX_VALUE;
  return number === Number.NEGATIVE_INFINITY ? -Number.MAX_VALUE : number;
}

export function metricValueOf(number: number): MetricValue {
  return Number.isNaN(number) ? 'NaN' : number;
}

export function metricPoint({ step, timestamp, value }: Point): MetricPoint {
  return { value: metricValueOf(value), timestamp, step };
}

export function metricPoints({ steps, times, values }: Points): MetricPoint[] {
  return Array.from(steps, (step, index) => ({
    value: metricValueOf(values[index]!),
    timestamp: times[index]!,
    step,
  }));
}
