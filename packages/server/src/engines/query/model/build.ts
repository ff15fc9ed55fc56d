/** Short forms for building queries: `filter(scan('t'), call('<', column('age'), literal(0)))`. They return plain data. */
import type { ColumnType } from './column-type.ts';
import type {
  AggregateExpression,
  AggregateName,
  CallExpression,
  CaseExpression,
  CastExpression,
  ColumnExpression,
  Expression,
  FilterRelation,
  FunctionName,
  LiteralExpression,
  LiteralValue,
  NamedExpression,
  Relation,
  ScanRelation,
  SortKey,
} from './query-tree.ts';

export function column(name: string, side?: 'left' | 'right'): ColumnExpression {
  return { type: 'column', name, ...(side !== undefined && { side }) };
}

export function literal(value: LiteralValue, as?: ColumnType): LiteralExpression {
  return { type: 'literal', value, ...(as !== undefined && { as }) };
}

export function call(name: FunctionName, ...values: readonly Expression[]): CallExpression {
  return { type: 'call', function: name, arguments: values };
}

/** True when all are true, also for an empty list. */
export function allOf(...conditions: readonly Expression[]): Expression {
  if (conditions.length === 1 && conditions[0] !== undefined) return conditions[0];
  return conditions.length === 0 ? literal(true) : call('and', ...conditions);
}

export function aggregate(
  name: AggregateName,
  values: readonly Expression[] = [],
  options: Pick<AggregateExpression, 'where' | 'order' | 'parameters' | 'withoutNan'> = {},
): AggregateExpression {
  return { type: 'aggregate', function: name, arguments: values, ...options };
}

export function cast(value: Expression, to: ColumnType, options: { readonly lenient?: boolean } = {}): CastExpression {
  return { type: 'cast', value, to, ...options };
}

export function when(condition: Expression, then: Expression, otherwise?: Expression): CaseExpression {
  // oxlint-disable-next-line unicorn/no-thenable -- a branch has the words of SQL; nobody awaits one
  return { type: 'case', branches: [{ when: condition, then }], ...(otherwise !== undefined && { otherwise }) };
}

export function named(as: string, expression: Expression): NamedExpression {
  return { as, expression };
}

export function ascending(expression: Expression | string): SortKey {
  return { expression: typeof expression === 'string' ? column(expression) : expression };
}

export function descending(expression: Expression | string): SortKey {
  return { ...ascending(expression), descending: true };
}

export function scan(table: string, columns?: readonly string[]): ScanRelation {
  return { type: 'scan', table, ...(columns !== undefined && { columns }) };
}

export function filter(from: Relation, ...conditions: readonly Expression[]): FilterRelation {
  return { type: 'filter', from, where: allOf(...conditions) };
}
