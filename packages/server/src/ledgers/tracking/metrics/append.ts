/**
 * Writes points. A point later than the latest of its series, as almost all are, cannot exist yet, so it is written together
 * with the new latest point without a check. late-points.ts checks the others first.
 */
import type { Transaction } from '#kernel/transaction.ts';
import { appendEach } from './append-each.ts';
import { appendOne } from './append-one.ts';
import { numberArray } from './arrays.ts';
import { CHUNK } from './chunk.ts';
import { insertChunks, type NewChunk } from './chunk-rows.ts';
import { enqueueCompaction, isDue } from './compaction-queue.ts';
import { appendLatePoints } from './late-points.ts';
import type { LoggedPoint, MetricRun } from './logged-point.ts';
import { appendModelPoints } from './model-points.ts';
import { slicePoints, sortPoints, type Points } from './points.ts';
import { batchBySeries, pointsOf, type LoggedBatch, type SeriesBatch } from './series-batch.ts';
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
