import fc from 'fast-check';
import { expect, test } from 'vitest';
import { linksIn, mentionsIn } from './comment-text.ts';

test.each([
  ['@ada please look', ['ada']],
  ['see @ada@example.com.', ['ada@example.com']],
  ['(@ada, @bob-2) and @ada again', ['ada', 'bob-2']],
  ['write to ada@example.com', []],
  ['`@property` and\n```\n@decorator\n``` but @Łucja', ['Łucja']],
  ['``` @never closed', []],
  ['a/@b and x@@y and @', []],
])('mentions in %j', (text, names) => {
  expect(mentionsIn(text)).toEqual(names);
});

test.each([
  ['see https://github.com/o/r/issues/7.', ['https://github.com/o/r/issues/7']],
  ['[it](https://a.example/b) https://a.example/b', ['https://a.example/b']],
  ['https://a.example/w_(x) and `https://code.example`', ['https://a.example/w_(x)']],
  ['javascript:alert(1) ftp://a http://', []],
])('links in %j', (text, links) => {
  expect(linksIn(text)).toEqual(links);
});

test('any text is parsed in linear time', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 10_000 }), (text) => {
      expect(linksIn(text).length).toBeLessThanOrEqual(50);
      expect(mentionsIn(text).every((name) => name.length > 0)).toBe(true);
    }),
  );
  expect(mentionsIn('@a'.repeat(5000))).toHaveLength(1);
  expect(linksIn('`'.repeat(10_000))).toEqual([]);
});
