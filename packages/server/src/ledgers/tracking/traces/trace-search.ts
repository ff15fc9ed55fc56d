/** Searches traces. */
import type { OutputOf } from '@dais/api';
import { correlateTracesOperation, searchTracesOperation, type Trace } from '@dais/api/tracking';
import {
  filterError,
  parseFilter,
  parseOrder,
  traceFilter,
  unorderedTraceKeys,
  type FilterClause,
  type OrderKey,
} from '@dais/api/filter';
import { entry, type CallOf, type OperationEntry } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import type { SortKey } from '#lib/keyset.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import { findExperiments } from '../experiments/experiment-lookup.ts';
import { findRows, foreignCursor, joins, rowCondition, type SearchQuery } from '../search/search-page.ts';
import { withRegex } from './regex.ts';
import { traceConditions } from './trace-conditions.ts';
import { hydrateTraces, TRACE_COLUMNS, type TraceRow } from './trace-rows.ts';
import type { TraceDependencies, TraceConventions } from './trace-conventions.ts';

/** Characters of a text that are used for sorting, because page cursors must not contain texts of any length. */
const SORTED_TEXT = 500;

export function traceSearchEntries(dependencies: TraceDependencies): readonly OperationEntry[] {
  return [
    entry(searchTracesOperation, async (tx, call) => await searchTraces(tx, call, dependencies)),
    entry(correlateTracesOperation, async (tx, call) => await correlate(tx, call, dependencies)),
  ];
}

/** @throws DaisError `invalid_request` with the position, `invalid_cursor`. */
async function searchTraces(
  tx: Transaction,
  { input, rows }: CallOf<typeof searchTracesOperation>,
  dependencies: TraceDependencies,
): Promise<{ items: readonly Trace[]; nextCursor?: string }> {
  const { limit, cursor, ...of } = input;
  const filter = of.filter ?? '';
  const clauses = parseFilter(traceFilter, filter);
  const order = orderOf(of.orderBy ?? []);
  const binding = ['traces', tx.projectId, of];
  const position = decodePageCursor(binding, cursor);
  const experiments = of.experimentIds.length === 0 ? [] : await findExperiments(tx, of.experimentIds);
  if (experiments.length === 0) return { items: [] };
  const query: SearchQuery = {
    columns: TRACE_COLUMNS,
    keys: sortKeys(order, dependencies.conventions),
    of: (bind) => ({
      from: `tracking.trace r join tracking.experiment e on e.id = r.experiment ${joins(sortTexts(order, bind))}`,
      where: [
        scopeOf(
          experiments.map(({ id }) => id),
          bind,
        ),
        ...traceConditions(clauses, { text: filter, conventions: dependencies.conventions, bind }),
        rowCondition(rows, bind),
      ],
    }),
  };
  const found = await withRegex(filter, clauses, async () => await findRows<TraceRow>(tx, query, position, limit + 1));
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  return { items: await hydrateTraces(tx, page, dependencies.options), ...next };
}

function orderOf(texts: readonly string[]): OrderKey[] {
  const order = parseOrder(traceFilter, texts);
  for (const [index, { family, key }] of order.entries()) {
    if (family !== 'attribute' || !unorderedTraceKeys.has(key)) continue;
    const text = texts[index] ?? '';
    const message = `Invalid order_by key '${key}' specified.`;
    throw filterError(`orderBy[${index}]`, text, { offset: 0, length: text.length }, message, {
      expected: 'a key that traces can be ordered by',
    });
  }
  return order;
}

/** A single experiment is compared by equality, so that an index provides the order. */
function scopeOf(ids: readonly bigint[], bind: Bind): string {
  return ids.length === 1 ? `r.experiment = ${bind(ids[0])}::int8` : `r.experiment = any(${bind(ids)}::int8[])`;
}

/** Joins the value of a sort key of a tag or metadata, so that its name is bound once. */
function sortTexts(order: readonly OrderKey[], bind: Bind): readonly (string | false)[] {
  return order.map(
    ({ family, key }, index) =>
      family !== 'attribute' &&
      `cross join lateral (select left(r.${family === 'tag' ? 'tags' : 'metadata'} ->> ${bind(key)}::text, ${SORTED_TEXT}) collate "C" as value) k${index}`,
  );
}

function sortKeys(order: readonly OrderKey[], conventions: TraceConventions): SortKey[] {
  const has = (name: string) => order.some(({ family, key }) => family === 'attribute' && key === name);
  return [
    ...order.map(({ family, key, ascending }, index): SortKey => {
      if (family !== 'attribute') return { sql: `k${index}.value`, type: 'text', ascending, missing: true };
      return { ...attributeKey(key, conventions), ascending };
    }),
    ...(has('timestamp_ms') ? [] : [{ sql: 'r.requested_at', type: 'bigint', ascending: false } as const]),
    ...(has('request_id') ? [] : [{ sql: 'r.id', type: 'text', ascending: true } as const]),
  ];
}

function attributeKey(key: string, { nameTag }: TraceConventions): Omit<SortKey, 'ascending'> {
  switch (key) {
    case 'timestamp_ms':
      return { sql: 'r.requested_at', type: 'bigint' };
    case 'execution_time_ms':
      return { sql: 'r.duration', type: 'bigint', missing: true };
    case 'end_time_ms':
      return { sql: '(r.requested_at + coalesce(r.duration, 0))', type: 'bigint' };
    case 'status':
      return { sql: 'r.state', type: 'text' };
    case 'request_id':
      return { sql: 'r.id', type: 'text' };
    case 'run_id':
      return { sql: 'r.run', type: 'text', missing: true };
    case 'experiment_id':
      return { sql: '(case when e.is_default then 0 else e.id end)', type: 'bigint' };
    default:
      // A constant of the installation, not input of the caller.
      return {
        sql: `(left(r.tags ->> '${nameTag.replaceAll("'", "''")}', ${SORTED_TEXT}) collate "C")`,
        type: 'text',
        missing: true,
      };
  }
}

type Counts = OutputOf<typeof correlateTracesOperation>;

/** Counts the traces that match each filter, and both filters. */
async function correlate(
  tx: Transaction,
  { input, rows }: CallOf<typeof correlateTracesOperation>,
  dependencies: TraceDependencies,
): Promise<Counts> {
  const texts = [input.base ?? '', input.filter1, input.filter2] as const;
  const names = ['base', 'filter1', 'filter2'] as const;
  const [base, first, second] = texts.map((text, index) => parseFilter(traceFilter, text, names[index])) as [
    FilterClause[],
    FilterClause[],
    FilterClause[],
  ];
  const experiments = await findExperiments(tx, input.experimentIds);
  if (experiments.length === 0) return { total: 0, count1: 0, count2: 0, both: 0 };
  const ids = experiments.map(({ id }) => id);
  const { conventions } = dependencies;
  const { text: statement, values } = composeStatement(
    (bind) => `select count(*)::int as total, count(*) filter (where a)::int as count1,
      count(*) filter (where b)::int as count2, count(*) filter (where a and b)::int as both
    from (select (${allOf(traceConditions(first, { text: texts[1], conventions, bind }))}) as a,
        (${allOf(traceConditions(second, { text: texts[2], conventions, bind }))}) as b
      from tracking.trace r join tracking.experiment e on e.id = r.experiment
      where ${allOf([
        scopeOf(ids, bind),
        ...traceConditions(base, { text: texts[0], conventions, bind }),
        rowCondition(rows, bind),
      ])}) t`,
  );
  const clauses = [...base, ...first, ...second];
  const [counts] = await withRegex(texts.join(' '), clauses, async () => await tx.sql.query<Counts>(statement, values));
  return counts ?? { total: 0, count1: 0, count2: 0, both: 0 };
}
