/** Translates SCIM filters to conditions of SQL. Values are bound; names of attributes are looked up in a table. */
import { DaisError } from '@dais/api';
import type { Bind } from '#lib/composed-sql.ts';
import {
  InvalidFilter,
  parseFilter,
  type AttributePath,
  type Filter,
  type FilterValue,
  type Operator,
} from '#lib/scim/filter.ts';

/** A column, as an expression of SQL. */
export interface FilterColumn {
  readonly type: 'text' | 'exact' | 'boolean' | 'time';
  readonly sql: string;
}

/** A multi-valued attribute: a `from` clause, and its columns by sub-attribute. */
export interface FilterList {
  readonly from: string;
  readonly columns: Readonly<Record<string, FilterColumn>>;
}

/** Names in lower case; `name.familyname` for a sub-attribute. */
export interface FilterTable {
  /** URN of the schema, in lower case. */
  readonly schema: string;
  readonly columns: Readonly<Record<string, FilterColumn>>;
  readonly lists: Readonly<Record<string, FilterList>>;
}

/**
 * Returns the condition of a filter; no filter matches every row.
 *
 * @checkedAs true
 * @throws DaisError `invalid_request`
 */
export function filterCondition(text: string | undefined, table: FilterTable, bind: Bind): string {
  if (text === undefined) return 'true';
  try {
    return conditionOf(parseFilter(text), table, bind);
  } catch (error) {
    if (!(error instanceof InvalidFilter)) throw error;
    throw new DaisError('invalid_request', `The filter is not valid. ${error.message}`, {
      issues: [{ path: 'filter', message: error.message }],
      cause: error,
    });
  }
}

/** @checkedAs true */
function conditionOf(filter: Filter, table: FilterTable, bind: Bind): string {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.parts.map((part) => `(${conditionOf(part, table, bind)})`).join(` ${filter.op} `);
    case 'not':
      return `not coalesce((${conditionOf(filter.part, table, bind)}), false)`;
    case 'present': {
      const list = listOf(filter.path, table);
      if (list === undefined) return presence(columnOf(filter.path, table));
      return `exists (select 1 from ${list.from} where ${presence(itemOf(filter.path, list))})`;
    }
    case 'compare': {
      const list = listOf(filter.path, table);
      if (list === undefined) return comparison(columnOf(filter.path, table), filter, bind);
      return `exists (select 1 from ${list.from} where ${comparison(itemOf(filter.path, list), filter, bind)})`;
    }
    case 'some': {
      const list = listOf(filter.path, table);
      if (list === undefined) throw unknown(filter.path);
      const inner = { schema: '', columns: list.columns, lists: {} };
      return `exists (select 1 from ${list.from} where ${conditionOf(filter.filter, inner, bind)})`;
    }
    default:
      return filter satisfies never;
  }
}

function listOf({ schema, attribute }: AttributePath, table: FilterTable): FilterList | undefined {
  if (schema !== undefined && schema !== table.schema) return undefined;
  return Object.hasOwn(table.lists, attribute) ? table.lists[attribute] : undefined;
}

function itemOf(path: AttributePath, { columns }: FilterList): FilterColumn {
  const name = path.sub ?? 'value';
  const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (column === undefined) throw unknown(path);
  return column;
}

function columnOf(path: AttributePath, { schema, columns }: FilterTable): FilterColumn {
  const name = path.sub === undefined ? path.attribute : `${path.attribute}.${path.sub}`;
  const isOther = path.schema !== undefined && path.schema !== schema;
  const column = !isOther && Object.hasOwn(columns, name) ? columns[name] : undefined;
  if (column === undefined) throw unknown(path);
  return column;
}

function unknown({ schema, attribute, sub }: AttributePath): InvalidFilter {
  const name = `${schema === undefined ? '' : `${schema}:`}${attribute}${sub === undefined ? '' : `.${sub}`}`;
  return new InvalidFilter(`The attribute "${name}" cannot be filtered.`);
}

/** @checkedAs true */
function presence({ sql, type }: FilterColumn): string {
  return type === 'text' || type === 'exact' ? `coalesce(${sql}, '') <> ''` : `${sql} is not null`;
}

interface Comparison {
  readonly operator: Operator;
  readonly value: FilterValue;
}

/** @checkedAs true */
function comparison(column: FilterColumn, { operator, value }: Comparison, bind: Bind): string {
  if (value === null) {
    if (operator === 'eq') return `${column.sql} is null`;
    if (operator === 'ne') return `${column.sql} is not null`;
    throw new InvalidFilter(`The operator "${operator}" cannot be used with null.`);
  }
  if (column.type === 'boolean') return booleanComparison(column.sql, operator, value, bind);
  if (column.type === 'time') return timeComparison(column.sql, operator, value, bind);
  const exact = column.type === 'exact';
  const left = exact ? column.sql : `lower(${column.sql})`;
  const right = `${exact ? '' : 'lower'}(${bind(String(value))}::text)`;
  switch (operator) {
    case 'eq':
      return `${left} = ${right}`;
    case 'ne':
      return `${left} is distinct from ${right}`;
    case 'co':
      return `position(${right} in ${left}) > 0`;
    case 'sw':
      return `starts_with(${left}, ${right})`;
    case 'ew':
      return `right(${left}, length(${right})) = ${right}`;
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return `${left} collate "C" ${ORDER[operator]} ${right}`;
    default:
      return operator satisfies never;
  }
}

const ORDER = { gt: '>', ge: '>=', lt: '<', le: '<=' } as const;

/** @checkedAs true */
function booleanComparison(sql: string, operator: Operator, value: FilterValue, bind: Bind): string {
  const text = String(value).toLowerCase();
  if ((operator !== 'eq' && operator !== 'ne') || (text !== 'true' && text !== 'false'))
    throw new InvalidFilter('A boolean attribute can be compared with eq, ne, and true or false.');
  return `${sql} is ${operator === 'eq' ? 'not ' : ''}distinct from ${bind(text === 'true')}::boolean`;
}

/** @checkedAs true */
function timeComparison(sql: string, operator: Operator, value: FilterValue, bind: Bind): string {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  const sign = { ...ORDER, eq: '=', ne: '<>', co: undefined, sw: undefined, ew: undefined }[operator];
  if (sign === undefined || Number.isNaN(at))
    throw new InvalidFilter(
      'A time can be compared with eq, ne, gt, ge, lt, le, and a time such as "2026-01-01T00:00:00Z".',
    );
  return `${sql} ${sign} ${bind(new Date(at))}::timestamptz`;
}
