import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LatencyHistogram } from './latency-histogram.ts';

test('a quantile is at most 2 % above the true one and never below it', () => {
  const latencies = fc.array(fc.double({ min: 0.01, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(latencies, fc.constantFrom(0.5, 0.9, 0.99, 1), (all, share) => {
      const histogram = new LatencyHistogram();
      for (const ms of all) histogram.add(ms);
      const sorted = all.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(all.length * share) - 1] as number;
      const reported = histogram.quantile(share) as number;
      // In whole microseconds.
      expect(reported).toBeGreaterThanOrEqual(exact - 0.001);
      expect(reported).toBeLessThanOrEqual(exact * 1.02 + 0.001);
      expect(histogram.total).toBe(all.length);
    }),
  );
});

test('an empty histogram has no quantile', () => {
  expect(new LatencyHistogram().quantile(0.5)).toBeNull();
});
