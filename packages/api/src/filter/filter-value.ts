/** The right side of a comparison. */
import { filterError } from '#filter/filter-problem.ts';
import type { FilterEntity } from '#filter/filter-entity.ts';
import type { FilterToken } from '#filter/filter-lexer.ts';
import { spanOf, type Subject } from '#filter/filter-subject.ts';
import type { FilterSpan, FilterValue } from '#filter/filter-tree.ts';

interface Where {
  readonly path: string;
  readonly text: string;
}

/** Tokens of one value: one, or a list in parentheses. */
export type ValueTokens = readonly [FilterToken, ...FilterToken[]];

/** Maximum number of values in a list. */
const LONGEST_LIST = 1000;

/**
 * @throws DaisError `invalid_request` when the subject cannot be compared with the value.
 */
export function readValue(entity: FilterEntity, subject: Subject, tokens: ValueTokens, where: Where): FilterValue {
  const first = tokens[0];
  const span = spanOf(first, tokens.at(-1) ?? first);
  const raw = where.text.slice(span.offset, span.offset + span.length);
  const refuse = (message: string, expected: string) =>
    filterError(where.path, where.text, span, message, { expected });
  const { value, family, alias, key } = subject;
  const attribute = family.keys !== undefined;
  if (value.type === 'number') {
    const number = numberIn(first, value.eitherWay === true);
    if (number === undefined || tokens.length > 1) {
      const what = attribute ? `numeric ${family.name}: ${alias}.` : `${family.name}.`;
      throw refuse(`Expected numeric value type for ${what} Found ${raw}`, 'a number without quotes');
    }
    if (value.whole === true && !Number.isInteger(number)) {
      throw refuse(`Invalid value for numeric ${family.name} '${key}': '${raw}'`, 'a whole number');
    }
    return number;
  }
  if (first.kind === 'text' || first.kind === 'double') return first.text;
  if (first.kind === 'number' && value.eitherWay === true) return first.raw;
  if (first.kind === 'open') {
    if (value.operators.includes('IN')) return readList(tokens, span, where);
    const listed = (family.keys ?? []).filter((one) => one.value.operators.includes('IN'));
    if (listed.length > 0) {
      const names = listed.map(({ name }) => `'${name}'`).join(', ');
      const message = `Only [${names}] ${family.name}s support comparison with a list of quoted string values.`;
      throw refuse(message, 'a quoted string');
    }
  }
  if (first.kind === 'word' || first.kind === 'name') {
    const message = `Parameter value is either not quoted or unidentified quote types used for string value ${raw}.`;
    throw refuse(`${message} Use either single or double quotes.`, 'a quoted string');
  }
  const what = attribute ? pluralOf(family.name, entity) : `${family.name} (e.g. 'my-value')`;
  throw refuse(`Expected a quoted string value for ${what}. Got value ${raw}`, 'a quoted string');
}

function pluralOf(family: string, entity: FilterEntity): string {
  return family === entity.bare ? `${family}s` : `${family} attributes`;
}

const DIGITS = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

function numberIn(token: FilterToken, quoted: boolean): number | undefined {
  const written = token.kind === 'number' || (quoted && (token.kind === 'text' || token.kind === 'double'));
  return written && DIGITS.test(token.text) ? Number(token.text) : undefined;
}

function readList(tokens: ValueTokens, span: FilterSpan, { path, text }: Where): readonly string[] {
  const refuse = (at: FilterSpan, message: string) =>
    filterError(path, text, at, `While parsing a list in the query, ${message}`, {
      expected: "quoted strings with commas between them: ('a', 'b')",
    });
  const values: string[] = [];
  const inside = tokens.slice(1, -1);
  for (const [index, token] of inside.entries()) {
    const separates = index % 2 === 1;
    if (separates ? token.kind === 'comma' : token.kind === 'text' || token.kind === 'double') {
      if (!separates) values.push(token.text);
      continue;
    }
    const other = !separates && token.kind === 'number';
    const message = other
      ? 'expected string value, punctuation, or whitespace, but got different type in list'
      : 'expected a non-empty list of string values, but got ill-formed list.';
    throw refuse(spanOf(token, token), message);
  }
  if (values.length === 0) throw refuse(span, 'expected a non-empty list of string values, but got empty list');
  if (values.length > LONGEST_LIST)
    throw refuse(span, `expected at most ${LONGEST_LIST} values, but got ${values.length}`);
  return values;
}
