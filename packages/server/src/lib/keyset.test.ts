import { describe, expect, test } from 'vitest';
import { behind, orderBy, positionOf, sortColumns, type SortKey } from './keyset.ts';

const value: SortKey = { sql: 'v', type: 'double', ascending: false, missing: true, nan: true };
const name: SortKey = { sql: 'n', type: 'text', ascending: true, missing: true };
const at: SortKey = { sql: 't', type: 'bigint', ascending: false };

const after = (keys: readonly SortKey[], position: string) => {
  const values: unknown[] = [];
  return [behind(keys, position, (one) => `$${values.push(one)}`), ...values];
};

test('an order of numbers, then NaN, then missing values', () => {
  expect(orderBy([value, name, at])).toBe("v = 'NaN'::float8 nulls last, v desc nulls last, n nulls last, t desc");
  expect(orderBy([{ ...value, ascending: true }])).toBe('v nulls last');
  expect(sortColumns([value, at])).toBe('v as s0, t as s1');
});

describe('a position', () => {
  test('preserves values that JSON cannot represent', () => {
    const row = { s0: Number.NaN, s1: null, s2: 9_007_199_254_740_993n };
    expect(positionOf([value, name, at], row)).toBe('["NaN",null,"9007199254740993"]');
  });

  test('has rows behind it', () => {
    expect(after([at], '["5"]')).toEqual(['t <= $1::int8 and ((t < $1::int8) or t = $1::int8 and false)', '5']);
    expect(after([value], '[null]')).toEqual(['(false or v is null and false)']);
    expect(after([value], '["NaN"]')).toEqual(["(v is null or v = 'NaN'::float8 and false)"]);
    expect(after([value], '[1.5]')).toEqual([
      "((v < $1::float8 or v = 'NaN'::float8 or v is null) or v = $1::float8 and false)",
      1.5,
    ]);
    expect(after([name], '["NaN"]')).toEqual(['((n > $1::text or n is null) or n = $1::text and false)', 'NaN']);
  });

  test.each(['', '{}', '[]', '["5","6"]', '[5]', '[null]', '["x"]', '["9223372036854775808"]', '["5.5"]'])(
    'that was forged is invalid: %s',
    (position) => {
      expect(after([at], position)).toEqual([undefined]);
    },
  );

  test('of another type is none', () => {
    expect(after([value], '["Infinity"]')).toEqual([undefined]);
    expect(after([value], '[1e999]')).toEqual([undefined]);
    expect(after([{ ...value, nan: false }], '["NaN"]')).toEqual([undefined]);
    expect(after([name], String.raw`["\u0000"]`)).toEqual([undefined]);
    expect(after([name], String.raw`["\ud800"]`)).toEqual([undefined]);
  });
});
