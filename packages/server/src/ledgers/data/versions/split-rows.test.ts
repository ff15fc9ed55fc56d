import { expect, test } from 'vitest';
import { splitRows } from './split-rows.ts';

test.each([
  [0, undefined, 4096],
  [100_000, undefined, 4096],
  [10_000_000, undefined, 65_536],
  [1_000_000_000, undefined, 122_880],
  [10_000_000, 32_768, 32_768],
  [10_000_000, 4096, 65_536],
])('%d rows, before %s: %d', (rows, before, want) => {
  expect(splitRows(rows, before)).toBe(want);
});
