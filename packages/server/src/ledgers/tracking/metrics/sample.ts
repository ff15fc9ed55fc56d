/**
 * Evenly chosen points: as many groups of neighbors as requested points, sizes differing by one at most, and of each
 * group the first point; the last point of all in any case. By step, time and value. Only chunks with a chosen point
 * are decoded.
 */
import type { Sql } from '#engines/database/contract.ts';
import { joinPoints, makePoints, pointAt, slicePoints, sortPoints, type Point, type Points } from './points.ts';
import { readChunks, readSeriesData, type ChunkRef, type Span } from './series-reader.ts';

/** Overlapping chunks (and the tail). All points of the previous segment are before it, and those of the next after it. */
interface Segment {
  readonly series: bigint;
  readonly chunks: readonly ChunkRef[];
  readonly tail: Points;
  /** Number of its points in the span. Unknown until decoded if the span cuts it. */
  n: number | undefined;
  points?: Points;
}

export async function sampleSeries(
  sql: Sql,
  series: readonly bigint[],
  span: Span,
  limit: number,
): Promise<Map<bigint, Point[]>> {
  const parts = await readSeriesData(sql, series, span, 'step');
  const all = parts.map(({ series: one, chunks, tail }) => ({
    series: one,
    segments: segmentsOf(one, chunks, sortPoints(tail, 'step'), span),
  }));
  await decode(
    sql,
    all.flatMap(({ segments }) => segments.filter(({ n }) => n === undefined)),
    span,
  );
  const chosen = all.map((one) => ({ ...one, places: choose(one.segments, limit) }));
  await decode(
    sql,
    chosen.flatMap(({ segments, places }) => segments.filter((_, index) => places[index]!.length > 0)),
    span,
  );
  return new Map(
    chosen.map(({ series: one, segments, places }) => [
      one,
      segments.flatMap(({ points }, index) => places[index]!.map((position) => pointAt(points!, position))),
    ]),
  );
}

interface Range {
  readonly first: readonly [step: number, ts: number];
  readonly last: readonly [step: number, ts: number];
}

function segmentsOf(series: bigint, chunks: readonly ChunkRef[], tail: Points, span: Span): Segment[] {
  const n = tail.steps.length;
  const items: (Range & { readonly chunk?: ChunkRef })[] = chunks.map((chunk) => ({
    first: [chunk.minStep, chunk.firstTs],
    last: [chunk.maxStep, chunk.lastTs],
    chunk,
  }));
  if (n > 0) items.push({ first: [tail.steps[0]!, tail.times[0]!], last: [tail.steps[n - 1]!, tail.times[n - 1]!] });
  items.sort((a, b) => a.first[0] - b.first[0] || a.first[1] - b.first[1]);
  const groups: { last: Range['last']; items: typeof items }[] = [];
  for (const item of items) {
    const group = groups.at(-1);
    if (group === undefined || before(group.last, item.first)) {
      groups.push({ last: item.last, items: [item] });
    } else {
      group.items.push(item);
      if (before(group.last, item.last)) group.last = item.last;
    }
  }
  const { from = Number.NEGATIVE_INFINITY, to = Number.POSITIVE_INFINITY } = span;
  return groups.map((group) => {
    const inGroup = group.items.flatMap(({ chunk }) => chunk ?? []);
    const withTail = inGroup.length < group.items.length;
    const whole = inGroup.every(({ minStep, maxStep }) => minStep >= from && maxStep <= to);
    return {
      series,
      chunks: inGroup,
      tail: withTail ? tail : makePoints(0),
      n: whole ? inGroup.reduce((sum, chunk) => sum + chunk.n, withTail ? n : 0) : undefined,
    };
  });
}

function before(a: readonly [number, number], b: readonly [number, number]): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

async function decode(sql: Sql, segments: readonly Segment[], { from, to }: Span): Promise<void> {
  const missing = segments.filter(({ points }) => points === undefined);
  const data = await readChunks(
    sql,
    missing.flatMap(({ series, chunks }) => chunks.map((chunk) => ({ series, chunk }))),
  );
  for (const segment of missing) {
    const decoded = segment.chunks.map(({ seq }) => data.get(seq) ?? makePoints(0));
    const sorted = sortPoints(joinPoints([...decoded, segment.tail]), 'step');
    const start = from === undefined ? 0 : firstPosition(sorted.steps, (step) => step >= from);
    const end = to === undefined ? sorted.steps.length : firstPosition(sorted.steps, (step) => step > to);
    segment.points = slicePoints(sorted, start, end);
    segment.n = segment.points.steps.length;
  }
}

function firstPosition(sorted: Float64Array, reached: (value: number) => boolean): number {
  const position = sorted.findIndex(reached);
  return position === -1 ? sorted.length : position;
}

/** Returns the indexes of the sampled points for each segment. */
function choose(segments: readonly Segment[], limit: number): number[][] {
  const total = segments.reduce((sum, { n }) => sum + n!, 0);
  const ranks = evenRanks(total, limit);
  let start = 0;
  let next = 0;
  return segments.map(({ n }) => {
    const positions: number[] = [];
    for (; next < ranks.length && ranks[next]! < start + n!; next++) positions.push(ranks[next]! - start);
    start += n!;
    return positions;
  });
}

/** Returns the first index of each of `limit` groups of `total`, larger groups first, and always the last index. */
export function evenRanks(total: number, limit: number): number[] {
  if (total <= limit) return Array.from({ length: total }, (_, rank) => rank);
  const size = Math.floor(total / limit);
  const larger = total % limit;
  const ranks = Array.from({ length: limit }, (_, group) => group * size + Math.min(group, larger));
  ranks[limit - 1] = total - 1;
  return ranks;
}
