import { expect, test } from 'vitest';
import { bfloatToNumber, halfToNumber, numberToBfloat, numberToHalf } from './half-float.ts';

test.each([
  ['half precision', halfToNumber, numberToHalf],
  ['bfloat16', bfloatToNumber, numberToBfloat],
])('%s: every value reads back as its bits', (_name, toNumber, toBits) => {
  const all = Array.from({ length: 2 ** 16 }, (_, bits) => bits);
  const differ = all.filter((bits) => !Number.isNaN(toNumber(bits)) && toBits(toNumber(bits)) !== bits);
  expect(differ).toEqual([]);
});

test('rounds to the nearest value, ties to even', () => {
  // 1 + 2^-11 is half way between 1 and the next value; 1 + 3 · 2^-11 between an odd and an even one.
  expect([1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -20].map(numberToHalf)).toEqual([0x3c00, 0x3c02, 0x3c01]);
  expect([65_504, 65_519, 65_520, -Infinity, 2 ** -25, 2 ** -24].map(numberToHalf)).toEqual([
    0x7bff, 0x7bff, 0x7c00, 0xfc00, 0, 1,
  ]);
  expect([1 + 2 ** -8, 1 + 3 * 2 ** -8, 2 - 2 ** -10].map(numberToBfloat)).toEqual([0x3f80, 0x3f82, 0x4000]);
  expect(Number.isNaN(halfToNumber(numberToHalf(NaN))) && Number.isNaN(bfloatToNumber(numberToBfloat(NaN)))).toBe(true);
});
