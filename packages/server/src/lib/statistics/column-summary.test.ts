import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  alignCategories,
  KEPT_VALUES,
  mergeCategories,
  mergeSummaries,
  MOST_CATEGORIES,
  summarizeCategories,
  summarizeNumbers,
  summaryFromJson,
  summaryToJson,
  type NumberSummary,
} from './column-summary.ts';

const cell = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: -50, max: 50 }).map((value) => value / 4) },
  { weight: 1, arbitrary: fc.constantFrom(null, Number.NaN, Infinity, -Infinity) },
);
const edges = fc
  .uniqueArray(fc.integer({ min: -12, max: 12 }), { maxLength: 8 })
  .map((values) => values.toSorted((a, b) => a - b));

test('numbers: summaries of parts add up to the summary of the whole', () => {
  fc.assert(
    fc.property(fc.array(cell), fc.array(cell), edges, (one, other, between) => {
      const whole = summarizeNumbers([...one, ...other], between);
      const merged = mergeSummaries(summarizeNumbers(one, between), summarizeNumbers(other, between)) as NumberSummary;
      const { mean, squares, ...exact } = whole;
      expect(merged).toMatchObject(exact);
      expect(merged.mean ?? 0).toBeCloseTo(mean ?? 0, 9);
      expect(merged.squares).toBeCloseTo(squares, 7);
      expect(summaryFromJson(JSON.parse(JSON.stringify(summaryToJson(whole))))).toEqual(
        JSON.parse(JSON.stringify(whole)),
      );
    }),
  );
});

test('categories: summaries of parts add up to the summary of the whole, and survive JSON', () => {
  const words = fc.array(fc.option(fc.constantFrom('a', 'b', 'c', '__proto__', ''), { nil: null }));
  fc.assert(
    fc.property(words, words, (one, other) => {
      const whole = summarizeCategories([...one, ...other]);
      const merged = mergeSummaries(summarizeCategories(one), summarizeCategories(other));
      expect(merged).toEqual(whole);
      expect(summaryFromJson(JSON.parse(JSON.stringify(summaryToJson(whole))))).toEqual(whole);
    }),
  );
});

test('limits: values of a small window, and categories', () => {
  const many = Array.from({ length: KEPT_VALUES }, (_, i) => i);
  expect(summarizeNumbers(many, []).values).toHaveLength(KEPT_VALUES);
  expect(summarizeNumbers([...many, 1], []).values).toBeUndefined();
  expect(mergeSummaries(summarizeNumbers(many, []), summarizeNumbers([1], []))).not.toHaveProperty('values');
  const words = Array.from({ length: MOST_CATEGORIES + 5 }, (_, i) => `${i}`);
  const summary = summarizeCategories([...words, '3', '3']);
  expect(summary).toMatchObject({ count: MOST_CATEGORIES + 7, rest: 5 });
  expect(summary.counts.get('3')).toBe(3);
  const merged = mergeCategories(summary, summary);
  expect([...merged.counts.values()].reduce((sum, count) => sum + count, merged.rest)).toBe(merged.count);
});

describe('a value that only the window has', () => {
  const reference = summarizeCategories(['a', 'a', 'b']);
  test('is new, and has its own position', () => {
    const reported = alignCategories(reference, summarizeCategories(['a', 'z', 'z']));
    expect(reported).toEqual({ categories: ['a', 'b', 'z'], reference: [2, 1, 0], current: [1, 0, 2], added: ['z'] });
  });

  test('is not called new where the baseline has a rest that it may be of', () => {
    const { added, reference: counts } = alignCategories(
      { ...reference, count: 4, rest: 1 },
      summarizeCategories(['z']),
    );
    expect(added).toEqual([]);
    expect(counts).toEqual([2, 1, 0, 1]);
  });
});

test('summaries of numbers and of categories cannot be added, nor do bins of different edges', () => {
  expect(() => mergeSummaries(summarizeNumbers([1], []), summarizeCategories(['a']))).toThrow(RangeError);
  expect(() => mergeSummaries(summarizeNumbers([1], [1]), summarizeNumbers([1], [2]))).toThrow(RangeError);
});
