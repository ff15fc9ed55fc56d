import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { openEnvKeys } from '#engines/keys/env/env-keys.ts';
import { open, rewrap, seal, type Sealed } from './sealing.ts';

const key = () => randomBytes(32).toString('base64');
const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const parts = ['wrapped', 'iv', 'ciphertext', 'tag'] as const;

describe('sealing', () => {
  test('sealed values open to the same bytes', async () => {
    const keys = openEnvKeys(key());
    await fc.assert(
      fc.asyncProperty(bytes, fc.string(), async (plaintext, context) => {
        const sealed = await seal(keys, plaintext, context);
        expect(await open(keys, sealed, context)).toEqual(plaintext);
      }),
    );
  });

  test('any changed byte is a mismatch', async () => {
    const keys = openEnvKeys(key());
    await fc.assert(
      fc.asyncProperty(
        bytes,
        fc.constantFrom(...parts),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        async (plaintext, part, at, flip) => {
          const sealed = await seal(keys, plaintext, 'c');
          fc.pre(sealed[part].length > 0);
          const changed = Buffer.from(sealed[part]);
          changed[at % changed.length]! ^= flip;
          await expect(open(keys, { ...sealed, [part]: changed }, 'c')).rejects.toMatchObject({ code: 'key_mismatch' });
        },
      ),
    );
  });

  test('another context is a mismatch, also for a value moved together with its wrapped key', async () => {
    const keys = openEnvKeys(key());
    await fc.assert(
      fc.asyncProperty(bytes, fc.string(), fc.string(), async (plaintext, context, other) => {
        fc.pre(context !== other);
        const sealed = await seal(keys, plaintext, context);
        await expect(open(keys, sealed, other)).rejects.toMatchObject({ code: 'key_mismatch' });
        const foreign = await seal(keys, plaintext, other);
        const mixed: Sealed = { ...sealed, keyId: foreign.keyId, wrapped: foreign.wrapped };
        await expect(open(keys, mixed, other)).rejects.toMatchObject({ code: 'key_mismatch' });
      }),
    );
  });

  test('equal values have different ciphertexts that never contain the value', async () => {
    const keys = openEnvKeys(key());
    const value = Buffer.from('a value long enough to be found in the bytes');
    const [one, two] = [await seal(keys, value, 'c'), await seal(keys, value, 'c')];
    for (const part of parts) expect(one[part].equals(two[part])).toBe(false);
    expect(Buffer.concat(parts.map((part) => one[part])).includes(value)).toBe(false);
  });

  test('rewrapping moves the value to the current key without touching the ciphertext', async () => {
    const [first, second] = [key(), key()];
    await fc.assert(
      fc.asyncProperty(bytes, async (plaintext) => {
        const sealed = await seal(openEnvKeys(first), plaintext, 'c');
        const both = openEnvKeys(`${second},${first}`);
        const moved = await rewrap(both, sealed, 'c');
        expect(moved).toMatchObject({ iv: sealed.iv, ciphertext: sealed.ciphertext, tag: sealed.tag });
        expect(moved.keyId).toBe((await both.current()).keyId);
        expect(await open(openEnvKeys(second), moved, 'c')).toEqual(plaintext);
        expect(await rewrap(both, moved, 'c')).toBe(moved);
        await expect(open(openEnvKeys(second), sealed, 'c')).rejects.toMatchObject({ code: 'key_missing' });
        await expect(rewrap(both, sealed, 'd')).rejects.toMatchObject({ code: 'key_mismatch' });
      }),
      { numRuns: 30 },
    );
  });

  test('a later format is rejected', async () => {
    const keys = openEnvKeys(key());
    const sealed = { ...(await seal(keys, Buffer.from('x'), 'c')), v: 2 } as unknown as Sealed;
    await expect(open(keys, sealed, 'c')).rejects.toMatchObject({ code: 'key_mismatch' });
    await expect(rewrap(keys, sealed, 'c')).rejects.toMatchObject({ code: 'key_mismatch' });
  });
});
