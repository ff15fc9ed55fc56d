import type { KeyInfo } from '#engines/keys/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import type { Clock } from '#lib/clock.ts';
import type { HostPattern } from '#lib/outbound/host-pattern.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import type { WebhookFormat } from './webhook-format.ts';

/** A secret as it is stored: opens only with the key of this fingerprint, and only as what it was sealed for. */
export interface SealedSecret extends KeyInfo {
  readonly v: 1;
  readonly wrapped: Buffer;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** Port: seals under the current key-encryption key. All throw DaisError `keys_unavailable`. */
export interface Sealer {
  seal(plaintext: Buffer, context: string): Promise<SealedSecret>;
  /** @throws DaisError `key_missing`, `key_mismatch`. */
  open(sealed: SealedSecret, context: string): Promise<Buffer>;
  /** The same under the current key; the very same when it has it. @throws as `open` does. */
  rewrap(sealed: SealedSecret, context: string): Promise<SealedSecret>;
}

export interface WebhookParts {
  readonly database: Database;
  readonly sealer: Sealer;
  readonly outbound: Outbound;
  readonly clock: Clock;
  readonly formats: readonly WebhookFormat[];
  /** Hosts to which http is enough: the operator named them as being inside. */
  readonly inside: readonly HostPattern[];
}
