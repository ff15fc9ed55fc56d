import { expect, test } from 'vitest';
import { byteSpan } from './byte-range.ts';

test.each([
  ['bytes=0-4', { start: 0, end: 4 }],
  ['bytes=5-', { start: 5, end: 9 }],
  ['bytes=-3', { start: 7, end: 9 }],
  ['bytes=-30', { start: 0, end: 9 }],
  ['bytes=8-100', { start: 8, end: 9 }],
  ['bytes = 1-2', { start: 1, end: 2 }],
  ['bytes=10-', 'outside'],
  ['bytes=-0', 'outside'],
  ['bytes=4-2', undefined],
  ['bytes=0-1,3-4', undefined],
  ['lines=0-1', undefined],
  ['bytes=-', undefined],
  [undefined, undefined],
])('of ten bytes, %s names %j', (header, span) => {
  expect(byteSpan(header, 10)).toEqual(span);
});

test('empty content has no range', () => {
  expect(byteSpan('bytes=0-', 0)).toBe('outside');
});
