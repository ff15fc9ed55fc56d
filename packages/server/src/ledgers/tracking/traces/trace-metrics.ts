/** Aggregates over traces, their spans and their assessments. */
import { DaisError } from '@dais/api';
import {
  readTraceMetricsOperation,
  traceMetrics,
  type TraceAggregation,
  type TraceMetricFilter,
  type TraceMetricView,
} from '@dais/api/tracking';
import { entry, type Call, type OperationEntry } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement, listOf, type Bind } from '#lib/composed-sql.ts';
import { findExperiments } from '../experiments/experiment-lookup.ts';
import { rowCondition } from '../search/search-page.ts';
import { isLinked } from './trace-conditions.ts';
import type { TraceDependencies, TraceConventions } from './trace-conventions.ts';

interface MetricsInput {
  readonly experimentIds: readonly string[];
  readonly view: TraceMetricView;
  readonly metric: string;
  readonly aggregations: readonly { readonly type: TraceAggregation; readonly percentile?: number }[];
  readonly dimensions: readonly string[];
  readonly filters: readonly TraceMetricFilter[];
  readonly intervalSeconds?: number;
  readonly from?: number;
  readonly to?: number;
  readonly limit: number;
}

interface Point {
  readonly time?: number;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: readonly (number | null)[];
}

export function traceMetricEntries({ conventions }: TraceDependencies): readonly OperationEntry[] {
  return [
    entry(
      readTraceMetricsOperation,
      async (tx, { input, rows }) => await readMetrics(tx, input, { conventions, rows }),
    ),
  ];
}

interface Of {
  readonly conventions: TraceConventions;
  readonly rows: Call['rows'];
}

/** @throws DaisError `invalid_request` for unsupported combinations. */
async function readMetrics(
  tx: Transaction,
  input: MetricsInput,
  { conventions, rows }: Of,
): Promise<{ readonly points: readonly Point[]; readonly more: boolean }> {
  requireAllowed(input);
  const experiments = (await findExperiments(tx, input.experimentIds)).map(({ id }) => id);
  const { text, values } = composeStatement((bind) => {
    const source = sourceOf(input, { conventions, bind });
    const groups = [
      ...(input.intervalSeconds === undefined ? [] : [bucket(source.time, input.intervalSeconds, bind)]),
      ...input.dimensions.map((name) => `(${dimension(name, conventions, bind)}) collate "C"`),
    ];
    const columns = [...groups.map((sql, index) => `${sql} as g${index}`), `${valueOf(input, conventions, bind)} as v`];
    const conditions = [
      ...source.where,
      ...timeRange(input, source.ranged, bind),
      ...input.filters.map((filter) => condition(filter, conventions, bind)),
      rowCondition(rows, bind),
    ];
    const numbers = groups.map((_sql, index) => `g${index}`);
    const required = ['v', ...numbers.slice(input.intervalSeconds === undefined ? 0 : 1)];
    const aggregates = input.aggregations.map((one, index) => `${aggregate(one, input.metric, bind)} as a${index}`);
    return `select ${listOf([...numbers, ...aggregates])}
      from (select ${listOf(columns)} from ${source.from}
        where r.experiment = any(${bind(experiments)}::int8[]) and ${allOf(conditions)}) t
      where ${allOf(required.map((name) => `${name} is not null`))}
      ${groupedBy(numbers)} limit ${bind(input.limit + 1)}`;
  });
  const found = await tx.sql.query<Readonly<Record<string, unknown>>>(text, values);
  const points = found.slice(0, input.limit).map((row) => pointOf(row, input));
  return { points, more: found.length > input.limit };
}

function requireAllowed({
  view,
  metric,
  aggregations,
  dimensions,
  intervalSeconds,
  from,
  to,
  filters,
}: MetricsInput): void {
  const of = traceMetrics[view];
  const allowed = Object.hasOwn(of, metric) ? of[metric] : undefined;
  if (allowed === undefined) {
    throw refused('metric', `The view ${view} has no metric "${metric}".`, `one of ${Object.keys(of).join(', ')}`);
  }
  const wrong = aggregations.find(({ type }) => !allowed.aggregations.includes(type));
  if (wrong !== undefined) {
    const expected = `one of ${allowed.aggregations.join(', ')}`;
    throw refused('aggregations', `Metric "${metric}" does not support the aggregation "${wrong.type}".`, expected);
  }
  if (aggregations.some(({ type, percentile }) => (type === 'percentile') !== (percentile !== undefined))) {
    throw refused(
      'aggregations',
      '`percentile` is required for the aggregation `percentile`, and not allowed for others.',
      'a number from 0 to 100',
    );
  }
  const unknown = dimensions.find((name) => !allowed.dimensions.includes(name));
  if (unknown !== undefined) {
    const expected = allowed.dimensions.length === 0 ? 'none' : `one of ${allowed.dimensions.join(', ')}`;
    throw refused('dimensions', `Metric "${metric}" cannot be grouped by "${unknown}".`, expected);
  }
  if (intervalSeconds !== undefined && (from === undefined || to === undefined)) {
    throw refused('intervalSeconds', 'Time intervals require `from` and `to`.', '`from` and `to`');
  }
  const foreign = filters.find(
    ({ of: what }) =>
      (what.startsWith('span.') && view !== 'spans') || (what.startsWith('assessment.') && view !== 'assessments'),
  );
  if (foreign !== undefined)
    throw refused('filters', `The view ${view} does not support the filter "${foreign.of}".`, 'a filter of the view');
}

function refused(path: string, message: string, expected: string): DaisError {
  return new DaisError('invalid_request', message, { issues: [{ path, message, expected }] });
}

/**
 * Returns the group and order clauses for these columns.
 *
 * @checkedAs
 */
function groupedBy(columns: readonly string[]): string {
  return columns.length === 0 ? '' : `group by ${columns.join(', ')} order by ${columns.join(', ')}`;
}

interface Source {
  readonly from: string;
  readonly where: readonly string[];
  /** Time of the x axis in milliseconds. */
  readonly time: string;
  /** Time that is compared with `from` and `to`, in milliseconds. */
  readonly ranged: string;
}

const TRACES = 'tracking.trace r join tracking.experiment e on e.id = r.experiment';
const STARTED = '(s.started / 1000000)';

function sourceOf(
  { view, metric }: MetricsInput,
  { conventions, bind }: { readonly conventions: TraceConventions; readonly bind: Bind },
): Source {
  const request = { time: 'r.requested_at', ranged: 'r.requested_at' };
  switch (view) {
    case 'traces': {
      // Sessions are counted by name.
      const named = metric === 'session_count' ? [`r.metadata ? ${bind(conventions.sessionKey)}::text`] : [];
      return { from: TRACES, where: named, ...request };
    }
    case 'spans':
      return {
        from: `${TRACES} join tracking.trace_spans b on b.trace = r.num,
          unnest(b.ids, b.names, b.types, b.states, b.starts, b.ends, b.texts) s (id, name, type, state, started, ended, content)`,
        where: [],
        // Costs of a span count at its start time; everything else at the time of its trace.
        time: STARTED,
        ranged: metric.endsWith('_cost') ? STARTED : 'r.requested_at',
      };
    default:
      return { from: `${TRACES} join tracking.assessment a on a.trace = r.num`, where: ['a.valid'], ...request };
  }
}

function bucket(time: string, seconds: number, bind: Bind): string {
  const ms = bind(seconds * 1000);
  return `(floor(${time}::numeric / ${ms}::int8) * ${ms}::int8)::int8`;
}

function timeRange({ from, to }: MetricsInput, time: string, bind: Bind): string[] {
  return [
    ...(from === undefined ? [] : [`${time} >= ${bind(from)}::int8`]),
    ...(to === undefined ? [] : [`${time} <= ${bind(to)}::int8`]),
  ];
}

function valueOf({ view, metric }: MetricsInput, conventions: TraceConventions, bind: Bind): string {
  switch (`${view}.${metric}`) {
    case 'traces.session_count':
      return `(r.metadata ->> ${bind(conventions.sessionKey)}::text)`;
    case 'traces.latency':
      return 'r.duration';
    case 'spans.latency':
      return '(case when s.ended > 0 then (s.ended - s.started) / 1000000 end)';
    case 'assessments.assessment_value':
      return `(case when a.value ~ '^-?[0-9]' then a.value::float8 when a.value = 'true' then 1 when a.value = 'false' then 0
        when lower(trim(a.value, '" ')) = 'yes' then 1 when lower(trim(a.value, '" ')) = 'no' then 0 end)`;
    default:
      if (metric.endsWith('_count')) return '1';
      if (view === 'spans') return `(b.amounts -> s.id -> 'cost' ->> ${bind(metric)}::text)::float8`;
      return `(r.usage ->> ${bind(metric)}::text)::float8`;
  }
}

function dimension(name: string, conventions: TraceConventions, bind: Bind): string {
  switch (name) {
    case 'trace_name':
      return `r.tags ->> ${bind(conventions.nameTag)}::text`;
    case 'trace_status':
      return 'r.state';
    case 'span_name':
      return 's.name';
    case 'span_type':
      return 's.type';
    case 'span_status':
      return 's.state';
    case 'span_model_name':
      return attribute(conventions.attributes.model, bind);
    case 'span_model_provider':
      return attribute(conventions.attributes.provider, bind);
    case 'assessment_name':
      return 'a.name';
    default:
      return `coalesce(a.value, 'null')`;
  }
}

/** Selects the first of these attributes that a span has. */
function attribute(keys: readonly string[], bind: Bind): string {
  const found = keys.map((key) => `s.content::jsonb -> 'a' ->> ${bind(key)}::text`);
  // Parsing JSON is much slower than searching for a text in it.
  const likely = keys.map((key) => `strpos(s.content, ${bind(JSON.stringify(key))}::text) > 0`);
  return `case when ${likely.join(' or ')} then coalesce(${found.join(', ')}) end`;
}

function condition(filter: TraceMetricFilter, { runKey }: TraceConventions, bind: Bind): string {
  const value = () => `${bind(filter.value)}::text`;
  switch (filter.of) {
    case 'status':
      return `r.state = ${value()}`;
    case 'tag':
      return `r.tags ->> ${bind(filter.key)}::text = ${value()}`;
    case 'metadata':
      if (filter.key !== runKey) return `r.metadata ->> ${bind(filter.key)}::text = ${value()}`;
      return `(r.run = ${value()} or ${isLinked(`l.run = ${value()}`)})`;
    case 'span.name':
      return `s.name = ${value()}`;
    case 'span.status':
      return `s.state = ${value()}`;
    case 'span.type':
      return `s.type = ${value()}`;
    case 'assessment.name':
      return `a.name = ${value()}`;
    default:
      return `a.kind = ${value()}`;
  }
}

function aggregate({ type, percentile = 0 }: MetricsInput['aggregations'][number], metric: string, bind: Bind): string {
  switch (type) {
    case 'count':
      return metric === 'session_count' ? 'count(distinct v)' : 'count(v)';
    case 'percentile':
      return `percentile_cont(${bind(percentile / 100)}::float8) within group (order by v::float8)`;
    default:
      return `${type}(v)::float8`;
  }
}

function pointOf(
  row: Readonly<Record<string, unknown>>,
  { dimensions, aggregations, intervalSeconds }: MetricsInput,
): Point {
  const timed = intervalSeconds === undefined ? 0 : 1;
  return {
    ...(timed === 1 && { time: Number(row['g0']) }),
    dimensions: Object.fromEntries(dimensions.map((name, index) => [name, row[`g${index + timed}`] as string])),
    values: aggregations.map((_one, index) => {
      const value = row[`a${index}`];
      return value === null || value === undefined ? null : Number(value);
    }),
  };
}
