import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spacedJson } from './spaced-json.ts';

test.each([
  [[{ name: 'a', version: 1 }, []], '[{"name": "a", "version": 1}, []]'],
  ['é "x"', '"é \\"x\\""'],
  [{ a: undefined, b: null, c: {} }, '{"b": null, "c": {}}'],
  [undefined, 'null'],
])('%j', (value, text) => {
  expect(spacedJson(value)).toBe(text);
});

test('is JSON of the same value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(JSON.parse(spacedJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('a long text is cut', () => {
  const text = spacedJson(
    Array.from({ length: 1000 }, () => 'x'.repeat(1000)),
    100,
  );
  expect(text.startsWith('["xxx')).toBe(true);
  expect(text.length).toBeLessThan(1500);
});
