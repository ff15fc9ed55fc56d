/** The next window of the predictions of an endpoint. */
import { countNoun } from '@dais/api';
import type { MonitorSpec } from '@dais/api/monitoring';
import { readPredictionId } from '@dais/api/gateway';
import {
  aggregate,
  allOf,
  call,
  column,
  descending,
  filter,
  literal,
  named,
  when,
} from '#engines/query/model/build.ts';
import type { Expression, NamedExpression, Relation } from '#engines/query/model/query-tree.ts';
import { readResource } from '#kernel/store.ts';
import { transact } from '#kernel/transaction.ts';
import type { FileRow, FoundPredictions } from '#ledgers/predictions/index.ts';
import { QueryRunner, cellsOf, count, toNumber, cellText, type Rows } from '../query-runner.ts';
import { elementType, fieldsOfPredictions, MAX_ELEMENTS, MAX_FIELDS } from '../metrics/fields.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import { missingPredictions } from './missing-predictions.ts';
import { nextSpan, type WindowVersion, type OpenWindow, type PredictionRange, type RequestMetrics } from './window.ts';

/** Maximum number of files that are read for the end of a window by count. */
const MAX_FILES = 2000;
/** Maximum clock difference between gateways. */
const SKEW_MS = 60_000;
const FAILED_STATUS = 400;

/** Returns undefined if the window has not ended. */
export async function withPredictionWindow<T>(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  signal: AbortSignal,
  work: (window: OpenWindow) => Promise<T>,
): Promise<T | undefined> {
  const { spec, project_id: projectId } = monitor;
  const of = { projectId, endpoint: monitor.endpoint ?? '' };
  const now = dependencies.clock.now();
  const upper = now - spec.graceSeconds * 1000;
  const missing = await dependencies.predictions.collect(signal, upper);
  const cursor = Number(monitor.cursor_at);
  const files = await dependencies.predictions.files(of, earliest(cursor, monitor.cursor_id ?? undefined), MAX_FILES);
  const runner = new QueryRunner(await dependencies.query(), projectId, signal);
  const masked = await masksOf(dependencies, monitor);
  const future = files.filter((file) => Number(file.last_at) > now + SKEW_MS).length;
  const problems = [...missingPredictions(missing, cursor)];
  if (future > 0) {
    const reason = `The clock of a gateway is ahead: the predictions of ${countNoun(future, 'file')} have a time in the future. They are evaluated when that time is reached.`;
    problems.push({ metric: 'future_predictions', reason });
  }
  const { windows } = spec;
  if (windows.type === 'time') {
    const first = files[0];
    const next = first === undefined ? undefined : Math.max(Number(first.first_at), cursor);
    const span = nextSpan(windows, cursor, { now, graceMs: spec.graceSeconds * 1000, next });
    if (span === undefined) return undefined;
    return await dependencies.predictions.withRows(
      of,
      span,
      async (found) => await work({ ...(await openWindow(runner, found, span, { spec, masked })), problems }),
    );
  }
  const some = enough(files, windows.rows, cursor);
  return await dependencies.predictions.withRows(
    of,
    { from: cursor },
    async (found) => {
      const after = monitor.cursor_id ?? undefined;
      const range = await nextCount(runner, found, { from: cursor, until: upper, after }, windows.rows);
      if (range === undefined) return undefined;
      return await work({ ...(await openWindow(runner, found, range, { spec, masked })), problems });
    },
    some,
  );
}

/** Selects the oldest files with twice the needed rows, because some of the first rows belong to earlier windows. Hours are not split. */
function enough(files: readonly FileRow[], rows: number, cursor: number): readonly FileRow[] {
  let [sum, hour] = [0, -1n];
  return files.filter((file) => {
    if (sum >= rows && file.hour > hour) return false;
    hour = file.hour;
    if (Number(file.first_at) >= cursor) sum += file.rows;
    return true;
  });
}

/**
 * Returns the first rows of `among`. A prediction gets its id when the request arrives, and its time when the response is sent, so the
 * two orders differ: windows by count are cut by id, and end with the last response in them.
 */
export async function nextCount(
  runner: QueryRunner,
  found: Pick<FoundPredictions, 'tables' | 'relation'>,
  among: PredictionRange,
  rows: number,
): Promise<PredictionRange | undefined> {
  const first: Relation = {
    type: 'limit',
    from: {
      type: 'sort',
      from: evaluatedRows(filterByRange(found.relation, among)),
      by: [{ expression: column('prediction_id') }, { expression: column('row') }],
    },
    count: rows,
  };
  const end: Relation = {
    type: 'aggregate',
    from: first,
    by: [],
    columns: [
      named('n', aggregate('count')),
      named('id', aggregate('max', [column('prediction_id')])),
      named('at', aggregate('max', [call('/', call('epoch-us', column('predicted_at')), literal(1000))])),
    ],
  };
  const [row] = (await runner.queryOne(found.tables, end, 1)).rows;
  const time = toNumber(row?.[2]);
  if (count(row?.[0]) < rows || time === undefined) return undefined;
  // All of it can belong to the previous window.
  const until = Math.max(Math.floor(time), among.from) + 1;
  return { ...among, until, last: cellText(row?.[1]) };
}

/** Returns the earliest response time of predictions after `after`; some precede the last one of the previous window. */
function earliest(from: number, after: string | undefined): number {
  const at = after === undefined ? undefined : readPredictionId(after)?.at;
  return Math.min(from, at ?? from);
}

/** Returns the condition for rows between two times, or for a range of ids. */
export function filterByRange(relation: Relation, { from, until, after, last }: PredictionRange): Relation {
  const at = (ms: number) => literal(new Date(ms).toISOString(), 'timestamp');
  const where: Expression[] = [
    call('>=', column('predicted_at'), at(earliest(from, after))),
    call('<', column('predicted_at'), at(until)),
    ...(after === undefined ? [] : [call('>', column('prediction_id'), literal(after))]),
    ...(last === undefined ? [] : [call('<=', column('prediction_id'), literal(last))]),
  ];
  return filter(relation, ...where);
}

const IS_EVALUATED = allOf(
  call('is-null', column('shadow_of')),
  call('<', column('status'), literal(FAILED_STATUS)),
  call('not', column('erased')),
);

/** Excludes copies for shadows, failed requests and erased rows. */
export function evaluatedRows(relation: Relation): Relation {
  return filter(relation, IS_EVALUATED);
}

async function openWindow(
  runner: QueryRunner,
  found: FoundPredictions,
  range: PredictionRange,
  { spec, masked }: { readonly spec: MonitorSpec; readonly masked: ReadonlySet<string> },
): Promise<Omit<OpenWindow, 'problems'>> {
  const all: Rows = { tables: found.tables, relation: filterByRange(found.relation, range) };
  const limits = spec.checks.flatMap((check) =>
    check.type === 'slo' && check.latencyMs !== undefined ? [check.latencyMs] : [],
  );
  const lists = found.columns.filter(({ type, name }) => elementType(type) !== undefined && /^(in|out)_/.test(name));
  const first = call('and', call('=', column('row'), literal(0)), call('is-null', column('shadow_of')));
  const failed = call('or', call('>=', column('status'), literal(500)), call('=', column('status'), literal(429)));
  const latency = when(allOf(first, call('not', failed)), call('/', column('latency_us'), literal(1000, 'float64')));
  const columns: NamedExpression[] = [
    named('rows', aggregate('count', [], { where: IS_EVALUATED })),
    named('requests', aggregate('count', [], { where: first })),
    named('failed', aggregate('count', [], { where: allOf(first, failed) })),
    named('erased', aggregate('count', [], { where: column('erased') })),
    named('latency', aggregate('approx-quantiles', [latency], { parameters: [0.5, 0.95, 0.99] })),
    ...limits.map((limit, at) =>
      named(`slow${at}`, aggregate('count', [], { where: call('>', latency, literal(limit, 'float64')) })),
    ),
    ...lists.map(({ name }, at) => named(`size${at}`, aggregate('max', [call('size', column(name))]))),
  ];
  const versions: Relation = {
    type: 'sort',
    from: {
      type: 'aggregate',
      from: evaluatedRows(all.relation),
      by: [named('model', column('model')), named('version', column('version'))],
      columns: [named('n', aggregate('count'))],
    },
    by: [descending('n'), { expression: column('model') }, { expression: column('version') }],
  };
  const [facts, answered] = await runner.queryAll(all.tables, [
    { query: { type: 'aggregate', from: all.relation, by: [], columns }, limit: 1 },
    { query: versions, limit: 100 },
  ]);
  if (facts === undefined || answered === undefined) throw new Error('a query returned no result');
  const cells = cellsOf(facts);
  const sizes = new Map(lists.map(({ name }, at) => [name, count(cells.get(`size${at}`))]));
  const fields = fieldsOfPredictions({ columns: found.columns, sizes, masked });
  const rows = count(cells.get('rows'));
  const notes = [
    ...lists.flatMap(({ name }) =>
      (sizes.get(name) ?? 0) > MAX_ELEMENTS
        ? [
            `${name.replace(/^(in|out)_/, '')} has ${sizes.get(name)} elements per row, more than ${MAX_ELEMENTS}, and is not evaluated.`,
          ]
        : [],
    ),
    ...(fields.length > MAX_FIELDS ? [`Only the first ${MAX_FIELDS} of ${fields.length} columns are evaluated.`] : []),
    ...(count(cells.get('erased')) > 0
      ? [`The evaluation excludes ${countNoun(count(cells.get('erased')), 'erased row')}.`]
      : []),
  ];
  const quantiles = cells.get('latency');
  const [p50Ms, p95Ms, p99Ms] = Array.isArray(quantiles) ? quantiles.map((cell) => toNumber(cell as never)) : [];
  const requests: RequestMetrics = {
    requests: count(cells.get('requests')),
    failed: count(cells.get('failed')),
    slow: new Map(limits.map((limit, at) => [limit, count(cells.get(`slow${at}`))])),
    p50Ms,
    p95Ms,
    p99Ms,
  };
  return {
    range,
    rows,
    fields: fields.slice(0, MAX_FIELDS),
    data: { tables: all.tables, relation: evaluatedRows(all.relation) },
    inputs: found.columns.filter(({ name }) => name.startsWith('in_')),
    versions: answered.rows.flatMap(([model, version, n]): WindowVersion[] =>
      typeof model === 'string' ? [{ model, version: cellText(version), rows: count(n) }] : [],
    ),
    requests,
    dataset: undefined,
    identity: { prediction: column('prediction_id'), row: column('row') },
    notes,
  };
}

/** Returns restricted inputs and outputs: `spec.capture.mask` of the Endpoint. */
export async function masksOf(
  { database }: Pick<MonitoringDependencies, 'database'>,
  monitor: Pick<MonitorRow, 'project_id' | 'endpoint'>,
): Promise<ReadonlySet<string>> {
  const { project_id: projectId, endpoint } = monitor;
  const resource = await transact(
    database,
    { mode: 'read', projectId },
    async ({ sql }) => await readResource(sql, projectId, 'Endpoint', endpoint ?? ''),
  );
  const capture = resource?.spec['capture'] as { readonly mask?: readonly string[] } | undefined;
  return new Set((capture?.mask ?? []).map((name) => name.toLowerCase()));
}

/** Provides the fields of predictions of a period, for a baseline. */
export async function withPredictions<T>(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  range: PredictionRange,
  signal: AbortSignal,
  work: (window: Pick<OpenWindow, 'data' | 'inputs' | 'fields' | 'rows'>) => Promise<T>,
): Promise<T> {
  const { project_id: projectId, spec } = monitor;
  const runner = new QueryRunner(await dependencies.query(), projectId, signal);
  const masked = await masksOf(dependencies, monitor);
  return await dependencies.predictions.withRows(
    { projectId, endpoint: monitor.endpoint ?? '' },
    range,
    async (found) => await work(await openWindow(runner, found, range, { spec, masked })),
  );
}
