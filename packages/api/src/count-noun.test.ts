import { expect, test } from 'vitest';
import { countNoun } from '#count-noun.ts';

test.each([
  [0, 'row', '0 rows'],
  [1, 'row', '1 row'],
  [1n, 'entry', '1 entry'],
  [2500, 'entry', '2,500 entries'],
  [1_234_567, 'row', '1,234,567 rows'],
  [2, 'day', '2 days'],
  [2, 'class', '2 classes'],
  [3, 'distinct value', '3 distinct values'],
])('%s %s is %s', (count, noun, text) => {
  expect(countNoun(count, noun)).toBe(text);
});
