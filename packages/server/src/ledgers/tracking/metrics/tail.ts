import type { Sql } from '#engines/database/contract.ts';
import { numberArray } from './arrays.ts';
import { makePoints, type Points } from './points.ts';
import type { LoggedBatch } from './logged-points.ts';

/** A range of points of a batch, with their series. */
export interface TailRange {
  readonly series: bigint;
  readonly from: number;
  readonly to: number;
}

/** Inserts points that are known to be new. */
export async function insertTail(
  sql: Sql,
  projectId: string,
  batch: LoggedBatch,
  ranges: readonly TailRange[],
): Promise<void> {
  if (ranges.length === 0) return;
  await sql.query(
    `insert into tracking.metric_tail (series, step, ts, value, project_id)
     select p.*, $1 from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::float8[]) p`,
    [projectId, ...tailArrays(batch, ranges)],
    'metric_tail',
  );
}

/** Inserts points, some of which may exist in the tail. Returns the number of new points of each series. */
export async function insertNewTail(
  sql: Sql,
  projectId: string,
  batch: LoggedBatch,
  ranges: readonly TailRange[],
): Promise<Map<bigint, number>> {
  const rows = await sql.query<{ series: bigint; n: number }>(
    `with added as (
       insert into tracking.metric_tail (series, step, ts, value, project_id)
       select p.*, $1 from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::float8[]) p
       on conflict do nothing returning series
     ) select series, count(*)::int as n from added group by series`,
    [projectId, ...tailArrays(batch, ranges)],
    'metric_tail_new',
  );
  return new Map(rows.map(({ series, n }) => [series, n]));
}

function tailArrays({ points, text }: LoggedBatch, ranges: readonly TailRange[]): string[] {
  const series: bigint[] = [];
  const positions: number[] = [];
  for (const range of ranges) {
    for (let position = range.from; position < range.to; position++) {
      series.push(range.series);
      positions.push(position);
    }
  }
  const { steps, times, values } = points;
  // The ranges are ordered, so this is their total.
  if (positions.length === steps.length) {
    const all = text();
    return [`{${series.join(',')}}`, all.steps, all.times, all.values];
  }
  return [
    `{${series.join(',')}}`,
    ...[steps, times, values].map((column) => numberArray(positions.map((position) => column[position]!))),
  ];
}

/** Aggregates rows of the tail to 24 bytes per point, because reading rows takes ten times the CPU time. */
export const TAIL_BYTES = "string_agg(int8send(step) || int8send(ts) || float8send(value), '')";

/** Decodes the result of TAIL_BYTES, unordered. */
export function tailPoints(bytes: Buffer | null): Points {
  const n = (bytes?.length ?? 0) / 24;
  const points = makePoints(n);
  if (bytes === null) return points;
  for (let index = 0, at = 0; index < n; index++, at += 24) {
    points.steps[index] = readInt8(bytes, at);
    points.times[index] = readInt8(bytes, at + 8);
    points.values[index] = bytes.readDoubleBE(at + 16);
  }
  return points;
}

function readInt8(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 2 ** 32 + bytes.readUInt32BE(at + 4);
}
