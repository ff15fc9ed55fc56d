import { expect, test } from 'vitest';
import { cookieName, cookieText, cookieValue } from './cookies.ts';

test('a cookie over HTTPS is bound to its host', () => {
  expect(cookieText({ name: 'dais_sid', value: 'x', maxAgeSeconds: 60 }, true)).toBe(
    '__Host-dais_sid=x; Max-Age=60; Path=/; HttpOnly; SameSite=Lax; Secure',
  );
  expect(cookieText({ name: 'dais_sid', maxAgeSeconds: 60 }, false)).toBe(
    'dais_sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax',
  );
});

test.each([
  [undefined, undefined],
  ['a=1', undefined],
  ['dais_sid=x', 'x'],
  ['a=1; dais_sid=x=y; b=2', 'x=y'],
  ['xdais_sid=evil; dais_sid=x', 'x'],
  ['__Host-dais_sid=evil', undefined],
  ['dais_sid=a; dais_sid=b', undefined],
])('in %s', (header, expected) => {
  expect(cookieValue(header, cookieName('dais_sid', false))).toBe(expected);
});
