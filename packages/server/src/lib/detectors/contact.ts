import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';
import validator from 'validator';
import type { Detector } from './detector.ts';

/** Countries whose national format is tried for numbers without a country code. */
const REGIONS: readonly CountryCode[] = ['US', 'GB', 'DE', 'FR', 'IN', 'BR', 'ES', 'IT', 'NL', 'AU'];

/** Returns whether digits and separators form a possible phone number. */
function isPhone(candidate: string): boolean {
  const text = candidate.trim();
  if (text.startsWith('+') || text.startsWith('00')) {
    return parsePhoneNumberFromString(text.replace(/^00/, '+'))?.isValid() === true;
  }
  // Without separators it could be any number: the name of the column must indicate a phone number.
  return REGIONS.some((region) => parsePhoneNumberFromString(text, region)?.isValid() === true);
}

export const contactDetectors: readonly Detector[] = [
  {
    entity: 'EMAIL_ADDRESS',
    patterns: [
      {
        expression:
          /(?<![\w.+%-])[\w+%'-](?:[\w.+%'-]{0,62}[\w+%'-])?@(?:[A-Za-z\d](?:[A-Za-z\d-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![\w-])/g,
        strength: 0.95,
      },
    ],
    verify: (text) => validator.isEmail(text),
    chance: 0,
    digits: 0,
    words: ['email', 'e mail', 'mail', 'email address', 'correo', 'courriel'],
  },
  {
    entity: 'PHONE_NUMBER',
    patterns: [
      { expression: /(?<![\w+])\+[1-9](?:[ ()./-]{0,2}\d){6,14}(?!\d)/g, strength: 0.8 },
      { expression: /(?<![\w+])00[1-9](?:[ ()./-]{0,2}\d){6,14}(?!\d)/g, strength: 0.45 },
      {
        expression: /(?<![\w+.])\(?\d{2,5}\)?[ ./-]{1,2}\d{2,4}(?:[ .-]?\d{2,4}){1,3}(?![\d]|[.-]\d)/g,
        strength: 0.45,
      },
      { expression: /(?<![\w+.-])\d{10,11}(?![\d]|[.-]\d)/g, strength: 0.2 },
    ],
    verify: isPhone,
    // Recognized by its format, not by a check digit.
    chance: 0,
    digits: 7,
    words: [
      'phone',
      'telephone',
      'tel',
      'mobile',
      'cell',
      'cellphone',
      'fax',
      'msisdn',
      'telefon',
      'handy',
      'telefono',
      'portable',
    ],
  },
  {
    entity: 'URL',
    // A URL alone identifies no person: below the threshold unless the column name indicates a personal page.
    patterns: [{ expression: /\b(?:https?|ftp):\/\/[^\s"'<>]{3,2000}/gi, strength: 0.3 }],
    chance: 0,
    digits: 0,
    words: ['profile', 'homepage', 'linkedin', 'personal website'],
  },
];
