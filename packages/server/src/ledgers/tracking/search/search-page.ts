/** Common parts of searches: the input, the page and its cursor. */
import { DaisError } from '@dais/api';
import type { RowFilter } from '#kernel/principal.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { allOf, composeStatement, type Bind } from '#lib/composed-sql.ts';
import { behind, isPosition, orderBy, positionOf, sortColumns, type SortKey } from '#lib/keyset.ts';

export interface SearchInput {
  readonly filter?: string;
  readonly orderBy?: readonly string[];
  readonly view: 'active' | 'deleted' | 'all';
  readonly limit: number;
  readonly cursor?: string;
}

/** A query for rows `r`, without order, position and limit. */
export interface SearchQuery {
  readonly columns: string;
  readonly keys: readonly SortKey[];
  /** The `from` clause and the conditions. */
  readonly of: (bind: Bind) => { readonly from: string; readonly where: readonly (string | false | undefined)[] };
}

export interface FoundRow {
  /** Position of the page after this row. */
  readonly position: string;
}

/** Returns at most `limit` rows after `place`. Undefined: the position is not valid in this order. */
export async function findRows<Row extends object>(
  { sql }: Transaction,
  query: SearchQuery,
  position: string | undefined,
  limit: number,
): Promise<(Row & FoundRow)[] | undefined> {
  const { columns, keys, of } = query;
  if (position !== undefined && !isPosition(keys, position)) return undefined;
  const { text, values } = composeStatement((bind) => {
    const { from, where } = of(bind);
    const after = position !== undefined && behind(keys, position, bind);
    return `select ${columns}, ${sortColumns(keys)} from ${from} where ${allOf([...where, after])}
     order by ${orderBy(keys)} limit ${bind(limit)}`;
  });
  // Not a named statement: each filter has its own text, and a plan for its values is better than a generic one.
  const rows = await sql.query<Row & Record<string, unknown>>(text, values);
  return rows.map((row) => ({ ...row, position: positionOf(keys, row) }));
}

/**
 * Joins the tables of sort keys to the row `r`.
 *
 * @checkedAs
 */
export function joins(clauses: readonly (string | false | undefined)[]): string {
  return clauses.filter((clause) => typeof clause === 'string').join(' ');
}

export function foreignCursor(): DaisError {
  return new DaisError(
    'invalid_cursor',
    'The cursor is invalid or belongs to another search. Start again without a cursor.',
  );
}

export function viewCondition(view: SearchInput['view']): string | undefined {
  return { active: 'r.deleted_at is null', deleted: 'r.deleted_at is not null', all: undefined }[view];
}

export function rowCondition(rows: RowFilter | undefined, bind: Bind): string | undefined {
  return rows === undefined ? undefined : `(${rows.sql(bind)})`;
}
