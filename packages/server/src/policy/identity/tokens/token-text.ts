/**
 * The text of a token: `dais_pat_` (personal), `dais_sat_` (service account), `dais_ses_` (sign-in on the command line)
 * or `dais_run_` (step), 30 random base62 characters (178.6 bits) and 6 characters of their CRC-32. With the checksum,
 * secret scanners and the server recognize tokens without a query.
 */
import { crc32 } from 'node:zlib';
import type { RandomSource } from '#lib/crypto/digests.ts';

export const tokenForms = ['pat', 'sat', 'ses'] as const;
export type TokenForm = (typeof tokenForms)[number];
/** The token of a running step; it has no name and is not listed. */
export const STEP_FORM = 'run';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const RANDOM_CHARACTERS = 30;
const TOKEN = /^dais_(pat|sat|ses|run)_([0-9A-Za-z]{30})([0-9A-Za-z]{6})$/;
/** The largest multiple of 62 that fits a byte: bytes above would make some characters likelier than others. */
const FAIR_BELOW = 248;

export function makeTokenText(form: TokenForm | typeof STEP_FORM, random: RandomSource): string {
  let body = '';
  while (body.length < RANDOM_CHARACTERS) {
    for (const byte of random(RANDOM_CHARACTERS)) {
      if (byte < FAIR_BELOW && body.length < RANDOM_CHARACTERS) body += ALPHABET[byte % 62];
    }
  }
  return `dais_${form}_${body}${checksum(body)}`;
}

/** Which form of token a text is; undefined when it is none. */
export function tokenForm(text: string): TokenForm | typeof STEP_FORM | undefined {
  const match = TOKEN.exec(text);
  if (match === null || checksum(match[2] ?? '') !== match[3]) return undefined;
  return match[1] as TokenForm | typeof STEP_FORM;
}

function checksum(body: string): string {
  let rest = crc32(body);
  let text = '';
  for (let index = 0; index < 6; index++) {
    text = (ALPHABET[rest % 62] ?? '') + text;
    rest = Math.floor(rest / 62);
  }
  return text;
}
