import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attributionDrift, rankingGain } from './attribution-drift.ts';

const drift = (baseline: Readonly<Record<string, number>>, current: Readonly<Record<string, number>>) => {
  const reported = attributionDrift(new Map(Object.entries(baseline)), new Map(Object.entries(current)));
  if ('unknown' in reported) throw new Error(reported.unknown);
  return reported;
};

test('an inverted order is found, as in Clarify’s example', () => {
  // The published value is rounded to 0.69.
  const reported = drift({ sat: 0.7, gpa: 0.5, class: 0.05 }, { sat: 0.1, gpa: 0.2, class: 0.7 });
  expect(reported.ndcg).toBeCloseTo((0.05 + 0.5 / Math.log2(3) + 0.7 / 2) / (0.7 + 0.5 / Math.log2(3) + 0.05 / 2), 12);
  expect(reported.ndcg).toBeCloseTo(0.69, 2);
  expect(reported.columns.map(({ column }) => column)).toEqual(['class', 'sat', 'gpa']);
  expect(reported.columns[0]).toMatchObject({ baselineRank: 3, currentRank: 1, currentShare: 0.7 });
  expect(reported.totalVariation).toBeCloseTo(0.7 - 0.05 / 1.25, 12);
});

test('the scale of attributions does not matter, only their shares: total variation compares shares alone', () => {
  const reported = drift({ a: 4, b: 2, c: 1 }, { a: 40, b: 20, c: 10 });
  expect(reported).toMatchObject({ ndcg: 1, totalVariation: 0 });
  const moved = drift({ a: 0.5, b: 0.3, c: 0.2 }, { a: 0.9, b: 0.06, c: 0.04 });
  expect(moved.ndcg).toBe(1);
  expect(moved.totalVariation).toBeCloseTo(0.4, 12);
});

test('a column that one side lacks counts as zero there', () => {
  const reported = drift({ a: 1, gone: 1 }, { a: 1, fresh: 3 });
  expect(
    reported.columns.map(({ column, baselineShare, currentShare }) => [column, baselineShare, currentShare]),
  ).toEqual([
    ['fresh', 0, 0.75],
    ['gone', 0.5, 0],
    ['a', 0.5, 0.25],
  ]);
});

test('a side without attributions has no order, and is reported', () => {
  expect(attributionDrift(new Map([['a', 0]]), new Map([['a', 1]]))).toEqual({ unknown: 'baseline' });
  expect(attributionDrift(new Map([['a', 1]]), new Map([['a', 0]]))).toEqual({ unknown: 'current' });
  expect(attributionDrift(new Map(), new Map())).toEqual({ unknown: 'baseline' });
  expect(attributionDrift(new Map([['a', Number.NaN]]), new Map([['a', 1]]))).toEqual({ unknown: 'baseline' });
});

test('the gain is 1 for the same order and never above it, in whatever order columns come', () => {
  const sizes = fc.array(fc.record({ before: fc.integer({ min: 0, max: 9 }), now: fc.integer({ min: 0, max: 9 }) }), {
    minLength: 1,
    maxLength: 12,
  });
  fc.assert(
    fc.property(sizes, (some) => {
      fc.pre(some.some(({ before }) => before > 0));
      const gain = (of: typeof some) =>
        rankingGain(
          of.map(({ before }) => before),
          of.map(({ now }) => now),
        );
      expect(gain(some)).toBeGreaterThan(0);
      expect(gain(some)).toBeLessThanOrEqual(1 + 1e-12);
      // Ties have no defined order.
      expect(gain(some.toReversed())).toBeCloseTo(gain(some), 12);
      expect(gain(some.map(({ before }) => ({ before, now: before })))).toBeCloseTo(1, 12);
    }),
  );
});
