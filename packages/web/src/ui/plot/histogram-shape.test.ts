import { expect, test } from 'vitest';
import { histogramShapes, outlinePath } from './histogram-shape.ts';

test('bins of different widths are compared by density', () => {
  const found = histogramShapes([
    { edges: [0, 5, 10], counts: [10, 10] },
    { edges: [0, 10], counts: [4000] },
  ]);
  expect(found).toMatchObject({ low: 0, high: 10 });
  // Both describe the same values: evenly spread between 0 and 10.
  expect(found?.shapes.map((bars) => bars.map(({ height }) => height))).toEqual([[1, 1], [1]]);
  expect(found?.shapes[0]?.[1]).toMatchObject({ from: 5, to: 10, count: 10, share: 0.5, start: 0.5, end: 1 });
});

test('a scale covers all of them', () => {
  const found = histogramShapes([
    { edges: [0, 10], counts: [1] },
    { edges: [5, 20], counts: [3] },
  ]);
  expect(found).toMatchObject({ low: 0, high: 20 });
  expect(found?.shapes[0]?.[0]).toMatchObject({ start: 0, end: 0.5, height: 1 });
  expect(found?.shapes[1]?.[0]?.height).toBeCloseTo(2 / 3);
});

test('a single value fills the scale', () => {
  expect(histogramShapes([{ edges: [7, 7], counts: [3] }])?.shapes[0]).toMatchObject([{ start: 0, end: 1, height: 1 }]);
});

test('empty histograms have no chart', () => {
  expect(histogramShapes([])).toBeUndefined();
  expect(histogramShapes([{ edges: [0, 1], counts: [0] }])).toBeUndefined();
});

test('an outline follows the bars, and ends at the base line', () => {
  const bars = histogramShapes([{ edges: [0, 1, 2], counts: [1, 2] }])?.shapes[0] ?? [];
  expect(outlinePath(bars, 100, 20)).toBe('M0 20V10H50V0H100V20');
});
