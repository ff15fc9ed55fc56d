/** Tickets replace other credentials: 256 random bits, of which only the digest is stored. */
import { DaisError } from '@dais/api';
import { secretDigest, type RandomSource } from '#lib/crypto/digests.ts';

export interface Ticket {
  readonly text: string;
  readonly digest: Buffer;
}

export function newTicket(random: RandomSource): Ticket {
  const text = random(32).toString('base64url');
  return { text, digest: secretDigest(text) };
}

/** Returns the same error for an unknown, an expired and a wrong ticket, so that it discloses nothing. */
export function ticketError(what: 'upload' | 'link'): DaisError {
  const remedy = what === 'upload' ? 'Start the upload again.' : 'Request a new link.';
  return new DaisError(
    'unauthenticated',
    `The ticket does not belong to this ${what}, or the ${what} has ended or expired. ${remedy}`,
  );
}
