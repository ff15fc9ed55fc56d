import fc from 'fast-check';
import { expect, test } from 'vitest';
import { matchesSubject } from './subject-pattern.ts';

test.each([
  ['repo:acme/models:ref:refs/heads/main', 'repo:acme/models:ref:refs/heads/main', true],
  ['repo:acme/models:ref:refs/heads/main', 'repo:acme/models:ref:refs/heads/main2', false],
  ['repo:acme/models:ref:refs/heads/*', 'repo:acme/models:ref:refs/heads/feature/x', true],
  ['repo:acme/*:ref:refs/heads/main', 'repo:acme/models:ref:refs/heads/main', true],
  ['repo:acme/*:ref:refs/heads/main', 'repo:acme/models:environment:x:ref:refs/heads/main', false],
  ['repo:acme/*', 'repo:acme/models:pull_request', false],
  ['repo:*:*', 'repo:acme/models:pull_request', true],
  ['*', 'a', true],
  ['*', '', true],
  ['*', 'a:b', false],
  ['a*b*c', 'axxbyybc', true],
  ['a*b*c', 'axxbyyb', false],
  ['a.c', 'abc', false],
  ['', '', true],
])('%s and %s: %s', (pattern, subject, want) => {
  expect(matchesSubject(pattern, subject)).toBe(want);
});

test('the same as the obvious regular expression', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', ':', '*'), maxLength: 10 });
  fc.assert(
    fc.property(text, text, (pattern, subject) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '[^:]*')}$`, 's');
      expect(matchesSubject(pattern, subject)).toBe(expression.test(subject));
    }),
  );
});

test('a pattern with many stars takes no exponential time', () => {
  expect(matchesSubject(`${'a*'.repeat(500)}b`, 'a'.repeat(1024))).toBe(false);
});
