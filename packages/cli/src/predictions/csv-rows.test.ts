import { expect, test } from 'vitest';
import { csvRows } from './csv-rows.ts';

test('fields with commas, quotes and line breaks', () => {
  expect(csvRows('\ufeffa,b\r\n"1,2","say ""x"""\n\n"two\nlines",\n')).toEqual([
    ['a', 'b'],
    ['1,2', 'say "x"'],
    ['two\nlines', ''],
  ]);
  expect(csvRows('')).toEqual([]);
  expect(csvRows('a')).toEqual([['a']]);
});
