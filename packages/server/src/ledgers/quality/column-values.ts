/** Values of columns as expressions that figures can be asked of. */
import type { DataColumn } from '@dais/api/data';
import { call, cast, column, literal, when } from '#engines/query/model/build.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';
import { familyOf, isFloating } from './column-family.ts';

/** As float64: numbers that are finite, times in milliseconds since 1970. All others are NULL. */
export function figureOf(of: DataColumn): Expression {
  const figure = plainFigureOf(of);
  return isFloating(of) ? when(call('is-finite', column(of.name)), figure) : figure;
}

/** The same of `value`, of the column's type, where that is known to be finite: to look costs as much as to add up. */
export function plainFigureOf(of: DataColumn, value: Expression = column(of.name)): Expression {
  return familyOf(of) === 'time'
    ? call('/', cast(call('epoch-us', value), 'float64'), literal(1000, 'float64'))
    : cast(value, 'float64');
}

/** As text: what values are counted by. */
export function wordOf(of: DataColumn): Expression {
  return of.type === 'string' ? column(of.name) : cast(column(of.name), 'string');
}
