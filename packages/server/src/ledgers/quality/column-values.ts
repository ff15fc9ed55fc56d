/** Values of columns as expressions that figures can be asked of. */
import type { DataColumn } from '@dais/api/data';
import { call, cast, column, literal, when } from '#engines/query/model/build.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';
import { familyOf, isFloating } from './column-family.ts';

/** As float64: numbers that are finite, times in milliseconds since 1970. All others are NULL. */
export function figureOf(of: DataColumn): Expression {
  const value = column(of.name);
  if (familyOf(of) === 'time') {
    const moment = of.type === 'date' ? cast(value, 'timestamp') : value;
    return call('/', cast(call('epoch-us', moment), 'float64'), literal(1000, 'float64'));
  }
  const number = cast(value, 'float64');
  return isFloating(of) ? when(call('is-finite', value), number) : number;
}

/** As text: what values are counted by. */
export function wordOf(of: DataColumn): Expression {
  return of.type === 'string' ? column(of.name) : cast(column(of.name), 'string');
}
