/** Masks as expressions of the query tree. Pure. */
import type { ColumnMask } from '@dais/api/data';
import { call, cast, column, literal, when } from '#engines/query/model/build.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';

/** The secrets of pseudonyms and hashes. */
export interface MaskKey {
  /** Prefix of the output. */
  readonly id: string;
  readonly key: Buffer;
}

/** Hex digits of a pseudonym: 128 bits, so that two of 10^15 values collide with a probability below 10^-8. */
const PSEUDONYM_DIGITS = 32;

/**
 * Returns the expression of a mask. NULL remains NULL. Masked numbers, dates and texts become texts; the schema still contains
 * their types. The expression never fails, because an error message of the engine could contain the value.
 */
export function maskExpression({ column: name, method }: ColumnMask, key: MaskKey | undefined): Expression {
  if (method === 'redact') return literal(null, 'string');
  const value = column(name);
  const text = cast(value, 'string', { lenient: true });
  if (method === 'generalize') return when(call('is-null', value), literal(null, 'string'), generalizedText(text));
  // Without a key, equal values would have equal pseudonyms in all projects, so the value is hidden.
  if (key === undefined) return literal(null, 'string');
  const digest: Expression = {
    type: 'hmac',
    value: text,
    key: key.key.toString('base64'),
    digits: PSEUDONYM_DIGITS,
  };
  return when(call('is-null', value), literal(null, 'string'), call('concat', literal(`${key.id}_`), digest));
}

/**
 * Generalizes a value by its format: the month of a date, the domain of an email address, the network of an IP address, the first
 * digit and the magnitude of a number, and the first three characters of other texts. Short texts keep only the first.
 */
function generalizedText(text: Expression): Expression {
  const matches = (pattern: string) => call('matches', text, literal(pattern));
  const number = cast(text, 'float64', { lenient: true });
  const size = call(
    'power',
    literal(10, 'float64'),
    call('floor', call('/', call('ln', call('null-if', call('abs', number), literal(0))), literal(Math.LN10))),
  );
  const rounded = call('*', call('floor', call('/', call('abs', number), size)), size);
  const sign = when(call('<', number, literal(0, 'float64')), literal('-'), literal(''));
  const dots = (at: number) => call('split-part', text, literal('.'), literal(at));
  const dot = literal('.');
  const prefix = when(
    call('>', call('length', text), literal(6)),
    call('concat', call('left', text, literal(3)), literal('…')),
    call('concat', call('left', text, literal(1)), literal('…')),
  );
  const forms: readonly (readonly [pattern: string, form: Expression])[] = [
    ['^\\d{4}-\\d{2}-\\d{2}', call('left', text, literal(7))],
    ['^[^@\\s]+@[^@\\s]+$', call('concat', literal('…@'), call('split-part', text, literal('@'), literal(2)))],
    ['^\\d{1,3}(\\.\\d{1,3}){3}$', call('concat', dots(1), dot, dots(2), dot, dots(3), literal('.0/24'))],
    ['^-?0*(\\.0*)?$', literal('0')],
    ['^-?\\d{1,15}(\\.\\d+)?$', call('concat', sign, cast(rounded, 'string', { lenient: true }))],
  ];
  return forms.reduceRight<Expression>((otherwise, [pattern, form]) => when(matches(pattern), form, otherwise), prefix);
}
