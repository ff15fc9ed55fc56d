import { expect, test } from 'vitest';
import { countWords } from './use-run-count.ts';

test('the number of runs is shown as exactly as it is known', () => {
  expect(countWords(1, false, false, undefined)).toBe('1 run');
  expect(countWords(58, false, false, { runs: 57, more: false })).toBe('58 runs');
  expect(countWords(100, true, false, undefined)).toBe('100 runs loaded, more load as you scroll');
  expect(countWords(100, true, false, { runs: 240, more: false })).toBe(
    '100 of 240 runs loaded, more load as you scroll',
  );
  expect(countWords(100, true, true, { runs: 10_000, more: true })).toBe(
    '100 of 10,000+ runs loaded, more are loading',
  );
  expect(countWords(12_100, true, false, { runs: 10_000, more: true })).toBe(
    '12,100 runs loaded, more load as you scroll',
  );
});
