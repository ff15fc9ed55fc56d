import { expect, test } from 'vitest';
import { splitRows } from './split-rows.ts';

test.each([
  [0, undefined, 4096],
  [100_000, undefined, 4096],
  [10_000_000, undefined, 32_768],
  [1_000_000_000, undefined, 122_880],
  [10_000_000, 65_536, 65_536],
  [10_000_000, 4096, 32_768],
])('%d rows, previously %s: %d', (rows, before, want) => {
  expect(splitRows(rows, before)).toBe(want);
});
