/** Responses of a shadow compared with those of the serving version, request by request, as SQL. Pure functions. */
import { columnName } from './prediction-sql.ts';

/** Comparison method of an output. */
export type Comparison = 'number' | 'list' | 'word';

export const BINS = 30;

export function comparisonOf(type: string): Comparison {
  if (/^(u?int|float|decimal)/.test(type)) return 'number';
  return /^list<(u?int|float|decimal)/.test(type) ? 'list' : 'word';
}

const AGREES: Readonly<Record<Comparison, string>> = {
  // A float32 has seven digits.
  number: 'abs(a - b) <= 1e-6 * greatest(1, abs(a))',
  list: 'list_position(a, list_max(a)) = list_position(b, list_max(b))',
  word: 'a = b',
};
const DISTANCE: Readonly<Record<Comparison, string>> = {
  number: 'abs(a - b)',
  list: 'case when len(a) = len(b) then list_distance(a, b) end',
  word: 'case when a = b then 0.0 else 1.0 end',
};
const CAST: Readonly<Record<Comparison, string>> = { number: 'double', list: 'double[]', word: 'varchar' };

/** Explanation of the metric. */
export const AGREEMENT: Readonly<Record<Comparison, string>> = {
  number: 'equal to six digits',
  list: 'the same index is largest',
  word: 'equal value',
};
export const DISTANCES: Readonly<Record<Comparison, string>> = {
  number: 'absolute difference',
  list: 'Euclidean distance',
  word: '1 where they differ',
};

/** Rows with both predictions. `a`: of the serving version, `b`: of the shadow. */
function pairs(output: string, by: Comparison): string {
  const value = (side: string) => `cast(${side}.${columnName(output)} as ${CAST[by]})`;
  return `with both_sides as (
  select p.prediction_id as id, p.row as row, p.version as version, s.version as shadow_version,
    s.prediction_id as shadow_id, p.status as status, s.status as shadow_status,
    p.latency_us as took, s.latency_us as shadow_took, ${value('p')} as a, ${value('s')} as b
  from predictions s join predictions p on p.prediction_id = s.shadow_of and p.row = s.row
), pairs as (
  select *, ${AGREES[by]} as agrees, ${DISTANCE[by]} as distance from both_sides
)`;
}

export function shadowSummarySql(output: string, by: Comparison): string {
  return `${pairs(output, by)}
select version, shadow_version, count(*) as rows,
  count(case when status >= 400 then 1 end) as failed,
  count(case when shadow_status >= 400 then 1 end) as shadow_failed,
  count(agrees) as compared,
  count(case when agrees then 1 end) as agreeing,
  avg(distance) as mean_distance,
  quantile_cont(distance, 0.99) as p99_distance,
  quantile_cont(took, 0.99) / 1000 as p99_ms,
  quantile_cont(shadow_took, 0.99) / 1000 as shadow_p99_ms
from pairs group by version, shadow_version order by rows desc limit 20`;
}

/** Numbers: counts of both in equal bins from `low` to `high`. */
export function shadowBinsSql(output: string): string {
  return `${pairs(output, 'number')}, ends as (
  select least(min(a), min(b)) as low, greatest(max(a), max(b)) as high from pairs where isfinite(a) and isfinite(b)
), sides as (
  select a as value, true as given from pairs union all select b, false from pairs
)
select low, high, least(${BINS - 1}, coalesce(cast(floor((value - low) / nullif(high - low, 0) * ${BINS}) as integer), 0)) as bin,
  count(case when given then 1 end) as given, count(case when not given then 1 end) as shadow
from sides, ends where isfinite(value) group by low, high, bin order by bin`;
}

/** Other values: the most frequent ones. */
export function shadowValuesSql(output: string, by: Comparison): string {
  return `${pairs(output, by)}, sides as (
  select cast(a as varchar) as value, true as given from pairs union all select cast(b as varchar), false from pairs
)
select value, count(case when given then 1 end) as given, count(case when not given then 1 end) as shadow
from sides where value is not null group by value order by given + shadow desc limit 12`;
}

export function shadowWorstSql(output: string, by: Comparison): string {
  return `${pairs(output, by)}
select id, row, shadow_id, a, b, distance from pairs where not agrees order by distance desc nulls last, id desc limit 20`;
}
