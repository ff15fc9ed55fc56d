/** What the searches have in common: the input, the page and its cursor. */
import { DaisError } from '@dais/api';
import type { RowFilter } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import { behind, isPlace, orderBy, placeOf, sortColumns, type SortKey } from '#lib/keyset.ts';

export interface SearchInput {
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly view: 'active' | 'deleted' | 'all';
  readonly limit: number;
  readonly cursor?: string;
}

/** A query for rows `r`, all but its order, its place and its limit. */
export interface SearchQuery {
  readonly columns: string;
  readonly keys: readonly SortKey[];
  /** What stands after `from`, and the conditions. */
  readonly of: (bind: Bind) => { readonly from: string; readonly where: readonly (string | false | undefined)[] };
}

export interface FoundRow {
  /** Where the page after this row begins. */
  readonly place: string;
}

/** At most `limit` rows behind `place`; undefined when that is no place in this order. */
export async function findRows<Row extends object>(
  { sql }: Transaction,
  query: SearchQuery,
  place: string | undefined,
  limit: number,
): Promise<(Row & FoundRow)[] | undefined> {
  const { columns, keys, of } = query;
  if (place !== undefined && !isPlace(keys, place)) return undefined;
  const { text, values } = composeStatement((bind) => {
    const { from, where } = of(bind);
    const after = place !== undefined && behind(keys, place, bind);
    return `select ${columns}, ${sortColumns(keys)} from ${from} where ${allOf([...where, after])}
     order by ${orderBy(keys)} limit ${bind(limit)}`;
  });
  // Not prepared by name: there are as many texts as filters, and a plan for these values is better than one for any.
  const rows = await sql.query<Row & Record<string, unknown>>(text, values);
  return rows.map((row) => ({ ...row, place: placeOf(keys, row) }));
}

/**
 * Joins the tables that sort keys are read from to the row `r`.
 *
 * @checkedAs
 */
export function joins(clauses: readonly (string | false | undefined)[]): string {
  return clauses.filter((clause) => typeof clause === 'string').join(' ');
}

export function foreignCursor(): DaisError {
  return new DaisError('invalid_cursor', 'The cursor was given out by another list, or is not a cursor at all.');
}

export function viewCondition(view: SearchInput['view']): string | undefined {
  return { active: 'r.deleted_at is null', deleted: 'r.deleted_at is not null', all: undefined }[view];
}

export function rowCondition(rows: RowFilter | undefined, bind: Bind): string | undefined {
  return rows === undefined ? undefined : `(${rows.sql(bind)})`;
}
