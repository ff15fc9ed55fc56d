import { createHash } from 'node:crypto';
import validator from 'validator';
import { luhn } from './checksums.ts';
import type { Detector } from './detector.ts';

/** Issuer identification numbers in use (ISO/IEC 7812) with the lengths of their numbers; 4111… is a Visa. */
const ISSUERS: readonly (readonly [RegExp, readonly number[]])[] = [
  [/^4/, [13, 16, 19]],
  [/^(5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, [16]],
  [/^3[47]/, [15]],
  [/^3(0[0-59]|[689])/, [14, 16, 17, 18, 19]],
  [/^(6011|64[4-9]|65)/, [16, 17, 18, 19]],
  [/^35(2[89]|[3-8])/, [16, 17, 18, 19]],
  [/^62/, [16, 17, 18, 19]],
  [/^(5018|5020|5038|5[678]|6304|6759|676[1-3])/, [12, 13, 14, 15, 16, 17, 18, 19]],
];

function isCard(candidate: string): boolean {
  const digits = candidate.replaceAll(/[ -]/g, '');
  const issued = ISSUERS.some(([prefix, lengths]) => prefix.test(digits) && lengths.includes(digits.length));
  return issued && luhn(digits) && !/^(\d)\1+$/.test(digits);
}

const BASE58 = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz';

/** Base58Check: a version byte, 20 bytes, and four bytes of a double SHA-256 over them. */
function isBase58Address(text: string): boolean {
  let number = 0n;
  for (const letter of text) {
    const digit = BASE58.indexOf(letter);
    if (digit < 0) return false;
    number = number * 58n + BigInt(digit);
  }
  const hex = number.toString(16);
  if (hex.length > 50) return false;
  const bytes = Buffer.from(hex.padStart(50, '0'), 'hex');
  const sha = (part: Uint8Array) => createHash('sha256').update(part).digest();
  return sha(sha(bytes.subarray(0, 21)))
    .subarray(0, 4)
    .equals(bytes.subarray(21));
}

const BECH32 = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const GENERATOR = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];
/** BIP 173 ends with 1, BIP 350 with this. */
const BECH32M = 0x2bc830a3;

function isBech32Address(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower !== text && text.toUpperCase() !== text) return false;
  const data = Array.from(lower.slice(3), (letter) => BECH32.indexOf(letter));
  if (data.includes(-1)) return false;
  // The prefix `bc`, spread out: high bits, 0, low bits.
  const values = [3, 3, 0, 2, 3, ...data];
  let check = 1;
  for (const value of values) {
    const top = check >>> 25;
    check = ((check & 0x1ffffff) << 5) ^ value;
    for (const [bit, factor] of GENERATOR.entries()) if (((top >>> bit) & 1) === 1) check ^= factor;
  }
  return check >>> 0 === 1 || check >>> 0 === BECH32M;
}

export const paymentDetectors: readonly Detector[] = [
  {
    entity: 'CREDIT_CARD',
    patterns: [{ expression: /(?<![\d.-])\d{4}(?:[ -]?\d){8,15}(?![\d-]|\.\d)/g, strength: 0.8 }],
    verify: isCard,
    // Of random numbers with a known prefix.
    chance: 0.1,
    digits: 12,
    words: [
      'card',
      'credit card',
      'card number',
      'pan',
      'cc',
      'visa',
      'mastercard',
      'amex',
      'kreditkarte',
      'carte bancaire',
      'tarjeta',
    ],
  },
  {
    entity: 'IBAN_CODE',
    patterns: [
      { expression: /(?<![A-Za-z\d])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z\d]){11,30}(?![A-Za-z\d])/g, strength: 0.99 },
    ],
    verify: (text) => validator.isIBAN(text.replaceAll(/[ -]/g, '').toUpperCase()),
    chance: 1 / 97,
    digits: 4,
    words: ['iban', 'bank account', 'account number', 'konto', 'kontonummer'],
  },
  {
    entity: 'CRYPTO',
    patterns: [
      { expression: /(?<![A-Za-z\d])[13][1-9A-HJ-NP-Za-km-z]{25,34}(?![A-Za-z\d])/g, strength: 0.99 },
      { expression: /(?<![A-Za-z\d])(?:bc1|BC1)[A-Za-z\d]{11,71}(?![A-Za-z\d])/g, strength: 0.99 },
      { expression: /(?<![A-Za-z\d])0x[\dA-Fa-f]{40}(?![A-Za-z\d])/g, strength: 0.7 },
    ],
    verify: (text) => text.startsWith('0x') || (/^bc1/i.test(text) ? isBech32Address(text) : isBase58Address(text)),
    chance: 0,
    digits: 1,
    words: ['wallet', 'bitcoin', 'btc', 'crypto', 'ethereum', 'eth address'],
  },
];
