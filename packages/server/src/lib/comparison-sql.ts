/** Comparisons of user filters as SQL. Every value is bound; none is part of the text. */

import type { Bind } from './composed-sql.ts';

/** A clause of a filter, whatever the filter is about. */
export interface Comparison {
  readonly operator: string;
  /** Absent for IS NULL and IS NOT NULL. */
  readonly value?: number | string | readonly string[] | undefined;
}

const SIGNS: Readonly<Record<string, string>> = { '=': '=', '!=': '<>', '<': '<', '<=': '<=', '>': '>', '>=': '>=' };
const LIKES: Readonly<Record<string, string>> = { LIKE: 'like', ILIKE: 'ilike' };
const LISTS: Readonly<Record<string, string>> = { IN: '= any', 'NOT IN': '<> all' };

/** `left` is text. What is null compares with nothing. */
export function compareText(left: string, { operator, value }: Comparison, bind: Bind): string {
  const [sign, like, list] = [SIGNS[operator], LIKES[operator], LISTS[operator]];
  if (list !== undefined) return `${left} ${list}(${bind(value)}::text[])`;
  if (like !== undefined) {
    // The columns have the collation C, whose upper case covers ASCII only.
    const text = operator === 'ILIKE' ? `${left} collate "default"` : left;
    // Of patterns only % and _ mean something: PostgreSQL would take a backslash for the beginning of an escape.
    return `${text} ${like} ${bind(String(value).replaceAll('\\', '\\\\'))}::text`;
  }
  if (operator === 'RLIKE') return `${left} ~ ${bind(value)}::text`;
  if (sign !== undefined) return `${left} ${sign} ${bind(value)}::text`;
  throw new Error(`the operator ${operator} does not apply to text`);
}

/** `left` is a bigint. */
export function compareInteger(left: string, { operator, value }: Comparison, bind: Bind): string {
  const sign = signOf(operator);
  // An index of bigint does not serve a comparison with a double.
  const type = Number.isSafeInteger(value) ? 'int8' : 'float8';
  return `${left} ${sign} ${bind(value)}::${type}`;
}

/** `left` is a double. NaN is different from every number, and neither less nor greater than any. */
export function compareDouble(left: string, { operator, value }: Comparison, bind: Bind): string {
  const sign = signOf(operator);
  const compared = `${left} ${sign} ${bind(value)}::float8`;
  // PostgreSQL sorts it as the greatest value.
  return sign === '>' || sign === '>=' ? `${compared} and ${left} < 'NaN'::float8` : compared;
}

function signOf(operator: string): string {
  const sign = SIGNS[operator];
  if (sign === undefined) throw new Error(`the operator ${operator} does not apply to numbers`);
  return sign;
}
