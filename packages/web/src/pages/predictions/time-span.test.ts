import { expect, test } from 'vitest';
import { localText, timeSpan } from './time-span.ts';

const NOW = Date.parse('2026-05-02T12:00:00Z');

test('a range ends now or has two ends, and an invalid one is the default', () => {
  expect(timeSpan({ time: '1h' }, NOW)).toEqual({ from: NOW - 3_600_000 });
  expect(timeSpan({}, NOW)).toEqual({ from: NOW - 86_400_000 });
  expect(timeSpan({ time: 'soon' }, NOW)).toEqual({ from: NOW - 86_400_000 });
  expect(timeSpan({ time: 'between', from: '2026-05-01T00:00:00Z', until: '2026-05-01T01:00:00Z' }, NOW)).toEqual({
    from: NOW - 36 * 3_600_000,
    until: NOW - 35 * 3_600_000,
  });
  expect(timeSpan({ time: 'between', from: 'x' }, NOW)).toEqual({ from: NOW - 86_400_000 });
});

test('the value of the browser’s field is read in the same time zone', () => {
  expect(Date.parse(localText(NOW))).toBe(NOW);
});
