/** Maps the URL of a runs table to the query of the server. Pure functions. */
import { runFilter } from '@dais/api/filter';
import { columnOf } from './run-columns.ts';
import { queryProblem } from '#ui/query-problem.ts';
import type { QueryProblem } from '#ui/query-input.tsx';
import { readSort } from '#ui/resource-table.tsx';

export interface RunQuery {
  readonly filter: string;
  readonly orderBy: readonly string[];
  readonly view: 'active' | 'deleted';
  /** Id of the column that groups runs by equal values. */
  readonly group: string | undefined;
}

/** Columns that the server cannot sort by. */
const UNORDERED = new Set(['duration', 'experiment', 'dataset', 'models']);

export function isOrdered(id: string): boolean {
  return id === 'run_name' || (columnOf(id) !== undefined && !UNORDERED.has(id));
}

export function runQuery(query: Readonly<Record<string, string | undefined>>): RunQuery {
  const { filter = '', sort: sortText, group, view } = query;
  const sort = readSort(sortText);
  const grouped = group === undefined || columnOf(group) === undefined ? undefined : group;
  return {
    filter: filterProblem(filter) === undefined ? filter : '',
    orderBy: [
      ...(grouped !== undefined && isOrdered(grouped) ? [`${grouped} ASC`] : []),
      ...(sort !== undefined && isOrdered(sort.column) && sort.column !== grouped
        ? [`${sort.column} ${sort.descending ? 'DESC' : 'ASC'}`]
        : []),
    ],
    view: view === 'deleted' ? 'deleted' : 'active',
    group: grouped,
  };
}

/** The grammar error with its position. */
export function filterProblem(text: string): QueryProblem | undefined {
  return queryProblem(runFilter, text);
}

/** Returns a filter for runs of these ids that keeps the other conditions. */
export function withIds(filter: string, ids: readonly string[]): string {
  const among = `run_id IN (${ids.map((id) => `'${id.replaceAll("'", "''")}'`).join(', ')})`;
  return filter.trim() === '' ? among : `${filter} AND ${among}`;
}
