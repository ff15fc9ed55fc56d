import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { comparePoints, distinctPoints, pointAt, sortPoints, toPoints, type Point, type Points } from './points.ts';

const small = fc.integer({ min: -2, max: 2 });
const point = fc.record({ step: small, timestamp: small, value: fc.constantFrom(0, -0, 1, -1, Number.NaN) });

function list(points: Points): Point[] {
  return [...points.steps.keys()].map((index) => pointAt(points, index));
}

const text = ({ step, timestamp, value }: Point) => `${step} ${timestamp} ${value}`;

describe('points', () => {
  test.each(['time', 'step'] as const)('are sorted by %s', (order) => {
    fc.assert(
      fc.property(fc.array(point), (given) => {
        const sorted = list(sortPoints(toPoints(given), order));
        expect(sorted.map(text).toSorted()).toEqual(given.map(text).toSorted());
        for (const [index, one] of sorted.slice(1).entries()) {
          expect(comparePoints(sorted[index]!, one, order)).toBeLessThanOrEqual(0);
        }
      }),
    );
  });

  test('that are equal are merged; 0 equals -0, and all NaN are equal', () => {
    fc.assert(
      fc.property(fc.array(point), (given) => {
        const distinct = list(distinctPoints(sortPoints(toPoints(given), 'time')));
        // Text has no -0.
        expect(distinct.map(text).toSorted()).toEqual([...new Set(given.map(text))].toSorted());
      }),
    );
  });

  test('sort NaN directly after 0', () => {
    const values = [1, Number.NaN, 0, -1].map((value) => ({ step: 0, timestamp: 0, value }));
    expect(list(sortPoints(toPoints(values), 'step')).map(({ value }) => value)).toEqual([-1, 0, Number.NaN, 1]);
  });
});
