import fc from 'fast-check';
import { expect, test } from 'vitest';
import { returnPath } from './sign-in.ts';

test.each(['/', '/p/vision/models?tab=a#b', '/device?code=BCDF-GHJK', '/a%2f%2fb'])('accepts %s', (next) => {
  expect(returnPath(next)).toBe(next);
});

test.each([
  undefined,
  '',
  'models',
  'https://evil.example',
  '//evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  '/\t/evil.example',
  '/\n/evil.example',
  ' //evil.example',
  '/..//evil.example',
  '/a/../..//evil.example',
  '/%2e%2e//evil.example',
  'javascript:alert(1)',
  'data:text/html,x',
  '/auth/oidc/corporate',
  `/${'a'.repeat(2048)}`,
])('%j becomes the front page', (next) => {
  expect(returnPath(next)).toBe('/');
});

test('no text leads a browser to another host', () => {
  const text = fc.string({
    unit: fc.constantFrom('/', '\\', '.', '@', ':', '\t', '%', '2', 'e', 'a', '?', '#'),
    maxLength: 12,
  });
  fc.assert(
    fc.property(text, (next) => {
      const url = new URL(returnPath(next), 'https://dais.example');
      expect(url.origin).toBe('https://dais.example');
    }),
  );
});
