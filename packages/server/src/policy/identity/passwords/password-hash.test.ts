import { expect, test } from 'vitest';
import { PasswordHasher } from './password-hash.ts';

const hasher = new PasswordHasher();

test('a password matches only its own hash', async () => {
  const hash = await hasher.hash('gravel-orbit-mango-7');
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(await hasher.verify(hash, 'gravel-orbit-mango-7')).toBe(true);
  expect(await hasher.verify(hash, 'gravel-orbit-mango-8')).toBe(false);
  expect(await hasher.isOutdated(hash)).toBe(false);
});

test('the same characters in another encoding are the same password', async () => {
  const hash = await hasher.hash('Ka\u0308sekuchen-orbit');
  expect(await hasher.verify(hash, 'K\u00e4sekuchen-orbit')).toBe(true);
});

test('without a hash a password is compared too, and never accepted', async () => {
  for (const guess of ['', 'gravel-orbit-mango-7', 'nobody has this password']) {
    expect(await hasher.verify(undefined, guess)).toBe(false);
  }
});

test('a password beyond the limit does not match by its prefix', async () => {
  const long = 'x'.repeat(1024);
  expect(await hasher.verify(await hasher.hash(long), `${long}y`)).toBe(false);
});
