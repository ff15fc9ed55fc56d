import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cutTo, padTo, printable, widthOf, wrap } from '#output/width.ts';

test.each([
  ['plain', 5],
  ['über', 4],
  ['e\u0301', 1],
  ['漢字', 4],
  ['🚀 up', 5],
  ['👩‍🔬', 2],
  ['', 0],
])('%j has a width of %i columns', (text, want) => {
  expect(widthOf(text)).toBe(want);
});

test('truncation keeps whole characters and adds a mark', () => {
  expect(cutTo('chat-webhook', 6)).toBe('chat-…');
  expect(cutTo('漢字漢字', 6)).toBe('漢字…');
  expect(cutTo('short', 5)).toBe('short');
});

test('no text is wider than requested, and a fitting one is unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
      const cut = cutTo(text, width);
      expect(widthOf(cut)).toBeLessThanOrEqual(width);
      expect(cut === text).toBe(widthOf(text) <= width);
      expect(widthOf(padTo(cut, width))).toBe(width);
    }),
  );
});

test('control characters are printed visibly', () => {
  expect(printable('\u001b[31mred\u0007\r\nnext\u202e')).toBe('\\u001b[31mred\\u0007\\u000d⏎next\\u202e');
});

test('lines end between words', () => {
  expect(wrap('one two three  four', 9)).toEqual(['one two', 'three', 'four']);
  expect(wrap('incomprehensible a', 5)).toEqual(['incomprehensible', 'a']);
  expect(wrap('', 5)).toEqual([]);
});
