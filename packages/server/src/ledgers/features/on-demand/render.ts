/** Renders expressions for the query engine; `compile.ts` contains the equivalent for the server. */
import type { Expression, FunctionWord, ValueType } from '@dais/api/data';
import { call, cast, column, literal, when } from '#engines/query/model/build.ts';
import type { ColumnType } from '#engines/query/model/column-type.ts';
import type { Expression as QueryExpression, FunctionName } from '#engines/query/model/query-tree.ts';

/** The source of a column in the relation, and its type. */
export type LocateColumn = (column: { readonly name: string; readonly view?: string }) => {
  readonly column: string;
  readonly type: ValueType;
};

const zero = literal(0, 'float64');

export function renderExpression(expression: Expression, columnInput: LocateColumn): QueryExpression {
  const render = (one: Expression) => renderExpression(one, columnInput);
  if (expression.of === 'literal') {
    const { value } = expression;
    return typeof value === 'number' ? literal(value, 'float64') : literal(value);
  }
  if (expression.of === 'column') {
    const { column: name, type } = columnInput(expression);
    return plainColumn(column(name), type);
  }
  if (expression.of === 'case') {
    return expression.branches.reduceRight<QueryExpression>(
      (otherwise, branch) => when(render(branch.when), render(branch.gives), otherwise),
      render(expression.otherwise),
    );
  }
  return renderCall(expression.name, expression.values.map(render));
}

/** Converts numbers to floats; other types are unchanged. */
function plainColumn(value: QueryExpression, type: ValueType): QueryExpression {
  return ['boolean', 'string', 'timestamp', 'float64'].includes(type) ? value : cast(value, 'float64');
}

function renderCall(name: FunctionWord, values: readonly QueryExpression[]): QueryExpression {
  const [first = literal(null), second = literal(null)] = values;
  switch (name) {
    case '/':
    case '%':
      return when(call('=', second, zero), literal(null, 'float64'), call(name, first, second));
    case 'sqrt':
      return when(call('<', first, zero), literal(null, 'float64'), call('sqrt', first));
    case 'ln':
      return when(call('<=', first, zero), literal(null, 'float64'), call('ln', first));
    case 'round':
      return call('round', first, literal(0, 'int32'));
    case 'epoch':
      return call('/', cast(call('epoch-us', first), 'float64'), literal(1_000_000, 'float64'));
    case 'concat':
      // The engine's function returns NULL for an empty text.
      return when(
        call('or', call('is-null', first), call('is-null', second)),
        literal(null, 'string'),
        call('concat', first, second),
      );
    default:
      return call(name satisfies FunctionName, ...values);
  }
}

/** Converts the result of an expression to the type of its feature; a value that does not fit becomes NULL. */
export function renderResult(type: ValueType, value: QueryExpression): QueryExpression {
  const whole = type === 'int32' || type === 'int64';
  if (whole) return cast(call('round', value, literal(0, 'int32')), type, { lenient: true });
  return type === 'float32' ? cast(value, 'float32', { lenient: true }) : cast(value, type as ColumnType);
}
