import type { Transaction } from '#kernel/transaction.ts';
import { CHUNK } from './chunk.ts';
import type { MetricRun } from './logged-point.ts';
import type { LoggedBatch, SeriesBatch } from './series-batch.ts';

/**
 * Writes one point for each of many metrics, as a training step logs them. The row of a series is its point, so one statement
 * also fills the tail, and one row is returned. Returns the series whose points were not written, and whether the tail of
 * another one has enough points for a chunk.
 */
export async function appendEach(
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
