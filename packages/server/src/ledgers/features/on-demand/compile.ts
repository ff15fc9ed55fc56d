/**
 * Compiles expressions to functions of one row, for online reads. `render.ts` contains the equivalent for the query engine; a test
 * compares both with one table of cases.
 */
import type { Expression, FunctionWord, ValueType } from '@dais/api/data';
import { floatValue, numberOf, wholeNumber, type Value } from '../values/cells.ts';
import { parseMoment } from '../values/moment.ts';

/** Numbers are floats, times microseconds. */
type Plain = number | string | boolean | null;
export type Row = (column: { readonly name: string; readonly view?: string }) => Plain;
type Compiled = (row: Row) => Plain;

export function compileExpression(expression: Expression): Compiled {
  if (expression.of === 'literal') {
    const { value } = expression;
    return () => value;
  }
  if (expression.of === 'column') return (row) => row(expression);
  if (expression.of === 'case') {
    const branches = expression.branches.map(
      ({ when, gives }) => [compileExpression(when), compileExpression(gives)] as const,
    );
    const otherwise = compileExpression(expression.otherwise);
    return (row) => (branches.find(([when]) => when(row) === true)?.[1] ?? otherwise)(row);
  }
  const values = expression.values.map(compileExpression);
  return compileCall(expression.name, values);
}

function compileCall(name: FunctionWord, values: readonly Compiled[]): Compiled {
  const [first = nothing, second = nothing] = values;
  switch (name) {
    case 'and':
      return (row) => {
        const [left, right] = [first(row), second(row)];
        return left === false || right === false ? false : left === null || right === null ? null : true;
      };
    case 'or':
      return (row) => {
        const [left, right] = [first(row), second(row)];
        return left === true || right === true ? true : left === null || right === null ? null : false;
      };
    case 'is-null':
      return (row) => first(row) === null;
    case 'coalesce':
      return (row) => {
        for (const value of values) {
          const found = value(row);
          if (found !== null) return found;
        }
        return null;
      };
    case 'null-if':
      return (row) => {
        const [left, right] = [first(row), second(row)];
        return left !== null && right !== null && compare(left, right) === 0 ? null : left;
      };
    case 'least':
    case 'greatest': {
      const sign = name === 'least' ? -1 : 1;
      return (row) => {
        let best: Plain = null;
        for (const value of values) {
          const one = value(row);
          if (one !== null && (best === null || compare(one, best) === sign)) best = one;
        }
        return best;
      };
    }
    default: {
      const work = STRICT[name];
      return (row) => {
        const [left, right] = [first(row), second(row)];
        if (left === null || (values.length > 1 && right === null)) return null;
        return work(left, right);
      };
    }
  }
}

const nothing: Compiled = () => null;

type Strict = Exclude<FunctionWord, 'and' | 'or' | 'is-null' | 'coalesce' | 'null-if' | 'least' | 'greatest'>;
type Work = (left: NonNullable<Plain>, right: Plain) => Plain;

const ofNumbers =
  (work: (left: number, right: number) => number | null): Work =>
  (left, right) =>
    work(left as number, right as number);
const ofText =
  (work: (left: string, right: string) => Plain): Work =>
  (left, right) =>
    work(left as string, right as string);
const comparing =
  (holds: (order: number) => boolean): Work =>
  (left, right) =>
    holds(compare(left, right as NonNullable<Plain>));

const STRICT: Readonly<Record<Strict, Work>> = {
  '+': ofNumbers((left, right) => left + right),
  '-': ofNumbers((left, right) => left - right),
  '*': ofNumbers((left, right) => left * right),
  '/': ofNumbers((left, right) => (right === 0 ? null : left / right)),
  '%': ofNumbers((left, right) => (right === 0 ? null : left % right)),
  negate: ofNumbers((value) => -value),
  '=': comparing((order) => order === 0),
  '!=': comparing((order) => order !== 0),
  '<': comparing((order) => order < 0),
  '<=': comparing((order) => order <= 0),
  '>': comparing((order) => order > 0),
  '>=': comparing((order) => order >= 0),
  not: (value) => value !== true,
  abs: ofNumbers(Math.abs),
  floor: ofNumbers(Math.floor),
  ceil: ofNumbers(Math.ceil),
  round: ofNumbers(roundAway),
  sqrt: ofNumbers((value) => (value < 0 ? null : Math.sqrt(value))),
  ln: ofNumbers((value) => (value <= 0 ? null : Math.log(value))),
  exp: ofNumbers(Math.exp),
  power: ofNumbers((base, exponent) => base ** exponent),
  lower: ofText((text) => mapCharacters(text, (letter) => letter.toLowerCase())),
  upper: ofText((text) => mapCharacters(text, (letter) => letter.toUpperCase())),
  trim: ofText((text) => text.replaceAll(/^\p{Zs}+|\p{Zs}+$/gu, '')),
  length: ofText((text) => Array.from(text).length),
  concat: ofText((left, right) => left + right),
  'starts-with': ofText((text, start) => text.startsWith(start)),
  contains: ofText((text, part) => text.includes(part)),
  epoch: ofNumbers((micro) => micro / 1_000_000),
};

/** Compares in the order of the query engine: NaN equals itself and follows every number; text is ordered by code points. */
function compare(left: NonNullable<Plain>, right: NonNullable<Plain>): number {
  if (typeof left === 'string') return Buffer.compare(Buffer.from(left), Buffer.from(right as string));
  const [one, other] = [Number(left), Number(right)];
  if (Number.isNaN(one) || Number.isNaN(other)) return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Rounds half away from zero, as SQL does. */
function roundAway(value: number): number {
  return value < 0 ? -Math.round(-value) : Math.round(value);
}

/** Converts case by character; a character that would become two is unchanged. */
function mapCharacters(text: string, change: (letter: string) => string): string {
  return Array.from(text, (letter) => {
    const changed = change(letter);
    return Array.from(changed).length === 1 ? changed : letter;
  }).join('');
}

/** Converts a value to the input of an expression. */
export function plainOf(type: ValueType, value: Value): Plain {
  if (value === null) return null;
  if (type === 'timestamp') return parseMoment(value as string) ?? null;
  return type === 'boolean' || type === 'string' ? (value as boolean | string) : numberOf(value as number | string);
}

const LONG = 2 ** 63;

/** Converts the result of an expression to the type of its feature; a value that does not fit becomes NULL. */
export function valueOf(type: ValueType, plain: Plain): Value {
  if (plain === null || typeof plain !== 'number') return plain;
  switch (type) {
    case 'int32': {
      const whole = roundAway(plain);
      return whole >= -(2 ** 31) && whole < 2 ** 31 ? whole + 0 : null;
    }
    case 'int64': {
      const whole = roundAway(plain);
      return whole >= -LONG && whole < LONG ? wholeNumber(BigInt(whole)) : null;
    }
    case 'float32': {
      const single = Math.fround(plain);
      return Number.isFinite(plain) && !Number.isFinite(single) ? null : floatValue(single);
    }
    default:
      return floatValue(plain);
  }
}
