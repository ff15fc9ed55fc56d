import { expect, test } from 'vitest';
import { bytesText } from '#output/amounts.ts';

test('bytes', () => {
  expect([0, 1023, 1536, 3 * 1024 ** 3].map(bytesText)).toEqual(['0 B', '1023 B', '1.5 KiB', '3.0 GiB']);
});
