import type { KeyInfo } from '#engines/keys/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { HostPattern } from '#lib/outbound/host-pattern.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { WebhookFormat } from './webhook-format.ts';

/** A stored secret. It can be decrypted only with the key of this fingerprint and in its original context. */
export interface SealedSecret extends KeyInfo {
  readonly v: 1;
  readonly wrapped: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Interface: encrypts with the current key-encryption key. All methods throw DaisError `keys_unavailable`. */
export interface Sealer {
  seal(plaintext: Buffer, context: string): Promise<SealedSecret>;
  /** @throws DaisError `key_missing`, `key_mismatch`. */
  open(sealed: SealedSecret, context: string): Promise<Buffer>;
  /** Encrypts a secret with the current key; returns it unchanged if it already is. @throws as `open` does. */
  rewrap(sealed: SealedSecret, context: string): Promise<SealedSecret>;
}

export interface WebhookDependencies {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly formats: readonly WebhookFormat[];
  /** Hosts for which http is allowed: the operator declared them as internal. */
  readonly inside: readonly HostPattern[];
}
