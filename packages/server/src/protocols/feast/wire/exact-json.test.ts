import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readExactJson } from './exact-json.ts';

test.each([
  ['{"a":[9007199254740993,1]}', { a: ['9007199254740993', 1] }],
  ['{"a":-9223372036854775808}', { a: '-9223372036854775808' }],
  ['{"a":"9007199254740993, \\"9007199254740993"}', { a: '9007199254740993, "9007199254740993' }],
  ['[1234567890123456.5,1e20,9007199254740991]', [1_234_567_890_123_456.5, 1e20, 9_007_199_254_740_991]],
  ['[0.1234567890123456]', [0.123_456_789_012_345_6]],
])('%s', (text, value) => {
  expect(readExactJson(text)).toEqual(value);
});

test('rejects invalid JSON', () => {
  expect(() => readExactJson('{"a": 12345678901234567890')).toThrow(SyntaxError);
});

test('parses everything else like JSON.parse', () => {
  const kept = (_key: string, value: unknown) =>
    typeof value === 'number' && /^-?\d+$/.test(String(value)) && !Number.isSafeInteger(value) ? String(value) : value;
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const text = JSON.stringify(value);
      expect(JSON.stringify(readExactJson(text))).toBe(JSON.stringify(JSON.parse(text), kept));
    }),
  );
});
