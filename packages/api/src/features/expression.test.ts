import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { durationMicroseconds } from '#features/duration.ts';
import { parseExpression } from '#features/expression.ts';
import { fits, typeOfExpression } from '#features/expression-types.ts';
import type { ValueType } from '#features/value-type.ts';

const types: Readonly<Record<string, ValueType>> = {
  n: 'float64',
  i: 'int64',
  s: 'string',
  b: 'boolean',
  t: 'timestamp',
  l: 'list<int64>',
};
const typeOf = (text: string) => {
  const parsed = parseExpression(text);
  if (!parsed.ok) return parsed.problem;
  const found = typeOfExpression(parsed.expression, ({ name }) => types[name] ?? `there is no "${name}"`);
  return 'problem' in found ? found.problem : found.type;
};

describe('expressions', () => {
  test.each([
    ['1 + 2 * n', 'number'],
    ['-i / (n - 1) % 3', 'number'],
    ["lower(s) || 'x'", 'text'],
    ['n > 1 and not b or s is not null', 'boolean'],
    ["case s when 'a' then 1 when 'b' then 2 end", 'number'],
    ['case when b then t else null end', 'time'],
    ['n between 1 and 2 and s in (\'a\', "s")', 'boolean'],
    ['coalesce(null, n, 0)', 'number'],
    ['epoch(t) - epoch(t)', 'number'],
    ['null', 'null'],
  ])('%s has the type %s', (text, type) => expect(typeOf(text)).toBe(type));

  test.each([
    ['n +', 3, /ends where a value is expected/],
    ['n n', 2, /more than one expression/],
    ["n + 'a'", 2, /takes a number, not a text/],
    ['case n end', 7, /needs a `when`/],
    ['read_csv(s)', 0, /not a supported function/],
    ['(select 1)', 1, /not supported in features/],
    ['round(n, 2)', 0, /takes 1 values, not 2/],
    ['n = s', 2, /combines number and text/],
    ['l', 0, /list<int64>, which expressions cannot use/],
    ['n; drop', 1, /more than one expression/],
    ['other', 0, /there is no "other"/],
  ])('%s is rejected at %i', (text, at, message) => {
    const problem = typeOf(text);
    expect(problem).toMatchObject({ at });
    expect((problem as { message: string }).message).toMatch(message);
  });

  test('any text is parsed or rejected with a position, without another error', () => {
    const words = fc.array(
      fc.constantFrom('n', '(', ')', 'case', 'when', 'then', 'end', '+', "'a'", ',', 'not', 'in', '1', '.', '"'),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          words.map((some) => some.join(' ')),
        ),
        (text) => {
          const parsed = parseExpression(text);
          const at = parsed.ok ? 0 : parsed.problem.at;
          expect(at).toBeLessThanOrEqual(text.length);
        },
      ),
    );
    expect(parseExpression('('.repeat(5000))).toMatchObject({ ok: false });
    expect(parseExpression(`${'- '.repeat(5000)}1`)).toMatchObject({ ok: true });
  });

  test('the type of an expression must fit its feature', () => {
    expect(fits('number', 'int32')).toBe(true);
    expect(fits('null', 'string')).toBe(true);
    expect(fits('text', 'float64')).toBe(false);
    expect(fits('number', 'list<int64>')).toBe(false);
  });

  test('durations are microseconds', () => {
    expect(durationMicroseconds('1h 30m')).toBe(5_400_000_000);
    expect(durationMicroseconds('1us')).toBe(1);
    expect(durationMicroseconds('0s')).toBe(0);
    expect(durationMicroseconds('999999999999w')).toBe(Number.MAX_SAFE_INTEGER);
  });
});
