import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LATENCY_GRID, latencyBoundMs, latencyBucket } from './figures.ts';

test('a latency is within the bounds of its bucket, and a doubled one is 8 buckets higher', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.26, max: 16_000, noNaN: true }), (ms) => {
      const bucket = latencyBucket(ms);
      expect(ms).toBeLessThanOrEqual(latencyBoundMs(bucket) * (1 + 1e-12));
      expect(ms).toBeGreaterThan(latencyBoundMs(bucket - 1) * (1 - 1e-12));
      expect(latencyBucket(2 * ms)).toBe(bucket + LATENCY_GRID.perDoubling);
    }),
  );
  expect([latencyBucket(0), latencyBucket(0.25), latencyBucket(1e9)]).toEqual([0, 0, LATENCY_GRID.buckets - 1]);
  expect(latencyBoundMs(LATENCY_GRID.buckets - 1)).toBe(32_768);
});
