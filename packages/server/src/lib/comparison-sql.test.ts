import { expect, test } from 'vitest';
import { compareDouble, compareInteger, compareText, type Comparison } from './comparison-sql.ts';

const sqlOf = (compare: typeof compareText, comparison: Comparison) => {
  const values: unknown[] = [];
  const sql = compare('x', comparison, (value) => `$${values.push(value)}`);
  return [sql, ...values];
};

test.each([
  [compareText, { operator: '=', value: "it's" }, ['x = $1::text', "it's"]],
  [compareText, { operator: 'LIKE', value: String.raw`a\_%` }, ['x like $1::text', String.raw`a\\_%`]],
  [compareText, { operator: 'ILIKE', value: 'a' }, ['x collate "default" ilike $1::text', 'a']],
  [compareText, { operator: 'NOT IN', value: ['a', 'b'] }, ['x <> all($1::text[])', ['a', 'b']]],
  [compareInteger, { operator: '>=', value: 5 }, ['x >= $1::int8', 5]],
  [compareInteger, { operator: '!=', value: 5.5 }, ['x <> $1::float8', 5.5]],
  [compareInteger, { operator: '<', value: Infinity }, ['x < $1::float8', Infinity]],
  [compareDouble, { operator: '!=', value: 1 }, ['x <> $1::float8', 1]],
  [compareDouble, { operator: '>', value: 1 }, ["x > $1::float8 and x < 'NaN'::float8", 1]],
] as const)('%# %o', (compare, comparison, expected) => {
  expect(sqlOf(compare, comparison)).toEqual(expected);
});

test('an operator that a type does not have is an internal error', () => {
  expect(() => sqlOf(compareText, { operator: 'IS NULL' })).toThrow('the operator IS NULL does not apply to text');
  expect(() => sqlOf(compareDouble, { operator: 'LIKE', value: 'x' })).toThrow(
    'the operator LIKE does not apply to numbers',
  );
});
