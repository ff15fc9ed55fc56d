import { expect, test } from 'vitest';
import { isUserCode, userCode } from './user-code.ts';

test.each(['BCDF-GHJK', 'bcdfghjk', ' bcdf ghjk '])('%j is the original code', (text) => {
  expect(isUserCode(text)).toBe(true);
  expect(userCode(text)).toBe('BCDF-GHJK');
});

test.each(['', 'BCDF-GHJ', 'ABCD-EFGH', 'BCDF-GHJK-L'])('%j is rejected', (text) => {
  expect(isUserCode(text)).toBe(false);
});
