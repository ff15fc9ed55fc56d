/** Parses text to a tree in one pass over the tokens, so that the time is linear in the length of the text. */
import { filterError } from '#filter/filter-problem.ts';
import { filterOperators, type FilterEntity, type FilterOperator } from '#filter/filter-entity.ts';
import { lexFilter, type FilterToken } from '#filter/filter-lexer.ts';
import { endOf, findSubject, readSubject, spanOf, type WrittenSubject } from '#filter/filter-subject.ts';
import type { FilterClause, OrderKey } from '#filter/filter-tree.ts';
import { readValue, type ValueTokens } from '#filter/filter-value.ts';

/** Each is a join for the database. */
const MOST_CLAUSES = 50;
/** A pattern costs the database up to the product of its length and the length of each value. */
const LONGEST_PATTERN = 1000;

interface Where {
  readonly path: string;
  readonly text: string;
}

/**
 * Returns the clauses of a filter such as `metrics.loss < 0.1 and params.depth = '3'`; none for an empty one. @throws
 * DaisError `invalid_request` with line, column and length of the error, under `path`.
 */
export function parseFilter(entity: FilterEntity, text: string, path = 'filter'): FilterClause[] {
  const where = { path, text };
  const tokens = lexFilter(text);
  const clauses: FilterClause[] = [];
  for (let at = 0; at < tokens.length;) {
    if (clauses.length > 0) at = passAnd(tokens, at, where);
    const [clause, next] = readClause(entity, tokens, at, where);
    clauses.push(clause);
    if (clauses.length > MOST_CLAUSES) {
      const message = `The filter has more than ${MOST_CLAUSES} comparisons.`;
      throw filterError(path, text, clause.span, message, { expected: `at most ${MOST_CLAUSES}` });
    }
    at = next;
  }
  return clauses;
}

function passAnd(tokens: readonly FilterToken[], at: number, where: Where): number {
  if (!isWord(tokens[at], 'AND')) throw invalidClause(tokens, at, where, 'AND');
  return at + 1;
}

function readClause(
  entity: FilterEntity,
  tokens: readonly FilterToken[],
  at: number,
  where: Where,
): readonly [FilterClause, number] {
  const written = readSubject(tokens, at);
  const first = tokens[at];
  if (written === undefined || first === undefined || isWord(first, 'AND', 'OR', 'NOT')) {
    throw invalidClause(tokens, at, where, 'a comparison');
  }
  const [operator, valueAt] = readOperator(tokens, at + written.tokens);
  if (operator === undefined) throw unfinished(written, tokens, valueAt, where, 'a comparison operator');
  const nullness = operator === 'IS NULL' || operator === 'IS NOT NULL';
  const valueTokens = nullness ? undefined : readValueTokens(tokens, valueAt);
  if (!nullness && valueTokens === undefined) throw unfinished(written, tokens, valueAt, where, 'a value');
  const subject = findSubject(entity, written, where);
  const next = valueAt + (valueTokens?.length ?? 0);
  const span = spanOf(first, tokens[next - 1] ?? first);
  const base = { family: subject.family.name, key: subject.key, span };
  const { operators } = subject.value;
  if (valueTokens === undefined) {
    if (!operators.includes(operator as FilterOperator)) throw notNullable(entity, base, where);
    return [{ ...base, operator: operator as FilterOperator }, next];
  }
  const value = readValue(entity, subject, valueTokens, where);
  const listed = operator === 'IN' || operator === 'NOT IN';
  if (!operators.includes(operator as FilterOperator) || listed !== Array.isArray(value)) {
    const fitting = operators.filter((one) => one.endsWith('IN') === Array.isArray(value) && !one.startsWith('IS'));
    const valid = fitting.map((one) => `'${one}'`).join(', ');
    const operatorSpan = spanOf(tokens[at + written.tokens] ?? first, tokens[valueAt - 1] ?? first);
    throw filterError(where.path, where.text, operatorSpan, `Invalid comparator '${operator}' not one of ${valid}`, {
      expected: `one of ${fitting.join(', ')}`,
    });
  }
  if (operator.endsWith('LIKE') && String(value).length > LONGEST_PATTERN) {
    const message = `The pattern is longer than ${LONGEST_PATTERN} characters.`;
    throw filterError(where.path, where.text, span, message, { expected: `at most ${LONGEST_PATTERN} characters` });
  }
  return [{ ...base, operator: operator as FilterOperator, value }, next];
}

function notNullable(entity: FilterEntity, { family, key, span }: Omit<FilterClause, 'operator'>, where: Where) {
  const nullable = entity.families
    .filter(({ value }) => value?.operators.includes('IS NULL') === true)
    .map(({ name, words }) => words.find((word) => word.length < name.length && word.endsWith('s')) ?? `${name}s`);
  const message =
    nullable.length === 0
      ? `IS NULL / IS NOT NULL is not supported for ${entity.name}.`
      : `IS NULL / IS NOT NULL is only supported for ${nullable.toReversed().join(' and ')}, not for '${family}' '${key}'`;
  return filterError(where.path, where.text, span, message);
}

/** The operator as written, valid or not, and the start of the value. */
function readOperator(tokens: readonly FilterToken[], at: number): readonly [string | undefined, number] {
  const [first, second, third] = tokens.slice(at, at + 3);
  if (first?.kind === 'operator') return [first.raw, at + 1];
  if (isWord(first, 'IS')) {
    if (isWord(second, 'NULL')) return ['IS NULL', at + 2];
    if (isWord(second, 'NOT') && isWord(third, 'NULL')) return ['IS NOT NULL', at + 3];
    return [undefined, at + 1];
  }
  if (isWord(first, 'NOT') && isWord(second, 'IN', 'LIKE', 'ILIKE', 'RLIKE', 'BETWEEN')) {
    return [`NOT ${second?.text.toUpperCase()}`, at + 2];
  }
  const named = [...filterOperators, 'REGEXP'].find((operator) => isWord(first, operator));
  return named === undefined ? [undefined, at] : [named, at + 1];
}

function readValueTokens(tokens: readonly FilterToken[], at: number): ValueTokens | undefined {
  const first = tokens[at];
  if (first === undefined || isWord(first, 'AND')) return undefined;
  if (first.kind === 'open') {
    const close = tokens.findIndex((token, index) => index > at && token.kind === 'close');
    return close < 0 ? undefined : [first, ...tokens.slice(at + 1, close + 1)];
  }
  return ['text', 'double', 'number', 'word', 'name'].includes(first.kind) ? [first] : undefined;
}

function isWord(token: FilterToken | undefined, ...words: readonly string[]): boolean {
  return token?.kind === 'word' && words.includes(token.text.toUpperCase());
}

/** An error at a token that starts no clause, or that is in the place of AND. */
function invalidClause(tokens: readonly FilterToken[], at: number, where: Where, expected: string) {
  const first = tokens[at] ?? tokens.at(-1);
  if (first === undefined) throw new Error('an empty filter has no invalid clause');
  const end = first.kind === 'open' ? closeOf(tokens, at) : first;
  const span = tokens[at] === undefined ? { offset: endOf(first), length: 0 } : spanOf(first, end);
  return clauseError(where, span, expected);
}

/** An error of a clause that ends too early, or has further tokens. */
function unfinished(
  written: WrittenSubject,
  tokens: readonly FilterToken[],
  at: number,
  where: Where,
  expected: string,
) {
  const last = tokens[at];
  const end = last === undefined ? where.text.trimEnd().length : endOf(last);
  return clauseError(where, { offset: written.span.offset, length: end - written.span.offset }, expected);
}

function clauseError(
  { path, text }: Where,
  span: { readonly offset: number; readonly length: number },
  expected: string,
) {
  const clause = span.length === 0 ? text.trim() : text.slice(span.offset, span.offset + span.length);
  const message = `Invalid clause(s) in filter string: '${clause}'`;
  return filterError(path, text, span, message, { expected });
}

function closeOf(tokens: readonly FilterToken[], at: number): FilterToken {
  let depth = 0;
  for (const token of tokens.slice(at)) {
    if (token.kind === 'open') depth += 1;
    if (token.kind === 'close') depth -= 1;
    if (depth === 0) return token;
  }
  return tokens.at(-1) as FilterToken;
}

/**
 * Returns the keys of an order such as `['metrics.loss desc', 'start_time']`, the first with priority. @throws
 * DaisError `invalid_request` with the position of the error, under `path[index]`.
 */
export function parseOrder(entity: FilterEntity, texts: readonly string[], path = 'orderBy'): OrderKey[] {
  const keys = texts.map((text, index) => readOrder(entity, { path: `${path}[${index}]`, text }));
  const seen = new Set<string>();
  for (const [index, { family, key }] of keys.entries()) {
    const name = `${family}.${key}`;
    if (seen.has(name)) {
      const text = texts[index] ?? '';
      const list = texts.map((one) => `'${one}'`).join(', ');
      const message = `\`order_by\` contains duplicate fields: [${list}]`;
      throw filterError(`${path}[${index}]`, text, { offset: 0, length: text.length }, message, {
        expected: 'each key once',
      });
    }
    seen.add(name);
  }
  return keys;
}

function readOrder(entity: FilterEntity, where: Where): OrderKey {
  const { path, text } = where;
  const tokens = lexFilter(text);
  const written = readSubject(tokens, 0);
  const [direction, more] = tokens.slice(written?.tokens ?? 0);
  const refuse = (message: string, at?: FilterToken) => {
    const span = at === undefined ? { offset: 0, length: text.length } : spanOf(at, at);
    return filterError(path, text, span, message, { expected: 'a key, then ASC or DESC or nothing' });
  };
  if (written === undefined || more !== undefined) {
    throw refuse(`Invalid order_by clause '${text}'. Could not be parsed.`, more);
  }
  if (direction !== undefined && !isWord(direction, 'ASC', 'DESC')) {
    throw refuse(`Invalid ordering key in order_by clause '${text}'.`, direction);
  }
  const { family, key } = findSubject(entity, written, where);
  if (!family.ordered) throw refuse(`Invalid identifier type '${family.name}'`);
  return { family: family.name, key, ascending: !isWord(direction, 'DESC') };
}
