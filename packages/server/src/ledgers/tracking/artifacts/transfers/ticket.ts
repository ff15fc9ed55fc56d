/** What lets somebody in who has no other credential: 256 random bits, of which only the digest is kept. */
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

/** The same for what never was, what ended and what has another ticket: nobody learns which. */
export function wrongTicket(what: 'upload' | 'link'): DaisError {
  const again = what === 'upload' ? 'begin the upload again' : 'ask for a new link';
  return new DaisError(
    'unauthenticated',
    `The ticket is not that of this ${what}, or the ${what} has ended or expired: ${again}.`,
  );
}
