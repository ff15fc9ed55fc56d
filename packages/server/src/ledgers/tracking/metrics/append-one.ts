import type { Transaction } from '#kernel/transaction.ts';
import { isDue } from './compaction-queue.ts';
import type { LoggedPoint, MetricRun } from './logged-point.ts';
import { numberOf } from './metric-value.ts';

/**
 * Writes one point, the most frequent call. The statement for many points would work, but its plan depends on their number,
 * so that PostgreSQL plans it each time, which takes a third of the CPU time of the call.
 */
export async function appendOne(
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
