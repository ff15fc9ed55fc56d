import { expect, test } from 'vitest';
import type { ColumnType } from '../../model/column-type.ts';
import { sqlType } from './column-types.ts';

test.each<[ColumnType, string]>([
  ['int64', 'BIGINT'],
  ['timestamp', 'TIMESTAMP WITH TIME ZONE'],
  ['decimal(10,2)', 'DECIMAL(10,2)'],
  ['list<list<string>>', 'VARCHAR[][]'],
  ['map<string,float64>', 'MAP(VARCHAR, DOUBLE)'],
  [
    'struct<a:int64,"odd ""name":list<date>>'.replace('""', String.raw`\"`) as ColumnType,
    'STRUCT("a" BIGINT, "odd ""name" DATE[])',
  ],
])('%s', (type, sql) => {
  expect(sqlType(type)).toBe(sql);
});

test.each([
  'int65',
  '',
  'INTEGER',
  'int64; DROP TABLE t',
  'list<int64',
  'list<int64>>',
  'struct<>',
  'struct<a:int64,>',
  'decimal(39,2)',
  'decimal(5,9)',
  'map<string>',
  `${'list<'.repeat(40)}int64${'>'.repeat(40)}`,
])('rejects %s', (type) => {
  expect(() => sqlType(type as ColumnType)).toThrow('is not a column type');
});
