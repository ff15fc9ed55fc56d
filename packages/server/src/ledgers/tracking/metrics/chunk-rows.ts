import type { Sql } from '#engines/database/contract.ts';
import { numberArray } from './arrays.ts';
import { encodeChunk } from './chunk.ts';
import type { Points } from './points.ts';

/** Summary of a chunk, readable without decoding. */
export interface ChunkSummary {
  readonly n: number;
  readonly firstTs: number;
  readonly lastTs: number;
  readonly minStep: number;
  readonly maxStep: number;
  /** Over the points that are not NaN. */
  readonly min: number | null;
  readonly max: number | null;
  readonly sum: number;
  readonly nans: number;
  /** Value of the last point. */
  readonly last: number;
  /** Steps never decrease: the last point is also the last by step. */
  readonly inStep: boolean;
}

/** Summary of points in order of time. */
function summarize({ steps, times, values }: Points): ChunkSummary {
  const n = steps.length;
  let [minStep, maxStep] = [steps[0]!, steps[0]!];
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [sum, nans, inStep] = [0, 0, true];
  for (let index = 0; index < n; index++) {
    const [step, value] = [steps[index]!, values[index]!];
    if (index > 0 && step < steps[index - 1]!) inStep = false;
    if (step < minStep) minStep = step;
    if (step > maxStep) maxStep = step;
    if (Number.isNaN(value)) {
      nans++;
      continue;
    }
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
  }
  const numbers = nans < n;
  return {
    n,
    firstTs: times[0]!,
    lastTs: times[n - 1]!,
    minStep,
    maxStep,
    min: numbers ? min : null,
    max: numbers ? max : null,
    sum,
    nans,
    last: values[n - 1]!,
    inStep,
  };
}

export interface NewChunk {
  readonly series: bigint;
  /** In order of time. */
  readonly points: Points;
}

export async function insertChunks(sql: Sql, projectId: string, chunks: readonly NewChunk[]): Promise<void> {
  if (chunks.length === 0) return;
  const rows = chunks.map(({ points }) => summarize(points));
  await sql.query(
    `insert into tracking.metric_chunk (series, project_id, first_ts, last_ts, min_step, max_step, n, min, max, sum, nans,
       last, steps_ascending, data)
     select c.series, $1, c.first_ts, c.last_ts, c.min_step, c.max_step, c.n, c.min, c.max, c.sum, c.nans, c.last,
       c.steps_ascending, c.data
     from unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::int[], $8::float8[],
       $9::float8[], $10::float8[], $11::int[], $12::float8[], $13::boolean[], $14::bytea[])
       as c(series, first_ts, last_ts, min_step, max_step, n, min, max, sum, nans, last, steps_ascending, data)`,
    [
      projectId,
      chunks.map(({ series }) => series),
      numberArray(rows.map((row) => row.firstTs)),
      numberArray(rows.map((row) => row.lastTs)),
      numberArray(rows.map((row) => row.minStep)),
      numberArray(rows.map((row) => row.maxStep)),
      numberArray(rows.map((row) => row.n)),
      numberArray(rows.map((row) => row.min)),
      numberArray(rows.map((row) => row.max)),
      // A sum can exceed the range of a double; charts then have no mean.
      numberArray(rows.map((row) => row.sum)),
      numberArray(rows.map((row) => row.nans)),
      numberArray(rows.map((row) => row.last)),
      rows.map((row) => row.inStep),
      chunks.map(({ points }) => encodeChunk(points)),
    ],
    'metric_chunks',
  );
}
