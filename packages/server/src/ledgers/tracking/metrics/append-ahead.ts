/**
 * Writes points in the round trip of the commit, expecting that they are later than all stored points and that the run
 * accepts writes, as in almost all calls. Otherwise the transaction is rolled back, and the call is repeated as in append.ts.
 */
import type { Transaction } from '#kernel/transaction.ts';
import type { KnownRun } from '../runs/run-lookup.ts';
import { CHUNK } from './chunk.ts';
import type { LoggedPoint } from './logged-point.ts';
import { numberOf } from './metric-value.ts';
import { batchBySeries } from './series-batch.ts';

/** Number of calls without this optimization after repeated or unordered points of a run. */
const WARY_CALLS = 50;

/** Returns false and does nothing if stored points have to be checked first. */
export function appendAhead(tx: Transaction, run: KnownRun, logged: readonly LoggedPoint[]): boolean {
  if (tx.sql.careful) run.wary = WARY_CALLS;
  if (run.wary > 0) {
    run.wary -= 1;
    return false;
  }
  const [first, second] = logged;
  if (first === undefined || first.key === second?.key) return false;
  if (logged.some(({ modelId }) => modelId !== undefined)) return false;
  return second === undefined ? oneAhead(tx, run, first) : eachAhead(tx, run, logged);
}

const ACTIVE = 'exists (select from tracking.run where num = $2 and deleted_at is null)';
const SERIES = 'project_id, run, experiment, key, value, step, ts, first_step, first_ts, min, max, n, tail_n';
const BEYOND = `on conflict (run, key) do update set value = excluded.value, step = excluded.step, ts = excluded.ts,
    min = least(m.min, excluded.min), max = greatest(m.max, excluded.max), n = m.n + 1, tail_n = m.tail_n + 1
    where (m.step, m.ts) < (excluded.step, excluded.ts)`;

/** True if all of `wanted` were written, and no tail has enough points for a chunk. */
const expected = (wanted: string) =>
  `select tracking.require_expected(count(*) = ${wanted} and not bool_or(tail_n % ${CHUNK} = 0)) from fresh`;

function oneAhead({ sql }: Transaction, run: KnownRun, { key, value, step, timestamp }: LoggedPoint): boolean {
  sql.defer(
    `with fresh as (
       insert into tracking.metric as m (${SERIES})
       select $1::uuid, $2::bigint, $3::bigint, $4::text, $5::float8, $6::bigint, $7::bigint, $6, $7, nullif($5, 'NaN'),
         nullif($5, 'NaN'), 1, 1 where ${ACTIVE}
       ${BEYOND} returning m.series, m.tail_n
     ), added as (
       insert into tracking.metric_tail (series, step, ts, value, project_id) select f.series, $6, $7, $5, $1 from fresh f
     ) ${expected('1')}`,
    [run.projectId, run.num, run.experiment, key, numberOf(value), step, timestamp],
    'metric_one_ahead',
  );
  return true;
}

function eachAhead({ sql }: Transaction, run: KnownRun, logged: readonly LoggedPoint[]): boolean {
  const { series, points, text } = batchBySeries(logged);
  if (series.length !== points.steps.length) return false;
  const { values, steps, times } = text();
  sql.defer(
    `with fresh as (
       insert into tracking.metric as m (${SERIES})
       select $1::uuid, $2::bigint, $3::bigint, b.key, b.value, b.step, b.ts, b.step, b.ts, nullif(b.value, 'NaN'),
         nullif(b.value, 'NaN'), 1, 1
       from unnest($4::text[], $5::float8[], $6::bigint[], $7::bigint[]) as b(key, value, step, ts) where ${ACTIVE}
       ${BEYOND} returning m.series, m.step, m.ts, m.value, m.tail_n
     ), added as (
       insert into tracking.metric_tail (series, step, ts, value, project_id) select series, step, ts, value, $1 from fresh
     ) ${expected('$8::int')}`,
    [run.projectId, run.num, run.experiment, series.map(({ key }) => key), values, steps, times, series.length],
    'metric_each_ahead',
  );
  return true;
}
