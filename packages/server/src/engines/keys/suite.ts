/** Tests that every implementation of the keys engine must pass. */
import { randomBytes } from 'node:crypto';
import { DaisError, type ErrorCode } from '@dais/api';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { KeyStore } from './contract.ts';

export interface KeyStoreSubject {
  readonly keys: KeyStore;
  /**
   * Rotates the current key like an operator of this engine, keeps the old one, and returns the store that sees it (the same
   * one if it needs no restart).
   */
  addKey(): Promise<KeyStore>;
  /** A store of the same type with other keys only. */
  otherStore(): Promise<KeyStore>;
  end(): Promise<void>;
}

export function keyStoreSuite(name: string, readOnly: boolean, open: () => Promise<KeyStoreSubject>): void {
  describe(`keys engine: ${name}`, () => {
    let subject: KeyStoreSubject;
    let keys: KeyStore;
    beforeAll(async () => {
      subject = await open();
      keys = subject.keys;
    });
    afterAll(async () => await subject.end());

    test('unwraps a key only in its context', async () => {
      const dataKey = randomBytes(32);
      const wrapped = await keys.wrap(dataKey, 'project/secret/token');
      expect(wrapped).toMatchObject(await keys.current());
      expect(await keys.unwrap(wrapped, 'project/secret/token')).toEqual(dataKey);
      await expectCode('key_mismatch', keys.unwrap(wrapped, 'project/secret/other'));
      await expectCode('key_mismatch', keys.unwrap(wrapped, ''));
    });

    test('the wrapped form hides the data key and differs each time', async () => {
      const dataKey = randomBytes(32);
      const first = await keys.wrap(dataKey, 'c');
      const second = await keys.wrap(dataKey, 'c');
      expect(first.wrapped.includes(dataKey)).toBe(false);
      expect(first.wrapped.equals(second.wrapped)).toBe(false);
    });

    test('reports a mismatch for a changed byte, a missing byte and no bytes', async () => {
      const one = await keys.wrap(randomBytes(32), 'c');
      const { wrapped } = one;
      for (const index of [0, wrapped.length >> 1, wrapped.length - 1]) {
        const changed = Buffer.from(wrapped);
        changed[index]! ^= 1;
        await expectCode('key_mismatch', keys.unwrap({ ...one, wrapped: changed }, 'c'));
      }
      await expectCode('key_mismatch', keys.unwrap({ ...one, wrapped: wrapped.subarray(1) }, 'c'));
      await expectCode('key_mismatch', keys.unwrap({ ...one, wrapped: Buffer.from([0]) }, 'c'));
    });

    test('distinguishes contexts of any text and length', async () => {
      const contexts = ['', 'a', 'a\0b', 'ä€😀', 'x'.repeat(2_000), 'x'.repeat(2_001)];
      for (const context of contexts) {
        const wrapped = await keys.wrap(Buffer.alloc(32, 7), context);
        expect(await keys.unwrap(wrapped, context)).toEqual(Buffer.alloc(32, 7));
        await expectCode('key_mismatch', keys.unwrap(wrapped, `${context}!`));
      }
    });

    test('supports twenty concurrent wraps', async () => {
      const dataKeys = Array.from({ length: 20 }, () => randomBytes(32));
      const wrapped = await Promise.all(dataKeys.map((dataKey, index) => keys.wrap(dataKey, `c${index}`)));
      const unwrapped = await Promise.all(wrapped.map((one, index) => keys.unwrap(one, `c${index}`)));
      expect(unwrapped).toEqual(dataKeys);
    });

    test('lists the current key first, with a fingerprint that reveals nothing', async () => {
      const current = await keys.current();
      expect(current.keyId).toMatch(/^[!-~]{1,256}$/);
      expect(current.fingerprint).toMatch(/^[0-9a-f]{16}$/);
      expect((await keys.list())[0]).toEqual(current);
    });

    test('reports an unknown key as missing, by its name', async () => {
      const otherStore = await subject.otherStore();
      try {
        const wrapped = await otherStore.wrap(randomBytes(32), 'c');
        const failure = await expectCode('key_missing', keys.unwrap(wrapped, 'c'));
        expect(failure.message).toContain(wrapped.keyId);
        expect(failure.message).toContain(wrapped.fingerprint);
        expect((await otherStore.current()).fingerprint).not.toBe((await keys.current()).fingerprint);
      } finally {
        await otherStore.close();
      }
    });

    test(readOnly ? 'does not rotate keys of an external store' : 'rotate creates a new current key', async () => {
      if (readOnly) {
        await expectCode('keys_read_only', keys.rotate());
        return;
      }
      const before = await keys.current();
      const made = await keys.rotate();
      expect(made.keyId).not.toBe(before.keyId);
      expect(await keys.current()).toEqual(made);
      expect((await keys.list()).slice(0, 2)).toEqual([made, before]);
    });

    test('after a rotation, old values can be decrypted and new values use the new key', async () => {
      const dataKey = randomBytes(32);
      const old = await keys.wrap(dataKey, 'c');
      keys = await subject.addKey();
      expect((await keys.current()).keyId).not.toBe(old.keyId);
      expect(await keys.unwrap(old, 'c')).toEqual(dataKey);
      const renewed = await keys.wrap(dataKey, 'c');
      expect(renewed.keyId).toBe((await keys.current()).keyId);
      expect(await keys.unwrap(renewed, 'c')).toEqual(dataKey);
      await expectCode('key_mismatch', keys.unwrap({ ...renewed, wrapped: old.wrapped }, 'c'));
    });
  });
}

async function expectCode(code: ErrorCode, work: Promise<unknown>): Promise<DaisError> {
  const error: unknown = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error, `expected ${code}`).toBeInstanceOf(DaisError);
  expect((error as DaisError).code).toBe(code);
  return error as DaisError;
}
