import { expect, test } from 'vitest';
import { allOf, composeStatement } from './composed-sql.ts';

test('composeStatement numbers placeholders in the order in which values are bound, after the first ones', () => {
  const statement = composeStatement(
    (bind) => `select n from t where id = $1 and ${allOf([`a = ${bind('x')}`, `b = ${bind(2)}`])}`,
    [7],
  );
  expect(statement).toEqual({
    text: 'select n from t where id = $1 and (a = $2) and (b = $3)',
    values: [7, 'x', 2],
  });
});

test('allOf preserves the meaning of conditions with "or", and omits missing ones', () => {
  expect(allOf(['a or b', undefined, 'c', false])).toBe('(a or b) and (c)');
  expect(allOf([])).toBe('true');
});
