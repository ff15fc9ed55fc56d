/** Points of one series as columns: a million objects would need ten times the memory and most of the time. */
export interface Points {
  /** Safe integers. */
  readonly steps: Float64Array;
  /** Milliseconds since 1970; safe integers. */
  readonly times: Float64Array;
  readonly values: Float64Array;
}

export interface Point {
  readonly step: number;
  readonly timestamp: number;
  readonly value: number;
}

export function makePoints(n: number): Points {
  return { steps: new Float64Array(n), times: new Float64Array(n), values: new Float64Array(n) };
}

export function toPoints(list: readonly Point[]): Points {
  const points = makePoints(list.length);
  for (const [index, { step, timestamp, value }] of list.entries()) {
    points.steps[index] = step;
    points.times[index] = timestamp;
    points.values[index] = value;
  }
  return points;
}

export function pointAt(points: Points, index: number): Point {
  return { step: points.steps[index]!, timestamp: points.times[index]!, value: points.values[index]! };
}

export function slicePoints({ steps, times, values }: Points, from: number, to: number): Points {
  return { steps: steps.subarray(from, to), times: times.subarray(from, to), values: values.subarray(from, to) };
}

export function joinPoints(parts: readonly Points[]): Points {
  if (parts.length === 1) return parts[0]!;
  const all = makePoints(parts.reduce((n, { steps }) => n + steps.length, 0));
  let at = 0;
  for (const { steps, times, values } of parts) {
    all.steps.set(steps, at);
    all.times.set(times, at);
    all.values.set(values, at);
    at += steps.length;
  }
  return all;
}

/** `time`: order of histories (time, step, value). `step`: order that determines the latest point (step, time, value). */
export type PointOrder = 'time' | 'step';

/** Compares values at the same position. NaN sorts directly after 0, as clients expect. */
export function compareValues(a: number, b: number): number {
  const [aIsNaN, bIsNaN] = [Number.isNaN(a), Number.isNaN(b)];
  return (aIsNaN ? 0 : a) - (bIsNaN ? 0 : b) || Number(aIsNaN) - Number(bIsNaN);
}

export function comparePoints(a: Point, b: Point, order: PointOrder): number {
  const [step, time] = [a.step - b.step, a.timestamp - b.timestamp];
  return (order === 'time' ? time || step : step || time) || compareValues(a.value, b.value);
}

/** Returns the points in order. Points in order, as training writes them, are only checked. */
export function sortPoints(points: Points, order: PointOrder): Points {
  const { values } = points;
  const [first, second] = order === 'time' ? [points.times, points.steps] : [points.steps, points.times];
  const n = values.length;
  const compare = (a: number, b: number) =>
    first[a]! - first[b]! || second[a]! - second[b]! || compareValues(values[a]!, values[b]!);
  let sorted = true;
  for (let index = 1; index < n && sorted; index++) sorted = compare(index - 1, index) <= 0;
  if (sorted) return points;
  const positions = new Uint32Array(n).map((_, index) => index).sort(compare);
  const result = makePoints(n);
  for (const [index, position] of positions.entries()) {
    result.steps[index] = points.steps[position]!;
    result.times[index] = points.times[position]!;
    result.values[index] = values[position]!;
  }
  return result;
}

/** Returns whether two points are equal: a repeated call must not duplicate them. */
export function samePoint(points: Points, a: number, b: number): boolean {
  return (
    points.steps[a] === points.steps[b] &&
    points.times[a] === points.times[b] &&
    compareValues(points.values[a]!, points.values[b]!) === 0
  );
}

/** Removes duplicates from sorted points. */
export function distinctPoints(points: Points): Points {
  const n = points.steps.length;
  let same = 1;
  while (same < n && !samePoint(points, same - 1, same)) same++;
  if (same >= n) return points;
  const kept = makePoints(n);
  let count = 0;
  for (let index = 0; index < n; index++) {
    if (index > 0 && samePoint(points, index - 1, index)) continue;
    kept.steps[count] = points.steps[index]!;
    kept.times[count] = points.times[index]!;
    kept.values[count] = points.values[index]!;
    count++;
  }
  return slicePoints(kept, 0, count);
}
