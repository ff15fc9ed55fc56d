/** Clauses of a filter as SQL. Names of tables and columns are written here; all that a caller wrote is bound. */
import type { FilterClause } from '@dais/api/filter';
import { compareText, type Comparison } from '#lib/comparison-sql.ts';
import type { Bind } from '#lib/composed-sql.ts';

/** One clause as a condition over the row `r`. */
export type Translate = (clause: FilterClause, bind: Bind) => string;
type Compare = (left: string, comparison: Comparison, bind: Bind) => string;

export interface KeyedTable {
  readonly name: string;
  /** Its column that says whose the row is, and what that is of the row `r`. */
  readonly owner: string;
  readonly of: string;
  readonly compare?: Compare;
  /** Further conditions over its row `x`. */
  readonly and?: string;
}

/** What was logged under keys, in a table of its own. A row without the key matches nothing but IS NULL. */
export function keyed({ name, owner, of, compare = compareText, and = '' }: KeyedTable): Translate {
  return (clause, bind) => {
    const rows = `select from ${name} x where x.${owner} = ${of} and x.key = ${bind(clause.key)}::text${and}`;
    if (clause.operator === 'IS NULL') return `not exists (${rows})`;
    if (clause.operator === 'IS NOT NULL') return `exists (${rows})`;
    return `exists (${rows} and ${compare('x.value', clause, bind)})`;
  };
}

/** Attributes of the row itself, by the names that filters have for them. */
export function attributes(columns: Readonly<Record<string, string | Translate>>, numbers: Compare): Translate {
  return (clause, bind) => {
    const column = columns[clause.key];
    if (column === undefined) throw new Error(`no column of ${clause.key}`);
    if (typeof column !== 'string') return column(clause, bind);
    return typeof clause.value === 'number' ? numbers(column, clause, bind) : compareText(column, clause, bind);
  };
}

/** All conditions of a filter. */
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
