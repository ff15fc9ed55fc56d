import { expect, test } from 'vitest';
import { bytesText, countText } from '#output/amounts.ts';

test('bytes and counts', () => {
  expect([0, 1023, 1536, 3 * 1024 ** 3].map(bytesText)).toEqual(['0 B', '1023 B', '1.5 KiB', '3.0 GiB']);
  expect([0, 1, 1234567].map((count) => countText(count, 'row'))).toEqual(['0 rows', '1 row', '1,234,567 rows']);
});
