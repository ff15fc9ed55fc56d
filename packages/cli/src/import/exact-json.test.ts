import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exactJson, exactText } from './exact-json.ts';

describe('numbers as Python writes them', () => {
  test.each([
    ['1', 1],
    ['-7', -7],
    ['1.5', 1.5],
    ['1.0', { '@': ['double', 1] }],
    ['-0.0', { '@': ['double', '-0'] }],
    ['1e+20', { '@': ['double', 1e20] }],
    ['9007199254740993', { '@': ['int', '9007199254740993'] }],
    ['NaN', { '@': ['double', 'NaN'] }],
    ['-Infinity', { '@': ['double', '-Infinity'] }],
    ['[1.0, {"a": 2}]', [{ '@': ['double', 1] }, { a: 2 }]],
    ['{"@": 1.0}', { '@': ['map', { '@': { '@': ['double', 1] } }] }],
    ['"1.0 NaN \\" 2.0 \\\\"', '1.0 NaN " 2.0 \\'],
    ['true', true],
    ['null', null],
  ])('%s', (text, value) => {
    expect(exactJson(text)).toEqual(value);
  });
});

test('parsed values are written with the same meaning', () => {
  for (const text of ['1.0', '9007199254740993', 'NaN', '{"a": [1.0, 2, "x", null, {"@": 3.0}]}', '-0.0']) {
    expect(exactText(exactJson(text))).toBe(text);
  }
});

test('plain JSON is parsed as JSON does, except whole numbers that are written as fractions', () => {
  const plain = fc
    .jsonValue({ maxDepth: 3 })
    .map((value) => JSON.stringify(value))
    .filter((text) => !/\d[.e]|@|\\u|[\ud800-\udfff]|\d{16}/i.test(text));
  fc.assert(
    fc.property(plain, (text) => {
      expect(exactJson(text)).toEqual(JSON.parse(text));
    }),
  );
});

test('invalid JSON is rejected', () => {
  expect(() => exactJson('{"a": ')).toThrow(SyntaxError);
  expect(() => exactJson('{"a": 1.2.3}')).toThrow(SyntaxError);
});
