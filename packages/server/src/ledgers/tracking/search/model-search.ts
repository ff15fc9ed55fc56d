/** Searches logged models. */
import { DaisError } from '@dais/api';
import { loggedModelStatuses, type LoggedModel, type searchLoggedModelsOperation } from '@dais/api/tracking';
import { filterError, loggedModelFilter, parseFilter, type FilterClause } from '@dais/api/filter';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compareDouble, compareInteger, compareText } from '#lib/comparison-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import type { Bind } from '#lib/composed-sql.ts';
import { findExperiments } from '../experiments/experiment-lookup.ts';
import { hydrateModels } from '../logged-models/logged-model-rows.ts';
import type { TrackingOptions } from '../dependencies.ts';
import { attributes, filterConditions, keyed, type Translate } from './filter-sql.ts';
import {
  findRows,
  joins,
  foreignCursor,
  rowCondition,
  viewCondition,
  type SearchInput,
  type SearchQuery,
} from './search-page.ts';

interface OnDataset {
  readonly datasetName: string;
  readonly datasetDigest?: string;
}

interface ModelOrder extends Partial<OnDataset> {
  readonly field: string;
  readonly ascending: boolean;
}

interface ModelSearchInput extends Omit<SearchInput, 'orderBy'> {
  readonly experimentIds: readonly string[];
  readonly datasets?: readonly OnDataset[];
  readonly orderBy?: readonly ModelOrder[];
}

interface ModelPage {
  readonly items: readonly LoggedModel[];
  readonly nextCursor?: string;
}

/** @throws DaisError `invalid_request` with the position, `invalid_cursor`. */
export async function searchModels(
  tx: Transaction,
  { input, rows }: CallOf<typeof searchLoggedModelsOperation>,
  options: TrackingOptions,
): Promise<ModelPage> {
  const { limit, cursor, ...of } = input;
  const binding = ['logged models', tx.projectId, of];
  const position = decodePageCursor(binding, cursor);
  const query = modelQuery(of, rows);
  const experiments = of.experimentIds.length === 0 ? [] : await findExperiments(tx, of.experimentIds);
  if (experiments.length === 0) return { items: [] };
  const ids = experiments.map(({ id }) => id);
  const found = await findRows<{ num: bigint }>(tx, query(ids), position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  const nums = page.map(({ num }) => num);
  return { items: await hydrateModels(tx, nums, options), ...next };
}

function modelQuery(of: Omit<ModelSearchInput, 'limit'>, rows: Call['rows']): (ids: readonly bigint[]) => SearchQuery {
  const text = of.filter ?? '';
  const clauses = parseFilter(loggedModelFilter, text);
  const order = (of.orderBy ?? []).map(readOrder);
  const datasets = of.datasets ?? [];
  const sortedBy = (column: string) => order.some((one) => one.column === column);
  return (ids) => ({
    columns: 'r.num',
    keys: [
      ...order.map((one, index) => sortKey(one, `k${index}`)),
      ...(sortedBy(COLUMNS.creation_timestamp) ? [] : [NEWEST]),
      ...(sortedBy(COLUMNS.model_id) ? [] : [BY_ID]),
    ],
    of: (bind) => ({
      from: `tracking.logged_model r ${joins(order.flatMap((one, index) => joined(one, `k${index}`, datasets, bind)))}`,
      where: [
        `r.experiment = any(${bind(ids)}::int8[])`,
        viewCondition(of.view),
        ...filterConditions(clauses, families(text, datasets), bind),
        datasets.length > 0 && !clauses.some(({ family }) => family === 'metric') && measured(datasets, bind),
        rowCondition(rows, bind),
      ],
    }),
  });
}

const COLUMNS = {
  name: 'r.name',
  model_id: 'r.id',
  model_type: 'r.type',
  status: 'r.status',
  source_run_id: 'r.source_run',
  creation_timestamp: 'r.created_at',
  last_updated_timestamp: 'r.updated_at',
} as const;
const NEWEST: SortKey = { sql: COLUMNS.creation_timestamp, type: 'bigint', ascending: false };
const BY_ID: SortKey = { sql: COLUMNS.model_id, type: 'text', ascending: true };

function families(text: string, datasets: readonly OnDataset[]): Readonly<Record<string, Translate>> {
  return {
    metric: (clause, bind) =>
      `exists (select from (${latest(clause.key, [datasets], bind)}) x where ${compareDouble('x.value', clause, bind)})`,
    parameter: keyed({ name: 'tracking.logged_model_param', owner: 'model', of: 'r.num' }),
    tag: keyed({ name: 'tracking.logged_model_tag', owner: 'model', of: 'r.num' }),
    attribute: attributes({ ...COLUMNS, status: byStatus(text) }, compareInteger),
  };
}

function byStatus(text: string): Translate {
  return (clause: FilterClause, bind) => {
    const { value, span } = clause;
    const requested = typeof value === 'object' ? value : [String(value)];
    const wrong = requested.find((one) => !loggedModelStatuses.some((status) => status === one));
    if (wrong !== undefined) {
      const expected = `one of ${loggedModelStatuses.join(', ')}`;
      throw filterError('filter', text, span, `Unknown model status in filter: '${wrong}'`, { expected });
    }
    return compareText(COLUMNS.status, clause, bind);
  };
}

/** Selects the latest value of a metric, by the highest step, then time, then value, on one dataset of each group. */
function latest(key: string, groups: readonly (readonly Partial<OnDataset>[])[], bind: Bind): string {
  const on = groups.filter((group) => group.length > 0).map((group) => ` and ${onDataset(group, bind)}`);
  return `select y.value from tracking.logged_model_metric y
    where y.model = r.num and y.key = ${bind(key)}::text${on.join('')}
    order by y.step desc, y.ts desc, y.value desc limit 1`;
}

function onDataset(datasets: readonly Partial<OnDataset>[], bind: Bind): string {
  const alternatives = datasets.map(({ datasetName, datasetDigest }) => {
    const name = datasetName === undefined ? 'true' : `y.dataset_name = ${bind(datasetName)}::text`;
    return datasetDigest === undefined ? name : `${name} and y.dataset_digest = ${bind(datasetDigest)}::text`;
  });
  return `(${alternatives.join(' or ')})`;
}

function measured(datasets: readonly OnDataset[], bind: Bind): string {
  return `exists (select from tracking.logged_model_metric y where y.model = r.num and ${onDataset(datasets, bind)})`;
}

type ReadOrder = ModelOrder & ({ readonly metric: string; readonly column?: undefined } | { readonly column: string });

/** @throws DaisError `invalid_request` */
function readOrder(order: ModelOrder, index: number): ReadOrder {
  const { field } = order;
  if (field.startsWith('metrics.')) return { ...order, metric: field.slice('metrics.'.length) };
  const keys = loggedModelFilter.families.find(({ name }) => name === 'attribute')?.keys ?? [];
  const key = keys.find(({ name, aliases }) => name === field || aliases?.includes(field) === true);
  if (key !== undefined) return { ...order, column: COLUMNS[key.name as keyof typeof COLUMNS] };
  const message = `Invalid order by field name: ${field}.${field.includes('.') ? ' Only metrics are supported.' : ''}`;
  const expected = `metrics.<name> or one of ${keys.map(({ name }) => name).join(', ')}`;
  throw new DaisError('invalid_request', message, { issues: [{ path: `orderBy[${index}].field`, message, expected }] });
}

function sortKey({ column, ascending }: ReadOrder, as: string): SortKey {
  if (column === undefined) return { sql: `${as}.value`, type: 'double', ascending, missing: true, nan: true };
  const type = column === COLUMNS.creation_timestamp || column === COLUMNS.last_updated_timestamp ? 'bigint' : 'text';
  const missing = column === COLUMNS.model_type || column === COLUMNS.source_run_id;
  return { sql: column, type, ascending, missing };
}

function joined(order: ReadOrder, as: string, datasets: readonly OnDataset[], bind: Bind): string[] {
  if (order.column !== undefined) return [];
  return [`left join lateral (${latest(order.metric, [datasets, [order]], bind)}) ${as} on true`];
}
