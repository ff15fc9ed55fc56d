/**
 * The keys engine: holds the key-encryption keys (KEK) that protect every secret. Secrets are sealed with a fresh data
 * key each (AES-256-GCM, kernel side); this engine only wraps and unwraps those 32-byte data keys. KEKs never lie in
 * the data folder, in the database or in a backup.
 */
export interface KeyStore {
  /**
   * The key that `wrap` uses now. Engines that make their keys themselves make the first one here.
   * @throws DaisError `keys_unavailable`.
   */
  current(): Promise<KeyInfo>;
  /**
   * Wraps a 32-byte data key under the current KEK, bound to `context` (additional authenticated data).
   * @throws DaisError `keys_unavailable`.
   */
  wrap(dataKey: Buffer, context: string): Promise<WrappedKey>;
  /**
   * The data key again. Works for every KEK that the engine still holds, not only the current one.
   * @throws DaisError `key_missing` (names the key id and fingerprint wanted),
   *   `key_mismatch` (tampered or another context), `keys_unavailable`.
   */
  unwrap(wrapped: WrappedKey, context: string): Promise<Buffer>;
  /**
   * Makes a new current KEK and keeps the old ones for `unwrap`. Values sealed before keep their KEK until they are
   * wrapped anew. Not idempotent: every call makes a key.
   * @throws DaisError `keys_read_only` when the keys are made elsewhere, with what to do instead; `keys_unavailable`.
   */
  rotate(): Promise<KeyInfo>;
  /** All keys held, current first; empty before the first key is made. Makes none. @throws DaisError `keys_unavailable`. */
  list(): Promise<readonly KeyInfo[]>;
  /** Forgets key material and closes connections. Idempotent; no other method may be called afterwards. */
  close(): Promise<void>;
}

/** What may be known about a key. Both fields are safe to store and to show. */
export interface KeyInfo {
  /** Printable ASCII without blanks, <= 256 characters. */
  readonly keyId: string;
  /** 16 hex digits; equal exactly when the key is the same. It lets a restore check the key first. */
  readonly fingerprint: string;
}

/** The id and fingerprint of the KEK stay with what it wrapped, so that a key that is missing can be named. */
export interface WrappedKey extends KeyInfo {
  readonly wrapped: Buffer;
}

/** Domain of every fingerprint over key material: a hash of a KEK made for another purpose never equals one of these. */
export const FINGERPRINT_DOMAIN = 'dais/kek-fingerprint/v1';
