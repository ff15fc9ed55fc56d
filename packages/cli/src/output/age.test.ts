import { expect, test } from 'vitest';
import { age, parseDuration } from '#output/age.ts';

test.each([
  ['2026-01-01T00:00:00Z', '0s'],
  ['2025-12-31T23:59:00Z', '60s'],
  ['2025-12-31T23:57:00Z', '3m'],
  ['2025-12-31T22:30:00Z', '90m'],
  ['2025-12-31T00:00:00Z', '24h'],
  ['2025-12-29T00:00:00Z', '3d'],
  ['2025-01-01T00:00:00Z', '365d'],
  ['2023-01-01T00:00:00Z', '3y'],
  ['2026-01-01T00:05:00Z', '0s'],
  ['no time', 'no time'],
])('%s was %s ago', (time, want) => {
  expect(age(time, Date.parse('2026-01-01T00:00:00Z'))).toBe(want);
});

test.each([
  ['90', 90_000],
  ['500ms', 500],
  ['5m', 300_000],
  ['1h', 3_600_000],
  ['2d', 172_800_000],
  ['-1s', undefined],
  ['1.5h', undefined],
  ['soon', undefined],
  ['', undefined],
])('%s is a duration of %s ms', (text, want) => {
  expect(parseDuration(text)).toBe(want);
});
