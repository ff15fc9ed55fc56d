import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonSyntaxError, JsonReader, type JsonValue } from './json-reader.ts';

function read(text: string, nan = false): JsonValue {
  const reader = new JsonReader(Buffer.from(text), { depth: 64, nan });
  const value = reader.value();
  reader.finish();
  return value;
}

/** As `JSON.parse` has them. */
function inDoubles(value: JsonValue): JsonValue {
  if (typeof value === 'bigint') return Number(value);
  if (Array.isArray(value)) return value.map(inDoubles);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inDoubles(one)]));
}

test('reads what JSON.stringify writes', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 8 }), fc.constantFrom(undefined, 1, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(inDoubles(read(text))).toEqual(JSON.parse(text));
    }),
  );
});

test('reads every double as JSON.parse does', () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(20), (value, digits) => {
      for (const text of [String(value), value.toExponential(digits), value.toPrecision(digits + 1)]) {
        // Rounded to few digits, the largest are too large.
        fc.pre(Number.isFinite(Number(text)));
        expect(Number(read(text))).toBe(JSON.parse(text));
      }
    }),
  );
});

test('keeps every digit of integers', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }), (value) => {
      const found = read(String(value));
      expect(typeof found === 'number' ? BigInt(found) : found).toBe(value);
    }),
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test('rejects text that is not UTF-8', () => {
  const bytes = Buffer.concat([Buffer.from('"é'), Buffer.from([0xc3]), Buffer.from('"')]);
  expect(() => new JsonReader(bytes, { depth: 1, nan: false }).text()).toThrow('a string is not valid UTF-8 at byte 1');
  expect(new JsonReader(Buffer.from('"é"'), { depth: 1, nan: false }).text()).toBe('é');
});

test('rejects what JSON.parse rejects', () => {
  fc.assert(
    fc.property(fc.string(), fc.jsonValue({ maxDepth: 2 }), fc.nat(), (noise, value, position) => {
      const text = JSON.stringify(value);
      const at = position % (text.length + 1);
      const broken = text.slice(0, at) + noise + text.slice(at);
      fc.pre(!isJson(broken));
      expect(() => read(broken)).toThrow(JsonSyntaxError);
    }),
  );
});

test.each([
  ['{"a":1,"a":2}', 'twice'],
  ['['.repeat(65) + ']'.repeat(65), 'nested deeper than 64'],
  ['01', 'starts with 0'],
  ['1.', 'truncated'],
  ['1e', 'truncated'],
  ['-', 'expected a value'],
  ['.5', 'expected a value'],
  ['1e999', 'too large'],
  ['"a', 'is not terminated'],
  ['"\\x"', 'not a JSON escape'],
  ['[1 2]', 'expected "," or "]"'],
  ['[1,]', 'expected a value'],
  ['{"a" 1}', 'expected ":"'],
  ['NaN', 'NaN is not a JSON number'],
  ['-Infinity', 'is not a JSON number'],
  ['1 1', 'unexpected content after the value'],
  ['', 'truncated'],
])('rejects %j: %s', (text, message) => {
  expect(() => read(text)).toThrow(message);
});

test('quoted numbers are accepted where numbers are expected', () => {
  expect(read('[NaN, Infinity, -Infinity]', true)).toEqual([Number.NaN, Number.POSITIVE_INFINITY, -Infinity]);
});

test('a key __proto__ is a key', () => {
  expect(Object.keys(read('{"__proto__": {"a": 1}}') as object)).toEqual(['__proto__']);
});
