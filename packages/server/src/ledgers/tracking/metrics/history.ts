/** Reads all points of a metric, ordered by time, step and value, as clients expect. */
import type { Sql } from '#engines/database/contract.ts';
import { CHUNK, decodeChunk } from './chunk.ts';
import { comparePoints, joinPoints, pointAt, slicePoints, sortPoints, type Point, type Points } from './points.ts';
import { TAIL_BYTES, tailPoints } from './tail.ts';

export interface HistoryPage {
  readonly points: Points;
  /** More points follow. */
  readonly more: boolean;
}

/** Reads points after `after`. One statement reads the chunks of a page and the tail. */
export async function readHistory(
  sql: Sql,
  series: bigint,
  limit: number,
  after: Point | undefined,
): Promise<HistoryPage> {
  // Most of the first chunk may be before the cursor.
  for (let budget = limit + 2 * CHUNK; ; budget *= 2) {
    const { points, horizon } = await readSome(sql, series, budget, after?.timestamp);
    const from = after === undefined ? 0 : positionOf(points, (point) => comparePoints(point, after, 'time') > 0);
    const whole = horizon === undefined ? points.steps.length : positionOf(points, (point) => isFrom(point, horizon));
    const to = Math.min(whole, from + limit);
    const more = to < whole || horizon !== undefined;
    // With overlapping chunks, no point may be certain to be first; then more chunks are read.
    if (to > from || !more) return { points: slicePoints(points, from, Math.max(from, to)), more };
  }
}

/** All unread chunks have only later points. */
type Horizon = Pick<Point, 'step' | 'timestamp'>;

interface PartRow {
  readonly part: 'chunk' | 'next' | 'tail';
  readonly first_ts: number | null;
  readonly min_step: number | null;
  readonly data: Buffer | null;
}

async function readSome(
  sql: Sql,
  series: bigint,
  budget: number,
  fromTime: number | undefined,
): Promise<{ points: Points; horizon: Horizon | undefined }> {
  const rows = await sql.query<PartRow>(
    `with chunk as materialized (
       select first_ts, min_step, data,
         coalesce(sum(n) over (order by first_ts, min_step, seq rows between unbounded preceding and 1 preceding), 0) as before
       from tracking.metric_chunk where series = $1 and last_ts >= $2
     )
     (select 'chunk' as part, first_ts::float8, min_step::float8, data from chunk where before < $3)
     union all
     (select 'next', first_ts::float8, min_step::float8, null from chunk where before >= $3
      order by first_ts, min_step limit 1)
     union all
     select 'tail', null, null, ${TAIL_BYTES} from tracking.metric_tail where series = $1 and ts >= $2`,
    [series, fromTime ?? Number.MIN_SAFE_INTEGER, budget],
    'metric_history',
  );
  const parts: Points[] = [];
  let horizon: Horizon | undefined;
  for (const { part, first_ts, min_step, data } of rows) {
    if (part === 'chunk') parts.push(decodeChunk(data!));
    else if (part === 'tail') parts.push(tailPoints(data));
    else horizon = { timestamp: first_ts!, step: min_step! };
  }
  return { points: sortPoints(joinPoints(parts), 'time'), horizon };
}

function isFrom(point: Point, { timestamp, step }: Horizon): boolean {
  return point.timestamp - timestamp > 0 || (point.timestamp === timestamp && point.step >= step);
}

/** Returns the first index of sorted points from which `reached` is true. */
function positionOf(points: Points, reached: (point: Point) => boolean): number {
  let [low, high] = [0, points.steps.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (reached(pointAt(points, middle))) high = middle;
    else low = middle + 1;
  }
  return low;
}
