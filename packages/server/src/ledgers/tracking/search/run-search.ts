/** Searches runs: one query finds them, and further ones load their data by arrays of internal numbers. */
import { RUNS_COUNTED, type countRunsOperation, type Run, type searchRunsOperation } from '@dais/api/tracking';
import { parseFilter, parseOrder, runFilter, type FilterClause, type OrderKey } from '@dais/api/filter';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compareDouble, compareInteger, compareText, type Comparison } from '#lib/comparison-sql.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import { findHomes, type Home, type KnownHomes } from '../experiments/experiment-lookup.ts';
import type { TrackingOptions } from '../dependencies.ts';
import { hydrateRows, type RunRow } from '../runs/hydrate.ts';
import { attributes, filterConditions, keyed, type Translate } from './filter-sql.ts';
import {
  findRows,
  foreignCursor,
  joins,
  rowCondition,
  viewCondition,
  type FoundRow,
  type SearchInput,
  type SearchQuery,
} from './search-page.ts';

interface RunPage {
  readonly items: readonly Run[];
  readonly nextCursor?: string;
}

/** Characters of a text that are used for sorting, because page cursors must not contain texts of any length. */
const SORTED_TEXT = 500;
/** Runs whose data is loaded together: a page can have 50,000. */
const HYDRATED = 1000;

/** @throws DaisError `invalid_request` with the position in the filter or order, `invalid_cursor`. */
export async function searchRuns(
  tx: Transaction,
  call: CallOf<typeof searchRunsOperation>,
  options: TrackingOptions,
  homes: KnownHomes,
): Promise<RunPage> {
  const { limit, cursor, ...of } = call.input;
  const clauses = parseFilter(runFilter, of.filter ?? '');
  const order = parseOrder(runFilter, of.orderBy ?? []);
  const binding = ['runs', tx.projectId, of];
  const position = decodePageCursor(binding, cursor);
  const experiments = await findHomes(tx, of.experimentIds, homes);
  if (experiments.length === 0) return { items: [] };
  const search: RunSearch = { clauses, order, experiments, view: of.view, options, rows: call.rows };
  const found = await findRuns(tx, search, position, limit + 1);
  const { page, next } = cutPage(found, limit, binding, ({ position: at }) => at);
  const items: Run[] = [];
  for (let at = 0; at < page.length; at += HYDRATED) {
    items.push(...(await hydrateRows(tx.sql, page.slice(at, at + HYDRATED), options)));
  }
  if (of.countChildren !== true) return { items, ...next };
  const children = await countChildren(tx, search, page);
  return { items: items.map((run) => ({ ...run, children: children.get(run.id) ?? 0 })), ...next };
}

/** @throws DaisError `invalid_request` with the position in the filter. */
export async function countRuns(
  tx: Transaction,
  { input, rows }: CallOf<typeof countRunsOperation>,
  options: TrackingOptions,
  homes: KnownHomes,
): Promise<{ readonly runs: number; readonly more: boolean }> {
  const clauses = parseFilter(runFilter, input.filter ?? '');
  const experiments = await findHomes(tx, input.experimentIds, homes);
  if (experiments.length === 0) return { runs: 0, more: false };
  const { of } = runQuery({ clauses, order: [], experiments, view: input.view, options, rows });
  const { text, values } = composeStatement((bind) => {
    const { from, where } = of(bind);
    return `select count(*)::int as runs from (
       select from ${from} where ${allOf(where)} limit ${bind(RUNS_COUNTED + 1)}
     ) counted`;
  });
  const [found] = await tx.sql.query<{ runs: number }>(text, values);
  const runs = found?.runs ?? 0;
  return { runs: Math.min(runs, RUNS_COUNTED), more: runs > RUNS_COUNTED };
}

export interface RunSearch {
  readonly clauses: readonly FilterClause[];
  readonly order: readonly OrderKey[];
  readonly experiments: readonly Home[];
  readonly view: SearchInput['view'];
  readonly options: TrackingOptions;
  readonly rows: Call['rows'];
}

type FoundRun = RunRow & FoundRow;

/**
 * Searches in two phases when sorted by a metric: first runs with a number, which an index has in this order, so that a page
 * costs as much as its rows. The other runs are read only when a page reaches them.
 */
async function findRuns(
  tx: Transaction,
  search: RunSearch,
  position: string | undefined,
  limit: number,
): Promise<readonly FoundRun[]> {
  const { order, clauses, experiments } = search;
  const [first] = order;
  const homes = new Map(experiments.map((experiment) => [experiment.id, experiment]));
  const find = async (query: SearchQuery, from: string | undefined, most: number): Promise<FoundRun[] | undefined> => {
    const rows = await findRows<Omit<RunRow, 'is_default' | 'artifact_location'>>(tx, query, from, most);
    return rows?.flatMap((row) => {
      const home = homes.get(row.experiment);
      return home === undefined
        ? []
        : [{ ...row, is_default: home.is_default, artifact_location: home.artifact_location }];
    });
  };
  if (first?.family !== 'metric') {
    const found = await find(runQuery(search), position, limit);
    if (found === undefined) throw foreignCursor();
    return found;
  }
  const numbers = await find(runQuery(search, 'numbers'), position, limit);
  const found = numbers ?? [];
  // Other runs cannot match a filter that requires a number.
  const isRequested = clauses.some(
    ({ family, key, operator }) => family === 'metric' && key === first.key && operator !== '!=',
  );
  if (found.length === limit || (isRequested && numbers !== undefined)) return found;
  // Runs with numbers are before all others.
  const from = numbers === undefined ? position : undefined;
  const rest = await find(runQuery(search, 'others'), from, limit - found.length);
  if (rest === undefined) throw foreignCursor();
  return [...found, ...rest];
}

/** `first`: only runs whose first sort key, a metric, is a number; only the other runs; or all runs. */
function runQuery(search: RunSearch, first: 'numbers' | 'others' | 'all' = 'all'): SearchQuery {
  const { clauses, order, experiments, view, options, rows } = search;
  const about = (key: string) => [...order, ...clauses].some((one) => one.family === 'attribute' && one.key === key);
  const sortedBy = (key: string) => order.some((one) => one.family === 'attribute' && one.key === key);
  return {
    columns: 'r.num, r.id, r.name, r.user_name, r.status, r.started_at, r.ended_at, r.deleted_at, r.experiment',
    keys: [
      ...order.map((key, index) => sortKey(key, `k${index}`, first === 'numbers' && index === 0)),
      ...(sortedBy('start_time') ? [] : [{ sql: 'r.started_at', type: 'bigint', ascending: false } as const]),
      ...(sortedBy('run_id') ? [] : [{ sql: 'r.id', type: 'text', ascending: true } as const]),
    ],
    of: (bind) => {
      const scope = scopeOf(experiments, bind);
      return {
        from: `tracking.run r ${joins([
          ...order.map((key, index) => joined(key, `k${index}`, scope, first === 'numbers' && index === 0, bind)),
          about('artifact_uri') && artifactUris(options, bind),
        ])}`,
        where: [
          // Implied by the metric: with both conditions, PostgreSQL underestimates the number of runs.
          first !== 'numbers' && `r.experiment ${scope}`,
          viewCondition(view),
          first === 'numbers' && `k0.value < 'NaN'::float8`,
          first === 'others' && `(k0.value is null or k0.value = 'NaN'::float8)`,
          ...filterConditions(clauses, families(scope), bind),
          rowCondition(rows, bind),
        ],
      };
    },
  };
}

/** A single experiment is compared by equality, so that an index can provide the order. */
function scopeOf(experiments: readonly Home[], bind: Bind): string {
  const ids = experiments.map(({ id }) => id);
  return ids.length === 1 ? `= ${bind(ids[0])}::int8` : `= any(${bind(ids)}::int8[])`;
}

const COLUMNS: Readonly<Record<string, string>> = {
  run_id: 'r.id',
  run_name: 'r.name',
  status: 'r.status',
  start_time: 'r.started_at',
  end_time: 'r.ended_at',
  user_id: 'r.user_name',
  artifact_uri: 'u.uri',
};

function families(scope: string): Readonly<Record<string, Translate>> {
  const inputs = `from tracking.dataset_input i join tracking.dataset d on d.id = i.dataset where i.run = r.num`;
  const input =
    (column: string): Translate =>
    (clause, bind) =>
      `exists (select ${inputs} and ${compareText(column, clause, bind)})`;
  // The experiment is implied by the run; the condition enables an index.
  const logged = { owner: 'run', of: 'r.num', and: ` and x.experiment ${scope}` };
  return {
    metric: keyed({ name: 'tracking.metric', ...logged, compare: compareDouble }),
    parameter: keyed({ name: 'tracking.param', ...logged, compare: compareHashed }),
    tag: keyed({ name: 'tracking.tag', ...logged, compare: compareHashed }),
    attribute: attributes(COLUMNS, compareInteger),
    dataset: attributes(
      { name: input('d.name'), digest: input('d.digest'), context: input('i.context') },
      compareInteger,
    ),
  };
}

/** The index contains the hash of the value. */
function compareHashed(left: string, comparison: Comparison, bind: Bind): string {
  const compared = compareText(left, comparison, bind);
  return comparison.operator === '=' ? `x.hash = hashtext(${bind(comparison.value)}::text) and ${compared}` : compared;
}

const TABLES: Readonly<Record<string, string>> = {
  metric: 'tracking.metric',
  parameter: 'tracking.param',
  tag: 'tracking.tag',
};

/** Joins the row of a sort key. Runs without one are kept, unless `there` requires it. */
function joined({ family, key }: OrderKey, as: string, scope: string, there: boolean, bind: Bind): string | undefined {
  const table = TABLES[family];
  if (table === undefined) return undefined;
  return `${there ? '' : 'left '}join ${table} ${as} on ${as}.run = r.num and ${as}.key = ${bind(key)}::text and ${as}.experiment ${scope}`;
}

/** `number`: only runs with a number are selected. */
function sortKey({ family, key, ascending }: OrderKey, as: string, number: boolean): SortKey {
  if (family === 'metric') return { sql: `${as}.value`, type: 'double', ascending, missing: !number, nan: !number };
  if (family !== 'attribute')
    return { sql: `left(${as}.value, ${SORTED_TEXT})`, type: 'text', ascending, missing: true };
  const column = COLUMNS[key];
  if (column === undefined) throw new Error(`no column of ${key}`);
  if (key === 'start_time' || key === 'end_time') {
    return { sql: column, type: 'bigint', ascending, missing: key === 'end_time' };
  }
  return { sql: key === 'artifact_uri' ? `left(${column}, ${SORTED_TEXT})` : column, type: 'text', ascending };
}

/** Computes the same URIs as `artifactsOf` and `below`. */
function artifactUris({ artifactRoot }: TrackingOptions, bind: Bind): string {
  const number = `case when e.is_default then '0' else e.id::text end`;
  return `cross join lateral (
    select (regexp_replace(split_part(b.base, '?', 1), '/+$', '') || '/' || r.id || '/artifacts' ||
      coalesce(substr(b.base, nullif(strpos(b.base, '?'), 0)), '')) collate "C" as uri
    from tracking.experiment e,
      lateral (select coalesce(e.artifact_location, ${bind(artifactRoot)}::text || '/' || ${number}) as base) b
    where e.id = r.experiment
  ) u`;
}

/** Limit of exact counts. */
const MOST = 1000;

/** Returns counts by parent run, within the searched experiments and with the same deletion state. */
async function countChildren(
  tx: Transaction,
  { experiments, view, rows, options }: Pick<RunSearch, 'experiments' | 'view' | 'rows' | 'options'>,
  parents: readonly { readonly id: string }[],
): Promise<ReadonlyMap<string, number>> {
  if (parents.length === 0) return new Map();
  // The index contains the hash of the tag value.
  const { text, values } = composeStatement(
    (bind) => `select p.id, c.runs from unnest(${bind(parents.map(({ id }) => id))}::text[]) p (id), lateral (
       select count(*)::int as runs from (
         select from tracking.tag x join tracking.run r on r.num = x.run
         where x.experiment = any(${bind(experiments.map(({ id }) => id))}::int8[])
           and x.key = ${bind(options.originTags.parent)}::text and x.hash = hashtext(p.id) and x.value = p.id
           and ${allOf([viewCondition(view), rowCondition(rows, bind)])} limit ${MOST}
       ) counted
     ) c where c.runs > 0`,
  );
  const found = await tx.sql.query<{ id: string; runs: number }>(text, values);
  return new Map(found.map(({ id, runs }) => [id, runs]));
}
