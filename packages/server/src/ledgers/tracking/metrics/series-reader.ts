/** Reads several series in one statement: summaries of chunks, and the points of tails. */
import type { Sql } from '#engines/database/contract.ts';
import { decodeChunk } from './chunk.ts';
import type { ChunkSummary } from './chunk-rows.ts';
import { makePoints, type PointOrder, type Points } from './points.ts';
import { TAIL_BYTES, tailPoints } from './tail.ts';

export interface ChunkRef extends ChunkSummary {
  readonly seq: number;
}

export interface SeriesData {
  readonly series: bigint;
  readonly chunks: readonly ChunkRef[];
  /** Points of the tail, unordered. */
  readonly tail: Points;
}

/** Inclusive at both ends. */
export interface Span {
  readonly from: number | undefined;
  readonly to: number | undefined;
}

interface PartRow {
  readonly series: bigint;
  readonly seq: number | null;
  readonly n: number | null;
  readonly first_ts: number | null;
  readonly last_ts: number | null;
  readonly min_step: number | null;
  readonly max_step: number | null;
  readonly min: number | null;
  readonly max: number | null;
  readonly sum: number | null;
  readonly nans: number | null;
  readonly last: number | null;
  readonly steps_ascending: boolean | null;
  readonly tail: Buffer | null;
}

/** Returns the parts that can have points in `span`, by time or by step, in the order of `series`. */
export async function readSeriesData(
  sql: Sql,
  series: readonly bigint[],
  { from = Number.MIN_SAFE_INTEGER, to = Number.MAX_SAFE_INTEGER }: Span,
  order: PointOrder,
): Promise<SeriesData[]> {
  const [first, last, at] = order === 'step' ? ['min_step', 'max_step', 'step'] : ['first_ts', 'last_ts', 'ts'];
  const rows = await sql.query<PartRow>(
    // float8, because the driver parses its text faster than int8; exact up to 2^53.
    `select series, seq::float8, n, first_ts::float8, last_ts::float8, min_step::float8, max_step::float8, min, max, sum,
       nans, last, steps_ascending, null as tail
     from tracking.metric_chunk where series = any($1) and ${first} <= $3 and ${last} >= $2
     union all
     select series, null, null, null, null, null, null, null, null, null, null, null, null, ${TAIL_BYTES}
     from tracking.metric_tail where series = any($1) and ${at} between $2 and $3 group by series`,
    [series, from, to],
    `metric_parts_${order}`,
  );
  const chunks = new Map<bigint, ChunkRef[]>(series.map((one) => [one, []]));
  const tails = new Map<bigint, Points>();
  for (const row of rows) {
    if (row.tail === null) chunks.get(row.series)?.push(chunkRef(row));
    else tails.set(row.series, tailPoints(row.tail));
  }
  return series.map((one) => ({
    series: one,
    chunks: chunks.get(one) ?? [],
    tail: tails.get(one) ?? makePoints(0),
  }));
}

function chunkRef(row: PartRow): ChunkRef {
  return {
    seq: row.seq!,
    n: row.n!,
    firstTs: row.first_ts!,
    lastTs: row.last_ts!,
    minStep: row.min_step!,
    maxStep: row.max_step!,
    min: row.min,
    max: row.max,
    sum: row.sum!,
    nans: row.nans!,
    last: row.last!,
    inStep: row.steps_ascending!,
  };
}

/** Returns the points of chunks by `seq`. */
export async function readChunks(
  sql: Sql,
  chunks: readonly { readonly series: bigint; readonly chunk: ChunkRef }[],
): Promise<Map<number, Points>> {
  if (chunks.length === 0) return new Map();
  const rows = await sql.query<{ seq: number; data: Buffer }>(
    `select c.seq::float8, c.data from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as w(series, first_ts, seq)
     join tracking.metric_chunk c using (series, first_ts, seq)`,
    [
      chunks.map(({ series }) => series),
      chunks.map(({ chunk }) => chunk.firstTs),
      chunks.map(({ chunk }) => chunk.seq),
    ],
    'metric_chunk_data',
  );
  return new Map(rows.map(({ seq, data }) => [seq, decodeChunk(data)]));
}
