import { expect, test } from 'vitest';
import { clockFinding } from '#doctor/server.ts';

const now = Date.parse('2026-01-01T12:00:00Z');

test.each([
  ['Thu, 01 Jan 2026 12:00:10 GMT', 'ok'],
  ['Thu, 01 Jan 2026 12:05:00 GMT', 'warning'],
  ['Thu, 01 Jan 2026 11:00:00 GMT', 'warning'],
])('%s: %s', (date, want) => {
  expect(clockFinding(date, now).map((finding) => finding.state)).toEqual([want]);
});

test('the clock of a server without a time is not evaluated', () => {
  expect(clockFinding(null, now)).toEqual([]);
  expect(clockFinding('soon', now)).toEqual([]);
});

test('the finding names which clock is ahead', () => {
  expect(clockFinding('Thu, 01 Jan 2026 12:05:00 GMT', now)[0]?.detail).toContain('301 s ahead of');
});
