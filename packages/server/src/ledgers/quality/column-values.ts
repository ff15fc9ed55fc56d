/** Expressions for the values of columns. */
import type { DataColumn } from '@dais/api/data';
import { call, cast, column, literal, when } from '#engines/query/model/build.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';
import { familyOf, isFloating } from './column-family.ts';

/** Converts to float64: finite numbers, and times in milliseconds since 1970. Others become NULL. */
export function figureOf(of: DataColumn): Expression {
  const figure = plainFigureOf(of);
  return isFloating(of) ? when(call('is-finite', column(of.name)), figure) : figure;
}

/** Like `figureOf`, for a value that is known to be finite: the check costs as much as the sum. */
export function plainFigureOf(of: DataColumn, value: Expression = column(of.name)): Expression {
  return familyOf(of) === 'time'
    ? call('/', cast(call('epoch-us', value), 'float64'), literal(1000, 'float64'))
    : cast(value, 'float64');
}

/** Converts to the text that values are counted by. */
export function wordOf(of: DataColumn): Expression {
  return of.type === 'string' ? column(of.name) : cast(column(of.name), 'string');
}
