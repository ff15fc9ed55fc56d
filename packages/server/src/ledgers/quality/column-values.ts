/** Expressions for the values of columns. */
import type { DataColumn, ColumnFamily } from '@dais/api/data';
import { call, cast, column, literal, when } from '#engines/query/model/build.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';

/** Converts to float64: finite numbers, and times in milliseconds since 1970. Others become NULL. */
export function numericValueOf(of: DataColumn): Expression {
  const figure = finiteValueOf(of);
  return isFloating(of) ? when(call('is-finite', column(of.name)), figure) : figure;
}

/** Like `numericValueOf`, for a value that is known to be finite: the check costs as much as the sum. */
export function finiteValueOf(of: DataColumn, value: Expression = column(of.name)): Expression {
  return familyOf(of) === 'time'
    ? call('/', cast(call('epoch-us', value), 'float64'), literal(1000, 'float64'))
    : cast(value, 'float64');
}

/** Converts to the text that values are counted by. */
export function categoryText(of: DataColumn): Expression {
  return of.type === 'string' ? column(of.name) : cast(column(of.name), 'string');
}

/** Groups column types by the checks that apply to them. */
export function familyOf({ type }: Pick<DataColumn, 'type'>): ColumnFamily {
  if (/^(u?int(8|16|32|64)|float(32|64)|decimal\()/.test(type)) return 'number';
  if (type === 'boolean') return 'boolean';
  if (type === 'string') return 'text';
  return type === 'date' || type === 'timestamp' ? 'time' : 'other';
}

export function isFloating({ type }: Pick<DataColumn, 'type'>): boolean {
  return type === 'float32' || type === 'float64';
}

export function isInteger({ type }: Pick<DataColumn, 'type'>): boolean {
  return /^u?int(8|16|32|64)$/.test(type);
}
