/** Infers the type of an expression without evaluating it. */
import type { Expression, ExpressionProblem, FunctionWord } from '#features/expression.ts';
import { elementType, type ValueType } from '#features/value-type.ts';

export type ExpressionType = 'number' | 'text' | 'boolean' | 'time' | 'null';

/** The expression type of a column type; undefined: it is not allowed in expressions. */
export function expressionType(type: ValueType): Exclude<ExpressionType, 'null'> | undefined {
  if (elementType(type) !== undefined) return undefined;
  if (type === 'boolean') return 'boolean';
  if (type === 'string') return 'text';
  if (type === 'timestamp') return 'time';
  return type === 'binary' || type === 'json' ? undefined : 'number';
}

/** Whether an expression type can be converted to a feature type: integers are rounded half away from zero. */
export function fits(type: ExpressionType, expected: ValueType): boolean {
  return type === 'null' || type === expressionType(expected);
}

export type ColumnTypes = (column: { readonly name: string; readonly view?: string }) => string;

interface Signature {
  readonly takes: readonly ExpressionType[] | 'same';
  readonly gives: ExpressionType | 'same';
}

const numbers: Signature = { takes: ['number', 'number'], gives: 'number' };
const texts: Signature = { takes: ['text'], gives: 'text' };
const tests: Signature = { takes: ['text', 'text'], gives: 'boolean' };
const truths: Signature = { takes: ['boolean', 'boolean'], gives: 'boolean' };
const compared: Signature = { takes: 'same', gives: 'boolean' };
const chosen: Signature = { takes: 'same', gives: 'same' };
const SIGNATURES: Readonly<Record<FunctionWord, Signature>> = {
  '+': numbers,
  '-': numbers,
  '*': numbers,
  '/': numbers,
  '%': numbers,
  negate: numbers,
  '=': compared,
  '!=': compared,
  '<': compared,
  '<=': compared,
  '>': compared,
  '>=': compared,
  and: truths,
  or: truths,
  not: truths,
  'is-null': compared,
  coalesce: chosen,
  'null-if': chosen,
  least: chosen,
  greatest: chosen,
  abs: numbers,
  floor: numbers,
  ceil: numbers,
  round: numbers,
  sqrt: numbers,
  ln: numbers,
  exp: numbers,
  power: numbers,
  lower: texts,
  upper: texts,
  trim: texts,
  length: { takes: ['text'], gives: 'number' },
  concat: texts,
  'starts-with': tests,
  contains: tests,
  epoch: { takes: ['time'], gives: 'number' },
};

class Wrong extends Error {
  readonly at: number;
  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

/** `columns` returns the type of a column, or a sentence why there is none. */
export function typeOfExpression(
  expression: Expression,
  columns: ColumnTypes,
): { readonly type: ExpressionType } | { readonly problem: ExpressionProblem } {
  try {
    return { type: typeOf(expression, columns) };
  } catch (error) {
    if (error instanceof Wrong) return { problem: { at: error.at, message: error.message } };
    throw error;
  }
}

function typeOf(expression: Expression, columns: ColumnTypes): ExpressionType {
  if (expression.of === 'literal') {
    const { value } = expression;
    if (value === null) return 'null';
    return typeof value === 'number' ? 'number' : typeof value === 'string' ? 'text' : 'boolean';
  }
  if (expression.of === 'column') {
    const found = columns(expression);
    const type = expressionType(found as ValueType);
    if (type !== undefined && isValueType(found)) return type;
    const message = isValueType(found) ? `"${expression.name}" is ${found}, which expressions cannot use` : found;
    throw new Wrong(expression.at, message);
  }
  if (expression.of === 'case') {
    for (const { when } of expression.branches) demand(typeOf(when, columns), 'boolean', expression.at, '`when`');
    return common([...expression.branches.map(({ gives }) => gives), expression.otherwise], columns, expression.at);
  }
  const { name, values, at } = expression;
  const { takes, gives } = SIGNATURES[name];
  if (takes === 'same') {
    const type = common(values, columns, at);
    return gives === 'same' ? type : gives;
  }
  // The last type applies to all further arguments.
  for (const [position, value] of values.entries()) {
    const expected = takes[position] ?? takes.at(-1) ?? 'number';
    demand(typeOf(value, columns), expected, at, `\`${name}\``);
  }
  return gives === 'same' ? 'null' : gives;
}

const VALUE_TYPE = /^(list<\w+>|boolean|int32|int64|float32|float64|string|binary|timestamp|json)$/;
const isValueType = (found: string): found is ValueType => VALUE_TYPE.test(found);

function common(values: readonly Expression[], columns: ColumnTypes, at: number): ExpressionType {
  const types = new Set(values.map((value) => typeOf(value, columns)).filter((type) => type !== 'null'));
  if (types.size > 1) throw new Wrong(at, `combines ${[...types].join(' and ')}`);
  return [...types][0] ?? 'null';
}

function demand(type: ExpressionType, expected: ExpressionType, at: number, where: string): void {
  if (type !== 'null' && type !== expected) throw new Wrong(at, `${where} takes a ${expected}, not a ${type}`);
}
