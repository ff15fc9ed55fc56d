import { expect, test } from 'vitest';
import { entityTag, ifMatchVersion, noneMatch } from '#http/request/conditional.ts';

test('If-Match names one version, any, or none', () => {
  expect(ifMatchVersion(undefined)).toBeUndefined();
  expect(ifMatchVersion('*')).toBeUndefined();
  expect(ifMatchVersion(entityTag('7'))).toBe('7');
  expect(ifMatchVersion('W/"7"')).toBe('7');
});

test.each(['7', '"1", "2"', '', '"unclosed', '"a" b'])('rejects If-Match %j', (header) => {
  expect(() => ifMatchVersion(header)).toThrow('If-Match must contain exactly one ETag');
});

test('If-None-Match accepts lists, weak tags and *', () => {
  expect(['"7"', 'W/"7"', '"1", W/"7"', '*'].map((header) => noneMatch(header, '7'))).toEqual([true, true, true, true]);
  expect([undefined, '"8"', '7', ''].map((header) => noneMatch(header, '7'))).toEqual([false, false, false, false]);
});
