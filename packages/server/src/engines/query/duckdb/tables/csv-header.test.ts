import { expect, test } from 'vitest';
import { firstRecord } from './csv-header.ts';

const dialect = { delimiter: ',', quote: '"', escape: '"', skip: 0 };

test.each<[string, readonly string[]]>([
  ['a,b\n1,2\n', ['a', 'b']],
  ['a,b\r\n1,2', ['a', 'b']],
  ['a,b', ['a', 'b']],
  ['\uFEFFa,b\n', ['a', 'b']],
  ['"a,b","say ""so""","two\nlines"\n', ['a,b', 'say "so"', 'two\nlines']],
  [',a,\n', ['', 'a', '']],
  ['a"b,c\n', ['a"b', 'c']],
])('%j', (content, fields) => {
  expect(firstRecord(Buffer.from(content), 'utf-8', dialect, true)).toEqual(fields);
});

test('incomplete records, other encodings, and lines before the header', () => {
  expect(firstRecord(Buffer.from('a,b'), 'utf-8', dialect, false)).toBeUndefined();
  expect(firstRecord(Buffer.from('"a,b'), 'utf-8', dialect, true)).toBeUndefined();
  expect(firstRecord(Buffer.from('\uFEFFä,b\n', 'utf16le'), 'utf-16', dialect, true)).toEqual(['ä', 'b']);
  expect(firstRecord(Buffer.from('\uFEFFä,b\n', 'utf16le').swap16(), 'utf-16', dialect, true)).toEqual(['ä', 'b']);
  expect(firstRecord(Buffer.from('ä;b\n', 'latin1'), 'latin-1', { ...dialect, delimiter: ';' }, true)).toEqual([
    'ä',
    'b',
  ]);
  expect(firstRecord(Buffer.from('made\n\na\n1\n'), 'utf-8', { ...dialect, skip: 2 }, true)).toEqual(['a']);
});
