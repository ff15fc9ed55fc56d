import { createHash, timingSafeEqual } from 'node:crypto';
import type { Principal } from '#kernel/principal.ts';

/** Owners of the token of the data folder have all permissions in this installation, independent of accounts. */
export const OWNER_BY_TOKEN: Principal = { type: 'user', id: 'owner', via: { method: 'owner-token', mfa: false } };

/** Compares with the token of the data folder in constant time. */
export class OwnerToken {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  matches(given: string): boolean {
    return timingSafeEqual(digest(given), this.#digest);
  }
}

/** Digests have one length, so that the comparison does not reveal the length of the token. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
