import type { Sql } from '#engines/database/contract.ts';
import { numberArray } from './arrays.ts';
import { makePoints, type Points } from './points.ts';
import type { LoggedBatch } from './series-batch.ts';

/** Some of the points of a batch, and the series that they are of. */
export interface TailRange {
  readonly series: bigint;
  readonly from: number;
  readonly to: number;
}

/** Points that are known to be new. */
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

/** Points of which some may be in the tail already. Gives how many of each series were not. */
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
  const places: number[] = [];
  for (const range of ranges) {
    for (let place = range.from; place < range.to; place++) {
      series.push(range.series);
      places.push(place);
    }
  }
  const { steps, times, values } = points;
  // Ranges are in order: so many are all.
  if (places.length === steps.length) {
    const all = text();
    return [`{${series.join(',')}}`, all.steps, all.times, all.values];
  }
  return [
    `{${series.join(',')}}`,
    ...[steps, times, values].map((column) => numberArray(places.map((place) => column[place]!))),
  ];
}

/** An aggregate of rows of the tail: 24 bytes a point. As rows they would take ten times the CPU to read. */
export const TAIL_BYTES = "string_agg(int8send(step) || int8send(ts) || float8send(value), '')";

/** What TAIL_BYTES gives, in no order. */
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
