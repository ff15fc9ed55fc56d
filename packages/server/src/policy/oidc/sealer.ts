/**
 * A value encrypted with its own data key, which a key-encryption key wraps. Every field may be stored in the database.
 */
export interface SealedValue {
  readonly v: 1;
  readonly keyId: string;
  readonly fingerprint: string;
  readonly wrapped: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Interface: seals values that must be readable later, but not by others. It can call a remote key store. */
export interface Sealer {
  /** `context` identifies the value: it can be opened only with the same one. @throws DaisError `keys_unavailable`. */
  seal(plaintext: Buffer, context: string): Promise<SealedValue>;
  /** @throws DaisError `key_mismatch`, `key_missing`, `keys_unavailable`. */
  open(sealed: SealedValue, context: string): Promise<Buffer>;
}
