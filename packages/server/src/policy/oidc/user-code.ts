/**
 * The code that a person compares or types: eight of twenty consonants (34.6 bits), so that it spells no word and no two
 * characters look alike. It holds for ten minutes, and only people who have signed in may try codes, a few at a time.
 */
import type { RandomSource } from '#lib/secret-digest.ts';

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

/** The code as it was made, whatever case and dashes somebody typed; undefined when it can be none. */
export function readUserCode(text: string): string | undefined {
  const code = text.toUpperCase().replaceAll(/[-\s]/g, '');
  return CODE.test(code) ? `${code.slice(0, 4)}-${code.slice(4)}` : undefined;
}
