import { expect, test } from 'vitest';
import { coresOf, readCoreList } from './cpu-share.ts';

const bits = (mask: string) =>
  Buffer.from(mask, 'hex').reduce((sum, byte) => sum + byte.toString(2).replaceAll('0', '').length, 0);

test('a run gets its number of cores, rounded up', () => {
  const cores = [0, 1, 2, 3, 4, 5, 6, 7];
  expect([0.5, 1, 1.5, 3].map((cpu) => bits(coresOf(cpu, cores)))).toEqual([1, 1, 2, 3]);
  expect(bits(coresOf(64, cores))).toBe(7);
});

test('reserves the first of four or more cores for Dais', () => {
  const masks = Array.from({ length: 8 }, () => coresOf(2, [0, 1, 2, 3]));
  for (const mask of [...masks, coresOf(undefined, [0, 1, 2, 3])]) expect(Buffer.from(mask, 'hex')[0]! & 1).toBe(0);
  expect(bits(coresOf(undefined, [0, 1]))).toBe(2);
});

test('distributes runs over cores, also beyond the first word', () => {
  const masks = Array.from({ length: 4 }, () => coresOf(1, [8, 9, 10, 70]));
  expect(new Set(masks).size).toBe(3);
  expect(masks.some((mask) => mask.length === 32)).toBe(true);
  expect(coresOf(1, [])).toBe('');
  expect(readCoreList('0-2,5')).toEqual([0, 1, 2, 5]);
});
