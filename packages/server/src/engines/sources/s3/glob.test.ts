import { expect, test } from 'vitest';
import { globPattern, globPrefix } from './glob.ts';

test.each([
  ['raw/*.csv', 'raw/a.csv', true],
  ['raw/*.csv', 'raw/b/a.csv', false],
  ['raw/**.csv', 'raw/b/a.csv', true],
  ['raw/**/a.csv', 'raw/a.csv', true],
  ['raw/**/a.csv', 'raw/x/y/a.csv', true],
  ['day-?.csv', 'day-1.csv', true],
  ['day-?.csv', 'day-/.csv', false],
  ['a+b(1).csv', 'a+b(1).csv', true],
  ['a.csv', 'abcsv', false],
])('%s, %s: %s', (glob, key, fits) => {
  expect(globPattern(glob).test(key)).toBe(fits);
  if (fits) expect(key.startsWith(globPrefix(glob))).toBe(true);
});
