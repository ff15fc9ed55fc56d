import { expect, test } from 'vitest';
import { isOutside, returnPath } from './return-path.ts';

test.each(['/', '/projects/default/secrets?labels=team=vision', '/device?code=BCDF-GHJK', '/projects/x/y#part'])(
  'sign-in returns to %s',
  (next) => {
    expect(returnPath(next)).toBe(next);
  },
);

test.each([
  undefined,
  '',
  'projects',
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  '/\t/evil.example',
  '/..//evil.example',
  '/a b',
  '/auth/logout',
  '/sign-in?next=/sign-in',
  '/invitation',
  `/${'x'.repeat(2048)}`,
])('%j leads to the home page', (next) => {
  expect(returnPath(next)).toBe('/');
});

test('pages for viewers who have not signed in', () => {
  expect(['/sign-in', '/invitation', '/sign-internal', '/device'].map(isOutside)).toEqual([true, true, false, false]);
});
