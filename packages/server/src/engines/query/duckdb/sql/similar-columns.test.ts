import { expect, test } from 'vitest';
import { similarColumns } from './similar-columns.ts';

const COLUMNS = ['prediction_id', 'row', 'in_age', 'in_carrier', 'out_age', 'out_delay', 'status'];

test.each<[string, readonly string[]]>([
  ['age', ['in_age', 'out_age']],
  ['AGE', ['in_age', 'out_age']],
  ['predictions.age', ['in_age', 'out_age']],
  ['carier', ['in_carrier']],
  ['in_carier', ['in_carrier']],
  ['prediction', ['prediction_id']],
  ['stats', ['status']],
  ['altitude', []],
  ['n', []],
])('%s', (name, near) => {
  expect(similarColumns(name, COLUMNS)).toEqual(near);
});

test('returns a limited number of columns', () => {
  const many = Array.from({ length: 50 }, (_, n) => `in_age_${n}`);
  expect(similarColumns('age', many)).toHaveLength(5);
});
