import { expect, test } from 'vitest';
import { digestMatches, saltedDigest } from '#lib/crypto/digests.ts';

test('a digest matches its text only, and the same text has another digest each time', async () => {
  const [first, second] = await Promise.all([saltedDigest('a password'), saltedDigest('a password')]);
  expect(first.equals(second)).toBe(false);
  expect(await digestMatches(first, 'a password')).toBe(true);
  expect(await digestMatches(second, 'a password')).toBe(true);
  expect(await digestMatches(first, 'another')).toBe(false);
  expect(await digestMatches(Buffer.alloc(0), 'a password')).toBe(false);
});
