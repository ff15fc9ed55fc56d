import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeUserCode, readUserCode } from './user-code.ts';

test('a code is accepted in any spelling', () => {
  const code = makeUserCode(randomBytes);
  expect(code).toMatch(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/);
  for (const typed of [code, code.toLowerCase(), code.replace('-', ''), code.replace('-', ' ')]) {
    expect(readUserCode(typed)).toBe(code);
  }
});

test.each(['', 'BCDF', 'BCDF-GHJKL', 'ABCD-EFGH', 'BCDF-GHJ1', 'ẞCDF-GHJK'])('%j is none', (text) => {
  expect(readUserCode(text)).toBeUndefined();
});

test('every character is as likely as the others', () => {
  // All bytes once: bytes above the unbiased limit are skipped.
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  let at = 0;
  const next = (count: number) => {
    const part = Buffer.from(Array.from({ length: count }, (_, index) => bytes[(at + index) % 256]!));
    at += count;
    return part;
  };
  const seen = new Map<string, number>();
  for (let round = 0; round < 30; round++) {
    for (const character of makeUserCode(next).replace('-', '')) seen.set(character, (seen.get(character) ?? 0) + 1);
  }
  expect(new Set(seen.values())).toEqual(new Set([12]));
});
