/**
 * The code that a user compares or types: eight of twenty consonants (34.6 bits), so that it spells no word and no two
 * characters are similar. It is valid for ten minutes. Only signed-in users may try codes, at a limited rate.
 */
import type { RandomSource } from '#lib/crypto/digests.ts';

const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ';
const CHARACTERS = 8;
const CODE = /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/;
/** The largest multiple of 20 that fits a byte: bytes above would make some characters likelier than others. */
const FAIR_BELOW = 240;

/** `BCDF-GHJK`. */
export function makeUserCode(random: RandomSource): string {
  let code = '';
  while (code.length < CHARACTERS) {
    for (const byte of random(CHARACTERS)) {
      if (byte < FAIR_BELOW && code.length < CHARACTERS) code += ALPHABET[byte % ALPHABET.length];
    }
  }
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}

/** Normalizes case and dashes of a typed code; returns undefined if it cannot be a code. */
export function readUserCode(text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[-\s]/g, '');
  return CODE.test(code) ? `${code.slice(0, 4)}-${code.slice(4)}` : undefined;
}
