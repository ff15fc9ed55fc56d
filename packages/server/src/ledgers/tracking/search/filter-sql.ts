/** Translates filter clauses to SQL. Names of tables and columns are constants; all input is bound. */
import type { FilterClause } from '@dais/api/filter';
import { compareText, type Comparison } from '#lib/comparison-sql.ts';
import type { Bind } from '#lib/composed-sql.ts';

/** Translates one clause to a condition on the row `r`. */
export type Translate = (clause: FilterClause, bind: Bind) => string;
type Compare = (left: string, comparison: Comparison, bind: Bind) => string;

export interface KeyedTable {
  readonly name: string;
  /** The owner column, and the matching column of the row `r`. */
  readonly owner: string;
  readonly of: string;
  readonly compare?: Compare;
  /** Further conditions on its row `x`. */
  readonly and?: string;
}

/** Translates clauses on a table of keyed values. A row without the key matches only IS NULL. */
export function keyed({ name, owner, of, compare = compareText, and = '' }: KeyedTable): Translate {
  return (clause, bind) => {
    const rows = `select from ${name} x where x.${owner} = ${of} and x.key = ${bind(clause.key)}::text${and}`;
    if (clause.operator === 'IS NULL') return `not exists (${rows})`;
    if (clause.operator === 'IS NOT NULL') return `exists (${rows})`;
    return `exists (${rows} and ${compare('x.value', clause, bind)})`;
  };
}

/** Translates clauses on attributes of the row itself, by their names in filters. */
export function attributes(columns: Readonly<Record<string, string | Translate>>, numbers: Compare): Translate {
  return (clause, bind) => {
    const column = columns[clause.key];
    if (column === undefined) throw new Error(`no column of ${clause.key}`);
    if (typeof column !== 'string') return column(clause, bind);
    return typeof clause.value === 'number' ? numbers(column, clause, bind) : compareText(column, clause, bind);
  };
}

/** Returns all conditions of a filter. */
export function filterConditions(
  clauses: readonly FilterClause[],
  families: Readonly<Record<string, Translate>>,
  bind: Bind,
): string[] {
  return clauses.map((clause) => {
    const translate = families[clause.family];
    if (translate === undefined) throw new Error(`no translation of ${clause.family}`);
    return translate(clause, bind);
  });
}
