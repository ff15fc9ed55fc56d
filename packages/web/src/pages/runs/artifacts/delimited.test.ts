import { expect, test } from 'vitest';
import { readDelimited, tableOfJson } from './delimited.ts';
import { artifactRoot, previewKind } from './preview-kind.ts';

test('quotes enclose delimiters, line ends and quotes', () => {
  expect(readDelimited('a,b\r\n"x, ""y""\nz",2\n', ',', 10, true)).toEqual([
    ['a', 'b'],
    ['x, "y"\nz', '2'],
  ]);
});

test('a truncated text loses its last row, a complete one does not', () => {
  expect(readDelimited('a\n1\n2', ',', 10, false)).toEqual([['a'], ['1']]);
  expect(readDelimited('a\n1\n2', ',', 10, true)).toEqual([['a'], ['1'], ['2']]);
  expect(readDelimited('a\n1\n2\n3', ',', 2, true)).toEqual([['a'], ['1']]);
});

test('a table that was logged as JSON', () => {
  expect(tableOfJson({ columns: ['a'], data: [[1], ['x'], [null]] })).toEqual([['a'], ['1'], ['x'], ['null']]);
  expect(tableOfJson({ columns: 'a' })).toBeUndefined();
  expect(tableOfJson(null)).toBeUndefined();
});

test.each([
  ['plots/roc.PNG', 'image'],
  ['model/MLmodel', 'text'],
  ['eval.csv', 'table'],
  ['report.html', 'page'],
  ['weights.bin', 'none'],
  ['conda', 'none'],
])('the preview of %s is %s', (name, kind) => {
  expect(previewKind(name)).toBe(kind);
});

test('artifacts that are stored in Dais have a path', () => {
  expect(artifactRoot('mlflow-artifacts:/1/abc/artifacts')).toBe('1/abc/artifacts');
  expect(artifactRoot('s3://bucket/1/abc/artifacts')).toBeUndefined();
});
