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

/** Port: seals what must be read again and must not be read by others. May ask a key store that is far away. */
export interface Sealer {
  /** `context` says whose value it is: it opens with the same one only. @throws DaisError `keys_unavailable`. */
  seal(plaintext: Buffer, context: string): Promise<SealedValue>;
  /** @throws DaisError `key_mismatch`, `key_missing`, `keys_unavailable`. */
  open(sealed: SealedValue, context: string): Promise<Buffer>;
}
