/** Searches evaluation datasets. */
import type { EvaluationDataset, searchEvaluationDatasetsOperation } from '@dais/api/tracking';
import { evaluationDatasetFilter, parseFilter, parseOrder, type OrderKey } from '@dais/api/filter';
import type { Call, CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { compareInteger } from '#lib/comparison-sql.ts';
import type { SortKey } from '#lib/keyset.ts';
import { findExperiments } from '../experiments/experiment-lookup.ts';
import { attributes, filterConditions, keyed } from '../search/filter-sql.ts';
import { findRows, foreignCursor, rowCondition, type SearchInput, type SearchQuery } from '../search/search-page.ts';
import { DATASET_COLUMNS, hydrateDatasets, type DatasetRow } from './dataset-rows.ts';

interface DatasetSearchInput extends Omit<SearchInput, 'view'> {
  readonly experimentIds?: readonly string[];
}

interface DatasetPage {
  readonly items: readonly EvaluationDataset[];
  readonly nextCursor?: string;
}

/** @throws DaisError `invalid_request` with the position, `invalid_cursor`. */
export async function searchDatasets(
  tx: Transaction,
  { input, rows }: CallOf<typeof searchEvaluationDatasetsOperation>,
): Promise<DatasetPage> {
  const { limit, cursor, ...of } = input;
  const binding = ['evaluation datasets', tx.projectId, of];
  const position = decodePageCursor(binding, cursor);
  const query = datasetQuery(tx.projectId, of, rows);
  const requested = of.experimentIds ?? [];
  const experiments = requested.length === 0 ? undefined : await findExperiments(tx, requested);
  if (experiments?.length === 0) return { items: [] };
  const found = await findRows<DatasetRow>(tx, query(experiments?.map(({ id }) => id)), position, limit + 1);
  if (found === undefined) throw foreignCursor();
  const { page, next } = cutPage(found, limit, binding, (row) => row.position);
  return { items: await hydrateDatasets(tx, page), ...next };
}

const COLUMNS = {
  name: 'r.name',
  created_time: 'r.created_at',
  last_update_time: 'r.updated_at',
  created_by: 'r.created_by',
  last_updated_by: 'r.updated_by',
} as const;

const FAMILIES = {
  attribute: attributes(COLUMNS, compareInteger),
  tag: keyed({ name: 'tracking.evaluation_dataset_tag', owner: 'dataset', of: 'r.num' }),
};

function datasetQuery(
  projectId: string,
  of: Omit<DatasetSearchInput, 'limit'>,
  rows: Call['rows'],
): (experiments: readonly bigint[] | undefined) => SearchQuery {
  const clauses = parseFilter(evaluationDatasetFilter, of.filter ?? '');
  const order = parseOrder(evaluationDatasetFilter, of.orderBy ?? []);
  return (experiments) => ({
    columns: DATASET_COLUMNS,
    keys: sortKeys(order),
    of: (bind) => ({
      from: 'tracking.evaluation_dataset r',
      where: [
        `r.project_id = ${bind(projectId)}::uuid`,
        experiments !== undefined &&
          `exists (select from tracking.evaluation_dataset_experiment x where x.dataset = r.num and x.experiment = any(${bind(experiments)}::int8[]))`,
        ...filterConditions(clauses, FAMILIES, bind),
        rowCondition(rows, bind),
      ],
    }),
  });
}

function sortKeys(order: readonly OrderKey[]): SortKey[] {
  const requested = order.length > 0 ? order : [{ key: 'created_time', ascending: false }];
  const sorted = requested.map(({ key, ascending }): SortKey => {
    const type = key === 'created_time' || key === 'last_update_time' ? 'bigint' : 'text';
    const missing = key === 'created_by' || key === 'last_updated_by';
    return { sql: COLUMNS[key as keyof typeof COLUMNS], type, ascending, missing };
  });
  return [...sorted, { sql: 'r.id', type: 'text', ascending: false }];
}
