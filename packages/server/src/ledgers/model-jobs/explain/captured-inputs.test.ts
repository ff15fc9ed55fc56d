import { expect, test } from 'vitest';
import { valueOfFeature } from './captured-inputs.ts';

test('a feature has the value of its own column, in any order of captured columns', () => {
  // In the order of files, by name; the model has another order.
  const columns = new Map([
    ['carrier', ['UA', 'DL']],
    ['hour', [[15], [7]]],
    [
      'weather',
      [
        [82.04, 10],
        [30.5, 9],
      ],
    ],
  ]);
  const of = (row: number) =>
    ['weather[0]', 'weather[1]', 'hour', 'carrier', 'gone', 'gone[0]'].map((name) =>
      valueOfFeature(columns, name, row),
    );
  expect(of(0)).toEqual([82.04, 10, 15, 'UA', null, null]);
  expect(of(1)).toEqual([30.5, 9, 7, 'DL', null, null]);
});
