import { expect, test } from 'vitest';
import { likeMatcher, type PatternElement } from './like.ts';

const pattern = (text: string): PatternElement[] =>
  Array.from(text, (one) => (one === '*' ? 'Wildcard' : { Literal: one }));

test.each([
  ['', '', true],
  ['', 'a', false],
  ['*', '', true],
  ['a*', 'abc', true],
  ['*c', 'abc', true],
  ['a*c', 'ac', true],
  ['a*a', 'a', false],
  ['*ab*ab*', 'abab', true],
  ['*ab*ab*', 'aba', false],
  ['a*b*c', 'axxbxxc', true],
  ['a*b*c', 'axxcxxb', false],
  ['😀*', '😀x', true],
])('%j over %j: %j', (given, text, expected) => {
  expect(likeMatcher(pattern(given))(text)).toBe(expected);
});

test('a pattern that makes a backtracking matcher run forever takes a moment', () => {
  const matches = likeMatcher(pattern(`${'*a'.repeat(5000)}*b`));
  expect(matches('a'.repeat(100_000))).toBe(false);
});
