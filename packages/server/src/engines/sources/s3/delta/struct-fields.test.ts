import { expect, test } from 'vitest';
import { structFields } from './struct-fields.ts';

test('returns the fields of a struct without nested ones', () => {
  const inner = 'struct<x:int64,"a:b\\"":list<decimal(10,2)>>';
  expect(structFields(`struct<path:string,values:map<string,string>,dv:${inner},"odd <name>":int32>`)).toEqual([
    'path',
    'values',
    'dv',
    'odd <name>',
  ]);
  for (const type of ['int64', 'list<struct<a:int64>>', 'map<string,string>']) expect(structFields(type)).toEqual([]);
});
