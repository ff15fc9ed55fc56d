import { expect, test } from 'vitest';
import { graceMs } from './content-grace.ts';

const HOUR_MS = 3_600_000;

test('content is kept as long as configured, and longer than the recovery window', () => {
  expect(graceMs(1, 0)).toBe(24 * HOUR_MS);
  expect(graceMs(30, 0)).toBe(30 * 24 * HOUR_MS);
  expect(graceMs(1, 7)).toBe(8 * 24 * HOUR_MS);
  expect(graceMs(30, 7)).toBe(30 * 24 * HOUR_MS);
});
