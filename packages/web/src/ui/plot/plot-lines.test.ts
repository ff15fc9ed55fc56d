import { expect, test } from 'vitest';
import { forScale, onCommonPositions, smoothed } from './plot-lines.ts';

test('smoothing starts at the first value and keeps gaps', () => {
  expect(smoothed([4, null, 4], 0.9)).toEqual([expect.closeTo(4), null, expect.closeTo(4)]);
  expect(smoothed([1, 2], 0)).toEqual([1, 2]);
  const [, second] = smoothed([0, 10], 0.5);
  expect(second).toBeCloseTo(10 / 1.5);
});

test('a logarithmic scale shows values above zero', () => {
  expect(forScale([1, 0, -1, null], true)).toEqual([1, null, null, null]);
});

test('lines of different positions share one axis; a gap of a line differs from a position of another line', () => {
  const lines = [
    { xs: [0, 2], columns: [[1, null]] },
    { xs: [1, 2], columns: [[5, 6]] },
  ];
  expect(onCommonPositions(lines)).toEqual({
    xs: [0, 1, 2],
    columns: [
      [1, undefined, null],
      [undefined, 5, 6],
    ],
  });
});
