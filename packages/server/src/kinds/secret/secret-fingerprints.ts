/**
 * Fingerprints of values: HMAC-SHA256 with a key that is stored sealed in the database. They show plan and apply
 * whether a value is unchanged, without decrypting it. The database alone is not sufficient to test guesses.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { DaisError } from '@dais/api';
import type { Sql } from '#engines/database/contract.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import { open, rewrap, seal, type Sealed } from './sealing.ts';
import { insertFingerprintKey, readFingerprintKey, replaceFingerprintKey } from './secret-store.ts';

const CONTEXT = 'print-key';
const PRINT_KEY_BYTES = 32;

/** Computes and compares the fingerprints of one transaction. */
export interface Printer {
  print(secretUid: string, key: string, value: string): Buffer;
  matches(secretUid: string, key: string, value: string, print: Buffer): boolean;
}

export class Fingerprints {
  readonly #keys: KeyStore;
  /** The opened key with its wrapping: a rolled-back transaction leaves no stale state here. */
  #opened: { readonly wrapped: Buffer; readonly key: Buffer } | undefined;

  constructor(keys: KeyStore) {
    this.#keys = keys;
  }

  /**
   * Undefined if there is no fingerprint key, or none that can be decrypted: then every value counts as changed.
   * @throws DaisError `keys_unavailable`.
   */
  async find(sql: Sql): Promise<Printer | undefined> {
    const sealed = await readFingerprintKey(sql);
    const key = sealed === undefined ? undefined : await this.#open(sealed);
    return key === undefined ? undefined : printer(key);
  }

  /** Creates the key if there is none; replaces one with a lost KEK. @throws DaisError `keys_unavailable`. */
  async ensure(sql: Sql): Promise<Printer> {
    const before = await readFingerprintKey(sql);
    const known = before === undefined ? undefined : await this.#open(before);
    if (known !== undefined) return printer(known);
    const made = await seal(this.#keys, randomBytes(PRINT_KEY_BYTES), CONTEXT);
    await (before === undefined ? insertFingerprintKey(sql, made) : replaceFingerprintKey(sql, before, made));
    const now = await readFingerprintKey(sql);
    const key = now === undefined ? undefined : await this.#open(now);
    if (key === undefined) throw new DaisError('keys_unavailable', 'a key that was just sealed cannot be decrypted');
    return printer(key);
  }

  /** Wraps the print key under the current KEK. False when it does not open. @throws DaisError `keys_unavailable`. */
  async rewrap(sql: Sql): Promise<boolean> {
    const before = await readFingerprintKey(sql);
    if (before === undefined) return true;
    try {
      const after = await rewrap(this.#keys, before, CONTEXT);
      if (after !== before) await replaceFingerprintKey(sql, before, after);
      return true;
    } catch (error) {
      if (isLost(error)) return false;
      throw error;
    }
  }

  async #open(sealed: Sealed): Promise<Buffer | undefined> {
    if (this.#opened?.wrapped.equals(sealed.wrapped) === true) return this.#opened.key;
    try {
      const key = await open(this.#keys, sealed, CONTEXT);
      this.#opened = { wrapped: sealed.wrapped, key };
      return key;
    } catch (error) {
      if (isLost(error)) return undefined;
      throw error;
    }
  }
}

/** True for a sealed value that cannot be decrypted until its key is restored: a retry alone does not help. */
export function isLost(error: unknown): boolean {
  return error instanceof DaisError && (error.code === 'key_missing' || error.code === 'key_mismatch');
}

function printer(printKey: Buffer): Printer {
  // The uid is part of the fingerprint: equal values of two secrets have different fingerprints.
  const print = (secretUid: string, key: string, value: string) =>
    createHmac('sha256', printKey).update(`${secretUid}\0${key}\0${value}`).digest();
  return {
    print,
    matches: (secretUid, key, value, known) => {
      const given = print(secretUid, key, value);
      return given.length === known.length && timingSafeEqual(given, known);
    },
  };
}
