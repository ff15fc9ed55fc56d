/** Writes points that are not later than the latest of their series: repeated calls and unordered points. */
import type { Transaction } from '#kernel/transaction.ts';
import { numberArray } from './arrays.ts';
import { decodeChunk } from './chunk.ts';
import { isDue } from './compaction.ts';
import { pointsOf, type MetricRun, type LoggedBatch, type SeriesBatch } from './logged-points.ts';
import { comparePoints, pointAt, type Point, type Points } from './points.ts';
import { insertNewTail } from './tail.ts';

interface LateSeries extends SeriesBatch {
  readonly series: bigint;
  readonly points: Points;
  /** State of the stored series. */
  readonly latest: Point;
  readonly first: Point;
}

/** Locks the rows of the series. Returns whether the tail of one of them has enough points for a chunk. */
export async function appendLatePoints(tx: Transaction, run: MetricRun, batch: LoggedBatch): Promise<boolean> {
  const { sql } = tx;
  const all = await readSeries(tx, run, batch);
  const inChunks = await pointsInChunks(tx, all);
  const tail = all.flatMap(({ series, from, points }) => {
    const known = inChunks.get(series);
    if (known === undefined) return [{ series, from, to: from + points.steps.length }];
    const unknown = [...points.steps.keys()].filter((position) => !known.has(position));
    return unknown.map((position) => ({ series, from: from + position, to: from + position + 1 }));
  });
  const added = await insertNewTail(sql, run.projectId, batch, tail);
  const changed = all.filter(({ series }) => added.has(series)).map(moved);
  if (changed.length === 0) return false;
  const rows = await sql.query<{ series: bigint; tail_n: number }>(
    `update tracking.metric m set value = b.value, step = b.step, ts = b.ts, first_step = b.first_step,
       first_ts = b.first_ts, min = least(m.min, b.min), max = greatest(m.max, b.max), n = m.n + b.added,
       tail_n = m.tail_n + b.added
     from unnest($2::text[], $3::float8[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::float8[],
       $9::float8[], $10::int[]) as b(key, value, step, ts, first_step, first_ts, min, max, added)
     where m.run = $1 and m.key = b.key returning m.series, m.tail_n`,
    [
      run.num,
      changed.map(({ key }) => key),
      numberArray(changed.map(({ latest }) => latest.value)),
      numberArray(changed.map(({ latest }) => latest.step)),
      numberArray(changed.map(({ latest }) => latest.timestamp)),
      numberArray(changed.map(({ first }) => first.step)),
      numberArray(changed.map(({ first }) => first.timestamp)),
      numberArray(changed.map(({ min }) => min)),
      numberArray(changed.map(({ max }) => max)),
      numberArray(changed.map(({ series }) => added.get(series) ?? 0)),
    ],
    'metric_late_update',
  );
  return rows.some((row) => isDue({ tail: row.tail_n, added: added.get(row.series) ?? 0 }));
}

/** Updates the first and the latest point of the series. */
function moved(late: LateSeries): LateSeries {
  const { points, first, latest } = late;
  const [lowest, highest] = [pointAt(points, 0), pointAt(points, points.steps.length - 1)];
  return {
    ...late,
    first: comparePoints(lowest, first, 'step') < 0 ? lowest : first,
    latest: comparePoints(highest, latest, 'step') > 0 ? highest : latest,
  };
}

type SeriesRow = Record<'series' | 'step' | 'ts' | 'first_step' | 'first_ts', bigint> & {
  readonly key: string;
  readonly value: number;
};

async function readSeries(tx: Transaction, run: MetricRun, batch: LoggedBatch): Promise<LateSeries[]> {
  const rows = await tx.sql.query<SeriesRow>(
    `select series, key, value, step, ts, first_step, first_ts from tracking.metric where run = $1 and key = any($2)`,
    [run.num, batch.series.map(({ key }) => key)],
    'metric_late',
  );
  const byKey = new Map(batch.series.map((one) => [one.key, one]));
  return rows.map(({ series, key, value, step, ts, first_step, first_ts }) => {
    const logged = byKey.get(key)!;
    return {
      ...logged,
      series,
      points: pointsOf(batch, logged),
      latest: { step: Number(step), timestamp: Number(ts), value },
      // Only its position is stored, not its value.
      first: { step: Number(first_step), timestamp: Number(first_ts), value: Number.NEGATIVE_INFINITY },
    };
  });
}

interface ChunkRange {
  readonly series: bigint;
  readonly first_ts: bigint;
  readonly seq: bigint;
  readonly last_ts: bigint;
  readonly min_step: bigint;
  readonly max_step: bigint;
}

/** Returns, by series, the indexes of points that exist in a chunk. Only chunks that can contain one are decoded. */
async function pointsInChunks(tx: Transaction, all: readonly LateSeries[]): Promise<Map<bigint, Set<number>>> {
  const ranges = await tx.sql.query<ChunkRange>(
    `select c.series, c.first_ts, c.seq, c.last_ts, c.min_step, c.max_step
     from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
       as b(series, first_step, last_step, first_ts, last_ts)
     join tracking.metric_chunk c on c.series = b.series and c.first_ts <= b.last_ts and c.last_ts >= b.first_ts
       and c.min_step <= b.last_step and c.max_step >= b.first_step`,
    [
      all.map(({ series }) => series),
      numberArray(all.map(({ points }) => points.steps[0]!)),
      numberArray(all.map(({ points }) => points.steps.at(-1)!)),
      numberArray(all.map(({ points }) => Math.min(...points.times))),
      numberArray(all.map(({ points }) => Math.max(...points.times))),
    ],
    'metric_late_ranges',
  );
  const bySeries = new Map(all.map(({ series, points }) => [series, points]));
  const candidates = ranges.filter((range) => canHold(range, bySeries.get(range.series)!));
  const found = new Map<bigint, Set<number>>();
  if (candidates.length === 0) return found;
  const chunks = await tx.sql.query<{ series: bigint; data: Buffer }>(
    `select c.series, c.data from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as w(series, first_ts, seq)
     join tracking.metric_chunk c using (series, first_ts, seq)`,
    [
      candidates.map(({ series }) => series),
      candidates.map((range) => range.first_ts),
      candidates.map(({ seq }) => seq),
    ],
    'metric_late_chunks',
  );
  for (const { series, data } of chunks) {
    const positions = found.get(series) ?? new Set();
    found.set(series, positions);
    for (const position of positionsIn(decodeChunk(data), bySeries.get(series)!)) positions.add(position);
  }
  return found;
}

function canHold(range: ChunkRange, { steps, times }: Points): boolean {
  const [fromTs, toTs, fromStep, toStep] = [range.first_ts, range.last_ts, range.min_step, range.max_step].map(Number);
  return steps.some((step, index) => {
    const time = times[index]!;
    return time >= fromTs! && time <= toTs! && step >= fromStep! && step <= toStep!;
  });
}

/** Returns the indexes of `points` that are in `chunk`. */
function positionsIn(chunk: Points, points: Points): number[] {
  const name = ({ steps, times, values }: Points, index: number) =>
    // Text does not distinguish -0 and 0, or different NaNs.
    `${steps[index]}/${times[index]}/${values[index]}`;
  const known = new Set(Array.from(chunk.steps.keys(), (index) => name(chunk, index)));
  return [...points.steps.keys()].filter((index) => known.has(name(points, index)));
}
