import { createHash, timingSafeEqual } from 'node:crypto';
import type { Principal } from '#kernel/principal.ts';

/** Whoever holds the token of the data folder: root of this installation, whatever the accounts say. */
export const OWNER_BY_TOKEN: Principal = { type: 'user', id: 'owner', via: { method: 'owner-token', mfa: false } };

/** Compares with the token of the data folder in a time that tells nothing of it. */
export class OwnerToken {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digest(token);
  }

  matches(given: string): boolean {
    return timingSafeEqual(digest(given), this.#digest);
  }
}

/** Digests have one length, so that comparing them tells nothing of the token's. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
