/**
 * The keys engine manages the key-encryption keys (KEK) that protect every secret. Each secret is encrypted with a new data key
 * (AES-256-GCM, in the kernel); this engine only wraps and unwraps those 32-byte data keys. KEKs are never in the data folder,
 * in the database or in a backup.
 */
export interface KeyStore {
  /**
   * Returns the key that `wrap` uses. Engines that create their own keys create the first one here.
   * @throws DaisError `keys_unavailable`.
   */
  current(): Promise<KeyInfo>;
  /**
   * Wraps a 32-byte data key under the current KEK, bound to `context` (additional authenticated data).
   * @throws DaisError `keys_unavailable`.
   */
  wrap(dataKey: Buffer, context: string): Promise<WrappedKey>;
  /**
   * Unwraps the data key. Works for every KEK that the engine still has, not only the current one.
   * @throws DaisError `key_missing` (with the id and fingerprint of the missing key),
   *   `key_mismatch` (tampered or another context), `keys_unavailable`.
   */
  unwrap(wrapped: WrappedKey, context: string): Promise<Buffer>;
  /**
   * Creates a new current KEK and keeps the old ones for `unwrap`. Existing values keep their KEK until they are wrapped again.
   * Not idempotent: every call creates a key.
   * @throws DaisError `keys_read_only` when an external store manages the keys, with a remedy; `keys_unavailable`.
   */
  rotate(): Promise<KeyInfo>;
  /**
   * Lists all keys, the current one first; empty before the first key is created. Creates none. @throws DaisError
   * `keys_unavailable`.
   */
  list(): Promise<readonly KeyInfo[]>;
  /** Forgets key material and closes connections. Idempotent; no other method may be called afterwards. */
  close(): Promise<void>;
}

/** Public information about a key. Both fields are safe to store and to display. */
export interface KeyInfo {
  /** Printable ASCII without spaces, <= 256 characters. */
  readonly keyId: string;
  /** 16 hex digits; equal exactly when the key is the same. A restore uses it to check the key first. */
  readonly fingerprint: string;
}

/** The id and fingerprint of the KEK are stored with the wrapped key, so that errors can name a missing key. */
export interface WrappedKey extends KeyInfo {
  readonly wrapped: Buffer;
}

/** Domain separation of fingerprints: a hash of a KEK for another purpose never equals a fingerprint. */
export const FINGERPRINT_DOMAIN = 'dais/kek-fingerprint/v1';
