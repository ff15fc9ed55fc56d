/**
 * Envelope encryption of secret values: a fresh 32-byte data key for each value (AES-256-GCM), wrapped by the key
 * store. `context` identifies the value (`project/uid/key`); both layers authenticate it, so a sealed value that is
 * copied to another row cannot be opened. A change of the KEK affects only `keyId`, `fingerprint` and `wrapped`.
 */
import { randomBytes } from 'node:crypto';
import { DaisError } from '@dais/api';
import type { KeyStore } from '#engines/keys/contract.ts';
import { AES_KEY_BYTES, decryptGcm, encryptGcm } from '#lib/crypto/aes-gcm.ts';

export interface Sealed {
  readonly v: 1;
  readonly keyId: string;
  /** The id of the KEK: names the key that a backup needs. */
  readonly fingerprint: string;
  readonly wrapped: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** @throws DaisError `keys_unavailable`. */
export async function seal(keys: KeyStore, plaintext: Buffer, context: string): Promise<Sealed> {
  const dataKey = randomBytes(AES_KEY_BYTES);
  try {
    const wrapped = await keys.wrap(dataKey, context);
    return { v: 1, ...wrapped, ...encryptGcm(dataKey, plaintext, aadOf(context)) };
  } finally {
    dataKey.fill(0);
  }
}

/**
 * @throws DaisError `key_mismatch` (a changed byte, another context), `key_missing` (the KEK is no longer available),
 * `keys_unavailable`.
 */
export async function open(keys: KeyStore, sealed: Sealed, context: string): Promise<Buffer> {
  checkVersion(sealed);
  const dataKey = await keys.unwrap(sealed, context);
  try {
    const plaintext = decryptGcm(dataKey, sealed, aadOf(context));
    if (plaintext !== undefined) return plaintext;
    throw new DaisError(
      'key_mismatch',
      `the sealed value cannot be decrypted: it was changed or belongs to another resource`,
    );
  } finally {
    dataKey.fill(0);
  }
}

/**
 * Wraps the data key with the current KEK; the ciphertext does not change. A value that already has the current KEK is
 * returned unchanged, so repetitions are free.
 * @throws as `open` does.
 */
export async function rewrap(keys: KeyStore, sealed: Sealed, context: string): Promise<Sealed> {
  checkVersion(sealed);
  const current = await keys.current();
  if (sealed.keyId === current.keyId && sealed.fingerprint === current.fingerprint) return sealed;
  const dataKey = await keys.unwrap(sealed, context);
  try {
    return { ...sealed, ...(await keys.wrap(dataKey, context)) };
  } finally {
    dataKey.fill(0);
  }
}

function aadOf(context: string): string {
  return `dais/sealed/v1\0${context}`;
}

function checkVersion(sealed: { readonly v: number }): void {
  if (sealed.v !== 1) {
    throw new DaisError(
      'key_mismatch',
      `the value is sealed in format ${sealed.v}, which this version does not support`,
    );
  }
}
