/** Sums usage in a period. Of a record that overlaps the period, the part of its interval inside the period counts. */
import type { UsageGroup, UsageMeasure, UsageSum } from '@dais/api/usage';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import { enterScope, groupColumn, usageConditions, type UsageQuery } from './usage-filter.ts';
import type { PageRequest } from './usage-lists.ts';

interface SumRow {
  readonly key: string | null;
  readonly attempts: bigint;
  readonly step_seconds: number;
  readonly cpu_seconds: number;
  readonly requested_cpu_seconds: number;
  readonly device_seconds: number;
  readonly replica_seconds: number;
  readonly stored_byte_days: number;
  readonly queries: bigint;
  readonly query_seconds: number;
}

/** Part of the interval of a record `r` between two times, from 0 to 1. A record without duration counts where it starts. */
const shareBetween = (low: string, high: string) => `case when r.ended_at = r.started_at then 1
     else greatest(0, extract(epoch from least(r.ended_at, ${high}) - greatest(r.started_at, ${low}))::float8)
       / extract(epoch from r.ended_at - r.started_at)::float8 end`;

/** Sums of a table `p` of parts of records: a record is counted where it ends. */
const SUMS = `count(*) filter (where type = 'step' and counts) as attempts,
     coalesce(sum(amount) filter (where type = 'step'), 0)::float8 as step_seconds,
     coalesce(sum(cpu_seconds * share) filter (where type = 'step'), 0)::float8 as cpu_seconds,
     coalesce(sum(cores * amount) filter (where type = 'step'), 0)::float8 as requested_cpu_seconds,
     coalesce(sum(devices * amount) filter (where type = 'step'), 0)::float8 as device_seconds,
     coalesce(sum(amount) filter (where type = 'replica'), 0)::float8 as replica_seconds,
     coalesce(sum(amount) filter (where type = 'storage'), 0)::float8 as stored_byte_days,
     count(*) filter (where type = 'query' and counts) as queries,
     coalesce(sum(amount) filter (where type = 'query'), 0)::float8 as query_seconds`;

/** The table `p`: the parts of records inside the period, with the key of their group. */
function parts(query: UsageQuery, by: UsageGroup, bind: Bind): string {
  const [low, high] = [`${bind(query.from)}::timestamptz`, `${bind(query.until)}::timestamptz`];
  return `select ${groupColumn(by)} as key, r.type, r.quantity::float8 * s.share as amount, s.share, r.cores, r.devices, r.cpu_seconds,
       r.ended_at < ${high} and r.corrects is null as counts
     from usage.record r cross join lateral (select ${shareBetween(low, high)} as share) s
     where ${allOf(usageConditions(query, bind))}`;
}

/** Returns sums by group, in order of the key, and the total. @throws DaisError `invalid_cursor`. */
export async function sumUsage(
  tx: Transaction,
  query: UsageQuery,
  { by, limit, cursor }: PageRequest & { readonly by: UsageGroup },
) {
  const binding = ['usage sums', query.scope, query.filter, by];
  const after = decodePageCursor(binding, cursor);
  await enterScope(tx, query.scope);
  // Usage without a group is last; the position of a group begins with "=".
  const groups = composeStatement(
    (bind) => `select p.key, ${SUMS} from (${parts(query, by, bind)}) p
     where ${allOf([after !== undefined && `p.key > ${bind(after)} or p.key is null`])}
     group by p.key order by p.key nulls last limit ${bind(limit + 1)}`,
  );
  const rows = await tx.sql.query<SumRow>(groups.text, groups.values);
  const whole = composeStatement((bind) => `select null::text as key, ${SUMS} from (${parts(query, by, bind)}) p`);
  const [total] = await tx.sql.query<SumRow>(whole.text, whole.values);
  // Only the last row has no key, so no page ends with it.
  const { page, next } = cutPage(rows, limit, binding, ({ key }) => key ?? '');
  return {
    from: query.from.toISOString(),
    until: query.until.toISOString(),
    items: page.map(present),
    total: present(total ?? NOTHING),
    ...next,
  };
}

const NOTHING: SumRow = {
  key: null,
  attempts: 0n,
  step_seconds: 0,
  cpu_seconds: 0,
  requested_cpu_seconds: 0,
  device_seconds: 0,
  replica_seconds: 0,
  stored_byte_days: 0,
  queries: 0n,
  query_seconds: 0,
};

function present(row: SumRow): UsageSum {
  return {
    key: row.key,
    attempts: Number(row.attempts),
    stepSeconds: rounded(row.step_seconds),
    cpuSeconds: rounded(row.cpu_seconds),
    requestedCpuSeconds: rounded(row.requested_cpu_seconds),
    deviceSeconds: rounded(row.device_seconds),
    replicaSeconds: rounded(row.replica_seconds),
    storedByteDays: rounded(row.stored_byte_days),
    queries: Number(row.queries),
    querySeconds: rounded(row.query_seconds),
  };
}

/** To microseconds: parts of intervals are not exact. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

interface DayRow {
  readonly key: string | null;
  readonly is_top: boolean;
  readonly day: Date;
  readonly value: number;
}

const MEASURES: Readonly<Record<UsageMeasure, string>> = {
  stepSeconds: `case when r.type = 'step' then r.quantity * s.share else 0 end`,
  cpuSeconds: `case when r.type = 'step' then coalesce(r.cpu_seconds, 0) * s.share else 0 end`,
  deviceSeconds: `case when r.type = 'step' then r.devices * r.quantity * s.share else 0 end`,
  replicaSeconds: `case when r.type = 'replica' then r.quantity * s.share else 0 end`,
  storedByteDays: `case when r.type = 'storage' then r.quantity * s.share else 0 end`,
  querySeconds: `case when r.type = 'query' then r.quantity * s.share else 0 end`,
  queries: `case when r.type = 'query' and r.ended_at >= d.day and r.ended_at < d.day + interval '24 hours' then 1 else 0 end`,
};

/**
 * Returns the expression of a measure of a record `r` on a day `d`.
 *
 * @checkedAs r.quantity * s.share
 */
function measureOf(measure: UsageMeasure): string {
  return MEASURES[measure];
}

const DAY_MS = 86_400_000;

export interface SeriesRequest {
  readonly by: UsageGroup;
  readonly measure: UsageMeasure;
  readonly top: number;
}

/** Returns one measure for each day in UTC, by group: the largest groups, then the sum of the others. */
export async function usageSeries(tx: Transaction, query: UsageQuery, { by, measure, top }: SeriesRequest) {
  await enterScope(tx, query.scope);
  const { text, values } = composeStatement((bind) => {
    const [low, high] = [`${bind(query.from)}::timestamptz`, `${bind(query.until)}::timestamptz`];
    const share = shareBetween(`greatest(d.day, ${low})`, `least(d.day + interval '24 hours', ${high})`);
    return `with sums as (
       select ${groupColumn(by)} as key, d.day, sum(${measureOf(measure)})::float8 as value
       from usage.record r
         cross join lateral generate_series(date_trunc('day', greatest(r.started_at, ${low}), 'UTC'), least(r.ended_at, ${high}),
           interval '24 hours') as d (day)
         cross join lateral (select ${share} as share) s
       where ${allOf(usageConditions(query, bind))}
       group by 1, 2
     ), ranked as (
       select key from sums group by key having sum(value) > 0 order by sum(value) desc, key limit ${bind(top)}
     )
     select case when t.is_top then s.key end as key, coalesce(t.is_top, false) as is_top, s.day, sum(s.value)::float8 as value
     from sums s left join (select key, true as is_top from ranked) t on t.key is not distinct from s.key
     where s.value > 0
     group by 1, 2, 3`;
  });
  const rows = await tx.sql.query<DayRow>(text, values);
  const first = Math.floor(query.from.getTime() / DAY_MS) * DAY_MS;
  const days = Array.from(
    { length: Math.ceil((query.until.getTime() - first) / DAY_MS) },
    (_, n) => first + n * DAY_MS,
  );
  return {
    from: query.from.toISOString(),
    until: query.until.toISOString(),
    days: days.map((day) => new Date(day).toISOString()),
    series: seriesOf(rows, days),
  };
}

function seriesOf(rows: readonly DayRow[], days: readonly number[]) {
  const found = new Map<string, { readonly row: DayRow; readonly values: number[] }>();
  for (const row of rows) {
    const name = JSON.stringify([row.is_top, row.key]);
    const one = found.get(name) ?? { row, values: days.map(() => 0) };
    found.set(name, one);
    const at = days.indexOf(row.day.getTime());
    if (at >= 0) one.values[at] = rounded(row.value);
  }
  const total = ({ values }: { readonly values: readonly number[] }) => values.reduce((sum, one) => sum + one, 0);
  return [...found.values()]
    .toSorted((a, b) => Number(b.row.is_top) - Number(a.row.is_top) || total(b) - total(a))
    .map(({ row: { key, is_top: isTop }, values }) => ({ key, ...(!isTop && { others: true as const }), values }));
}
