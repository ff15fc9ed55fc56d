/**
 * Writes points. A point later than the latest of its series, as almost all are, cannot exist yet, so it is written together
 * with the new latest point without a check. late-points.ts checks the others first.
 */
import type { Transaction } from '#kernel/transaction.ts';
import { ACTIVE_RUN } from '../runs/run-lookup.ts';
import { numberArray } from './arrays.ts';
import { insertChunks, type NewChunk } from './chunk-rows.ts';
import { CHUNK } from './chunk.ts';
import { enqueueCompaction, isDue } from './compaction.ts';
import { appendLatePoints } from './late-points.ts';
import {
  batchBySeries,
  pointsOf,
  type LoggedPoint,
  type MetricRun,
  type LoggedBatch,
  type SeriesBatch,
} from './logged-points.ts';
import { numberOf } from './metric-value.ts';
import { appendModelPoints } from './model-points.ts';
import { slicePoints, sortPoints, type Points } from './points.ts';
import { insertTail, type TailRange } from './tail.ts';

/** This many points of one series in a call become a chunk: one row instead of many. */
const CHUNK_FROM = 256;
/** Up to this many points, one statement writes series and tail. Its join is slow with more. */
const JOIN_UP_TO = 64;

/**
 * Adds points to a run that accepts writes. Points are never duplicated, also with concurrent writers. Uses one statement for
 * one point of each metric and for up to 64 points, three for any number, five more if some may exist already, and one for
 * points of logged models.
 */
export async function appendMetrics(tx: Transaction, run: MetricRun, logged: readonly LoggedPoint[]): Promise<void> {
  const [first, ...others] = logged;
  if (first === undefined) return;
  const due = others.length === 0 ? await appendSingle(tx, run, first) : await appendMany(tx, run, logged);
  if (due) enqueueCompaction(tx, run);
  const ofModels = logged.filter(({ modelId }) => modelId !== undefined);
  if (ofModels.length > 0) await appendModelPoints(tx.sql, run, ofModels);
}

/** True if the tail of a series has enough points for a chunk. */
async function appendSingle(tx: Transaction, run: MetricRun, point: LoggedPoint): Promise<boolean> {
  const outcome = await appendOne(tx, run, point);
  return outcome === 'late' ? await appendLatePoints(tx, run, batchBySeries([point])) : outcome === 'due';
}

async function appendMany(tx: Transaction, run: MetricRun, logged: readonly LoggedPoint[]): Promise<boolean> {
  const batch = batchBySeries(logged);
  const each = batch.series.length === batch.points.steps.length;
  const { late, due } = await (each ? appendEach(tx, run, batch) : upsertSeries(tx, run, batch));
  const crossed = late.length > 0 && (await appendLatePoints(tx, run, { ...batch, series: late }));
  return due || crossed;
}

const isBig = ({ from, to }: SeriesBatch) => to - from >= CHUNK_FROM;
const tailOf = (series: SeriesBatch) => (isBig(series) ? 0 : series.to - series.from);

// `first_*` of the inserted row are the lowest of this batch: the whole batch is new if that is later than the latest
// point. The row is locked in both cases.
const UPSERT = `
insert into tracking.metric as m (project_id, run, experiment, key, value, step, ts, first_step, first_ts, min, max, n, tail_n)
select $1, $2, $3, b.* from unnest($4::text[], $5::float8[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[],
  $10::float8[], $11::float8[], $12::bigint[], $13::int[]) b
on conflict (run, key) do update set value = excluded.value, step = excluded.step, ts = excluded.ts,
  min = least(m.min, excluded.min), max = greatest(m.max, excluded.max), n = m.n + excluded.n,
  tail_n = m.tail_n + excluded.tail_n
where (m.step, m.ts) < (excluded.first_step, excluded.first_ts)
returning m.series, m.key, m.tail_n`;
const UPSERT_AND_TAIL = `
with fresh as (${UPSERT}), added as (
  insert into tracking.metric_tail (series, step, ts, value, project_id)
  select f.series, p.step, p.ts, p.value, $1
  from fresh f join unnest($14::text[], $15::bigint[], $16::bigint[], $17::float8[]) p(key, step, ts, value) using (key)
) select series, key, tail_n from fresh`;

interface SeriesNow {
  readonly series: bigint;
  readonly key: string;
  readonly tail_n: number;
}

/** `late`: series whose points were not written. `due`: the tail of another series has enough points for a chunk. */
async function upsertSeries(
  tx: Transaction,
  run: MetricRun,
  batch: LoggedBatch,
): Promise<{ readonly late: readonly SeriesBatch[]; readonly due: boolean }> {
  const joined = batch.points.steps.length <= JOIN_UP_TO;
  const rows = await tx.sql.query<SeriesNow>(
    joined ? UPSERT_AND_TAIL : UPSERT,
    [run.projectId, run.num, run.experiment, ...seriesArrays(batch), ...(joined ? pointArrays(batch) : [])],
    joined ? 'metric_upsert_tail' : 'metric_upsert',
  );
  const byKey = new Map(rows.map((row) => [row.key, row]));
  const late: SeriesBatch[] = [];
  const tail: TailRange[] = [];
  const chunks: NewChunk[] = [];
  let due = false;
  for (const one of batch.series) {
    const row = byKey.get(one.key);
    if (row === undefined) {
      late.push(one);
      continue;
    }
    const { series, tail_n: length } = row;
    if (isBig(one)) {
      chunks.push(...fullChunks(series, pointsOf(batch, one)));
    } else {
      tail.push({ series, from: one.from, to: one.to });
      due ||= isDue({ tail: length, added: one.to - one.from });
    }
  }
  if (!joined) await insertTail(tx.sql, run.projectId, batch, tail);
  await insertChunks(tx.sql, run.projectId, chunks);
  return { late, due };
}

function fullChunks(series: bigint, points: Points): NewChunk[] {
  const sorted = sortPoints(points, 'time');
  const starts = Array.from({ length: Math.ceil(sorted.steps.length / CHUNK) }, (_, index) => index * CHUNK);
  return starts.map((start) => ({ series, points: slicePoints(sorted, start, start + CHUNK) }));
}

/** $4 to $13 of the statement. */
function seriesArrays({ points, series }: LoggedBatch): unknown[] {
  return [
    series.map(({ key }) => key),
    numberArray(series.map(({ to }) => points.values[to - 1]!)),
    numberArray(series.map(({ to }) => points.steps[to - 1]!)),
    numberArray(series.map(({ to }) => points.times[to - 1]!)),
    numberArray(series.map(({ from }) => points.steps[from]!)),
    numberArray(series.map(({ from }) => points.times[from]!)),
    numberArray(series.map(({ min }) => min)),
    numberArray(series.map(({ max }) => max)),
    numberArray(series.map(({ from, to }) => to - from)),
    numberArray(series.map(tailOf)),
  ];
}

/** $14 to $17. */
function pointArrays({ series, text }: LoggedBatch): unknown[] {
  const keys = series.flatMap(({ key, from, to }) => Array.from({ length: to - from }, () => key));
  const { steps, times, values } = text();
  return [keys, steps, times, values];
}

/**
 * Writes one point, the most frequent call. The statement for many points would work, but its plan depends on their number,
 * so that PostgreSQL plans it each time, which takes a third of the CPU time of the call.
 */
async function appendOne(
  { sql }: Transaction,
  run: MetricRun,
  { key, value, step, timestamp }: LoggedPoint,
): Promise<'late' | 'due' | 'in'> {
  const [row] = await sql.query<{ tail_n: number }>(
    `with fresh as (
       insert into tracking.metric as m (project_id, run, experiment, key, value, step, ts, first_step, first_ts, min, max,
         n, tail_n)
       values ($1, $2, $3, $4, $5, $6, $7, $6, $7, nullif($5::float8, 'NaN'), nullif($5::float8, 'NaN'), 1, 1)
       on conflict (run, key) do update set value = excluded.value, step = excluded.step, ts = excluded.ts,
         min = least(m.min, excluded.min), max = greatest(m.max, excluded.max), n = m.n + 1, tail_n = m.tail_n + 1
       where (m.step, m.ts) < (excluded.step, excluded.ts)
       returning m.series, m.tail_n
     ), added as (
       insert into tracking.metric_tail (series, step, ts, value, project_id)
       select f.series, $6, $7, $5, $1 from fresh f
     ) select tail_n from fresh`,
    [run.projectId, run.num, run.experiment, key, numberOf(value), step, timestamp],
    'metric_one',
  );
  if (row === undefined) return 'late';
  return isDue({ tail: row.tail_n, added: 1 }) ? 'due' : 'in';
}

/**
 * Writes one point for each of many metrics, as a training step logs them. The row of a series is its point, so one statement
 * also fills the tail, and one row is returned. Returns the series whose points were not written, and whether the tail of
 * another one has enough points for a chunk.
 */
async function appendEach(
  { sql }: Transaction,
  run: MetricRun,
  { series, text }: LoggedBatch,
): Promise<{ readonly late: readonly SeriesBatch[]; readonly due: boolean }> {
  const { values, steps, times } = text();
  const [row] = await sql.query<{ due: boolean | null; fresh: string[] | null; n: number }>(
    `with fresh as (
       insert into tracking.metric as m (project_id, run, experiment, key, value, step, ts, first_step, first_ts, min, max,
         n, tail_n)
       select $1, $2, $3, b.key, b.value, b.step, b.ts, b.step, b.ts, nullif(b.value, 'NaN'), nullif(b.value, 'NaN'), 1, 1
       from unnest($4::text[], $5::float8[], $6::bigint[], $7::bigint[]) as b(key, value, step, ts)
       on conflict (run, key) do update set value = excluded.value, step = excluded.step, ts = excluded.ts,
         min = least(m.min, excluded.min), max = greatest(m.max, excluded.max), n = m.n + 1, tail_n = m.tail_n + 1
       where (m.step, m.ts) < (excluded.step, excluded.ts)
       returning m.series, m.key, m.step, m.ts, m.value, m.tail_n
     ), added as (
       insert into tracking.metric_tail (series, step, ts, value, project_id) select series, step, ts, value, $1 from fresh
     )
     select count(*)::int as n, bool_or(tail_n % $9 = 0) as due, case when count(*) < $8 then array_agg(key) end as fresh
     from fresh`,
    [run.projectId, run.num, run.experiment, series.map(({ key }) => key), values, steps, times, series.length, CHUNK],
    'metric_each',
  );
  const due = row?.due ?? false;
  if (row?.n === series.length) return { late: [], due };
  const fresh = new Set(row?.fresh);
  return { late: series.filter(({ key }) => !fresh.has(key)), due };
}

/** True if `appendAhead` can write these points: at least one, each of another metric, and none of a logged model. */
export function canAppendAhead(logged: readonly LoggedPoint[]): boolean {
  const keys = new Set<string>();
  for (const { key, modelId } of logged) {
    if (modelId !== undefined || keys.has(key)) return false;
    keys.add(key);
  }
  return keys.size > 0;
}

/**
 * Writes points in the round trip of the commit, expecting that they are later than all stored points and that the run
 * accepts writes, as in almost all calls. Otherwise the transaction is rolled back, and the call is repeated with
 * `appendMetrics`.
 */
export function appendAhead(tx: Transaction, run: string, logged: readonly LoggedPoint[]): void {
  const [first, second] = logged;
  if (first === undefined) return;
  if (second === undefined) oneAhead(tx, run, first);
  else eachAhead(tx, run, logged);
}

const SERIES = 'project_id, run, experiment, key, value, step, ts, first_step, first_ts, min, max, n, tail_n';
const BEYOND = `on conflict (run, key) do update set value = excluded.value, step = excluded.step, ts = excluded.ts,
    min = least(m.min, excluded.min), max = greatest(m.max, excluded.max), n = m.n + 1, tail_n = m.tail_n + 1
    where (m.step, m.ts) < (excluded.step, excluded.ts)`;

/** True if all expected points were written, and no tail has enough points for a chunk. */
const expected = (expected: string) =>
  `select tracking.require_expected(count(*) = ${expected} and not bool_or(tail_n % ${CHUNK} = 0)) from fresh`;

function oneAhead({ sql, projectId }: Transaction, run: string, { key, value, step, timestamp }: LoggedPoint): void {
  sql.defer(
    `with ${ACTIVE_RUN}, fresh as (
       insert into tracking.metric as m (${SERIES})
       select $1::uuid, run.num, run.experiment, $3::text, $4::float8, $5::bigint, $6::bigint, $5, $6, nullif($4, 'NaN'),
         nullif($4, 'NaN'), 1, 1 from run
       ${BEYOND} returning m.series, m.tail_n
     ), added as (
       insert into tracking.metric_tail (series, step, ts, value, project_id) select f.series, $5, $6, $4, $1 from fresh f
     ) ${expected('1')}`,
    [projectId, run, key, numberOf(value), step, timestamp],
    'metric_one_ahead',
  );
}

function eachAhead({ sql, projectId }: Transaction, run: string, logged: readonly LoggedPoint[]): void {
  const { series, text } = batchBySeries(logged);
  const { values, steps, times } = text();
  sql.defer(
    `with ${ACTIVE_RUN}, fresh as (
       insert into tracking.metric as m (${SERIES})
       select $1::uuid, run.num, run.experiment, b.key, b.value, b.step, b.ts, b.step, b.ts, nullif(b.value, 'NaN'),
         nullif(b.value, 'NaN'), 1, 1
       from run, unnest($3::text[], $4::float8[], $5::bigint[], $6::bigint[]) as b(key, value, step, ts)
       ${BEYOND} returning m.series, m.step, m.ts, m.value, m.tail_n
     ), added as (
       insert into tracking.metric_tail (series, step, ts, value, project_id) select series, step, ts, value, $1 from fresh
     ) ${expected('$7::int')}`,
    [projectId, run, series.map(({ key }) => key), values, steps, times, series.length],
    'metric_each_ahead',
  );
}
