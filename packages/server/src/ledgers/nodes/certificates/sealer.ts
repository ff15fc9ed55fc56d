/** Encryption of the private keys of the certificate authority. */
import type { WrappedKey } from '#engines/keys/contract.ts';

export interface SealedKey extends WrappedKey {
  readonly v: 1;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Interface: encrypts with the current key-encryption key. All methods throw DaisError `keys_unavailable`. */
export interface Sealer {
  seal(plaintext: Buffer, context: string): Promise<SealedKey>;
  /** @throws DaisError `key_missing`, `key_mismatch`. */
  open(sealed: SealedKey, context: string): Promise<Buffer>;
  /** Encrypts with the current key; returns the value unchanged if it already is. @throws as `open` does. */
  rewrap(sealed: SealedKey, context: string): Promise<SealedKey>;
}

/** The context of a private key: it cannot be decrypted for another generation. */
export const contextOf = (generation: number): string => `nodes/authority/${generation}`;
