import { expect, test } from 'vitest';
import { byteText } from './byte-text.ts';

test('byteText returns the largest fitting unit and at most four digits', () => {
  expect([0, 317, 1024, 1536, 10 * 2 ** 30, 2 ** 40, 12_345_678].map(byteText)).toEqual([
    '0 bytes',
    '317 bytes',
    '1 KiB',
    '1.5 KiB',
    '10 GiB',
    '1 TiB',
    '11.77 MiB',
  ]);
});
