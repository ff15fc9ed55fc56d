import { expect, test } from 'vitest';
import { relativeTime } from './relative-time.ts';

const NOW = Date.UTC(2026, 10, 25);
const SECOND = 1000;
const HOUR = 3600 * SECOND;

test.each([
  [0, 'just now'],
  [9 * SECOND, 'just now'],
  [10 * SECOND, '10 s ago'],
  [59 * SECOND, '59 s ago'],
  [60 * SECOND, '1 min ago'],
  [HOUR, '1 h ago'],
  [25 * HOUR, '1 d ago'],
  [31 * 24 * HOUR, '1 mo ago'],
  [400 * 24 * HOUR, '1 y ago'],
  [-2 * HOUR, 'in 2 h'],
])('%i ms ago is "%s"', (ms, text) => {
  expect(relativeTime(NOW - ms, NOW)).toBe(text);
});
