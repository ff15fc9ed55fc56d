import fc from 'fast-check';
import { expect, test } from 'vitest';
import { keyOf, nodeKey, parseKey } from './node-key.ts';

const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 300 });

test('different parts give different keys, and every key fits into an index entry', () => {
  fc.assert(
    fc.property(
      fc.array(text, { minLength: 1, maxLength: 3 }),
      fc.array(text, { minLength: 1, maxLength: 3 }),
      (a, b) => {
        const [one, other] = [nodeKey('dataset', ...a), nodeKey('dataset', ...b)];
        expect(one === other).toBe(JSON.stringify(a) === JSON.stringify(b));
        expect(Buffer.byteLength(one)).toBeLessThanOrEqual(250);
      },
    ),
  );
});

test('a key can be parsed back to its parts', () => {
  expect(parseKey(keyOf('run', 'a:b'))).toEqual({ type: 'run', id: 'a:b' });
  for (const wrong of ['', 'run', 'run:', ':x', 'cat:x']) expect(parseKey(wrong)).toBeUndefined();
});
