import { expect, test } from 'vitest';
import { bytesText, cellText, changeText, figureText, shareText } from './data-words.ts';

test.each([
  [0, '0 B'],
  [1023, '1023 B'],
  [1024, '1.0 KB'],
  [1_500_000_000, '1.4 GB'],
  [200 * 1024 * 1024, '200 MB'],
])('%d bytes are %s', (bytes, text) => expect(bytesText(bytes)).toBe(text));

test.each([
  [0, '0 %'],
  [0.0001, '< 0.1 %'],
  [0.1234, '12.3 %'],
  [0.99999, '> 99.9 %'],
  [1, '100 %'],
])('a share of %d is %s: a partial share is never shown as 100 %', (share, text) =>
  expect(shareText(share)).toBe(text),
);

test('statistics are short, and a missing one is empty', () => {
  expect([undefined, null, 0, 12.345_678, 1_234_567, 3e12, 0.000_01].map(figureText)).toEqual([
    '',
    '',
    '0',
    '12.346',
    '1,234,600',
    '3.000e+12',
    '1.000e-5',
  ]);
});

test('changes have a sign', () => expect([0, 1200, -3].map(changeText)).toEqual(['', '+1,200', '−3']));

test('cells are shown unchanged', () => {
  expect([null, 0, false, 'a', [1, 2], { a: 1 }].map(cellText)).toEqual(['', '0', 'false', 'a', '[1,2]', '{"a":1}']);
});
