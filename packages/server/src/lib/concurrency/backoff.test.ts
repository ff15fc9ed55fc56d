import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { backoffMs } from './backoff.ts';

test('waits double from the base to the cap, between half and all of each', () => {
  const least = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, 1000, 10_000, () => 0));
  const most = [1, 2, 3, 4, 5, 6].map((attempt) => backoffMs(attempt, 1000, 10_000, () => 1));
  expect(most).toEqual([1000, 2000, 4000, 8000, 10_000, 10_000]);
  expect(least).toEqual(most.map((ms) => ms / 2));
});

test('no attempt, however late, leaves the bounds', () => {
  const attempt = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2 ** 31 }));
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(attempt, fc.integer({ min: 1, max: 10_000 }), fc.nat(1e7), random, (n, baseMs, more, r) => {
      const capMs = baseMs + more;
      const wait = backoffMs(n, baseMs, capMs, () => r);
      const full = Math.min(capMs, baseMs * 2 ** Math.min(n - 1, 30));
      expect(wait).toBeGreaterThanOrEqual(full / 2);
      expect(wait).toBeLessThanOrEqual(full);
      expect(full).toBeGreaterThanOrEqual(Math.min(baseMs, capMs));
    }),
  );
});
