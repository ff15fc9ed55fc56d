import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeTokenText, tokenForm, tokenForms } from './token-text.ts';

test('the reference example is a token', () => {
  expect(tokenForm('dais_pat_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp')).toBe('pat');
});

test('a token round-trips for any random bytes', () => {
  fc.assert(
    fc.property(fc.constantFrom(...tokenForms), fc.infiniteStream(fc.integer({ min: 0, max: 247 })), (form, bytes) => {
      const text = makeTokenText(form, (count) => Buffer.from([...bytes.take(count)]));
      expect(tokenForm(text)).toBe(form);
    }),
  );
});

test('one wrong character is noticed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 9, max: 44 }), fc.constantFrom('0', '9', 'A', 'Z', 'a', 'z'), (at, character) => {
      const text = makeTokenText('sat', randomBytes);
      fc.pre(text[at] !== character);
      expect(tokenForm(text.slice(0, at) + character + text.slice(at + 1))).toBeUndefined();
    }),
  );
});

test('bytes that would make some characters likelier are passed over', () => {
  const batches = [Buffer.alloc(30, 255), Buffer.alloc(30, 61)];
  expect(makeTokenText('pat', () => batches.shift() ?? Buffer.alloc(0))).toMatch(/^dais_pat_z{30}/);
});

test.each([
  '',
  'dais_pat_',
  'dais_own_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp',
  ' dais_pat_upE5Xw2GKthC6Ud0ooooJk7nU3tqb13Yercp',
])('%j is none', (text) => {
  expect(tokenForm(text)).toBeUndefined();
});
