import { expect, test } from 'vitest';
import { sparkline } from './sparkline.ts';

test.each([
  [[0, 7, 3.5], '▁█▅'],
  [[2, 2, 2], '▁▁▁'],
  [[-1, null, 1], '▁ █'],
  [[null], ' '],
  [[], ''],
])('%j is drawn as %s', (values, drawn) => {
  expect(sparkline(values)).toBe(drawn);
});
