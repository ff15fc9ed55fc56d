/** National identification numbers. Each rule is the one that the authority publishes. */
import { isDay, luhn, mod11And10, verhoeff, weightedSum } from './checksums.ts';
import type { Detector } from './detector.ts';

interface NationalId {
  readonly entity: string;
  /** The pattern, between characters that are not part of it; case-insensitive. */
  readonly shape: string;
  readonly strength: number;
  /** Additional formats that are less specific. */
  readonly plain?: { readonly shape: string; readonly strength: number };
  /** Of the candidate without separators, in capitals. */
  readonly verify: (text: string) => boolean;
  readonly chance: number;
  readonly words: readonly string[];
}

const number = (text: string, from: number, to?: number) => Number(text.slice(from, to));
const allAlike = (text: string) => /^(\d)\1+$/.test(text);

/** The check digit of mod 11; `undefined` for the rest that has none. */
function elevenMinus(sum: number): number | undefined {
  const check = (11 - (sum % 11)) % 11;
  return check === 10 ? undefined : check;
}

function isSsn(text: string): boolean {
  const [area, group, serial] = [text.slice(0, 3), text.slice(3, 5), text.slice(5)];
  if (area === '000' || area === '666' || area.startsWith('9') || group === '00' || serial === '0000') return false;
  // Numbers from advertisements, which belong to no person.
  return !allAlike(text) && text !== '078051120' && text !== '219099999' && text !== '123456789';
}

function isItin(text: string): boolean {
  const group = number(text, 3, 5);
  return (
    text.startsWith('9') && ((group >= 50 && group <= 65) || (group >= 70 && group <= 99 && ![89, 93].includes(group)))
  );
}

function isPesel(text: string): boolean {
  const month = number(text, 2, 4);
  const sum = weightedSum(text, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]);
  return (10 - (sum % 10)) % 10 === Number(text[10]) && isDay(number(text, 0, 2), month % 20, number(text, 4, 6));
}

function isCpf(text: string): boolean {
  if (allAlike(text)) return false;
  const digit = (length: number) => {
    const sum = weightedSum(
      text,
      Array.from({ length }, (_, at) => length + 1 - at),
    );
    return ((sum * 10) % 11) % 10;
  };
  return digit(9) === Number(text[9]) && digit(10) === Number(text[10]);
}

function isInsee(text: string): boolean {
  const digits = text.replace('2A', '19').replace('2B', '18');
  if (!/^[12478]\d{14}$/.test(digits)) return false;
  return 97 - Number(BigInt(digits.slice(0, 13)) % 97n) === number(digits, 13);
}

function isPersonnummer(text: string): boolean {
  const digits = text.slice(-10);
  // From 61 on, the day marks a person who is not registered.
  return luhn(digits) && isDay(number(digits, 0, 2), number(digits, 2, 4), number(digits, 4, 6) % 60);
}

function isSteuerId(text: string): boolean {
  const counts = new Map<string, number>();
  for (const digit of text.slice(0, 10)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  const most = Math.max(...counts.values());
  // Among the first ten digits, one occurs two or three times, and the others at most once.
  return [...counts.values()].filter((count) => count > 1).length === 1 && most <= 3 && mod11And10(text);
}

const FISCAL_ODD = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];

/** Letters that replace digits where two people would have the same code. */
const OMOCODIA = 'LMNPQRSTUV';

function isFiscalCode(text: string): boolean {
  const digits = text.slice(9, 11).replaceAll(/[A-Z]/g, (letter) => String(OMOCODIA.indexOf(letter)));
  // Of women 40 more.
  const day = Number(digits) > 40 ? Number(digits) - 40 : Number(digits);
  if (day < 1 || day > 31) return false;
  const sum = text
    .slice(0, 15)
    .split('')
    .reduce((total, letter, at) => {
      const code = /\d/.test(letter) ? Number(letter) : letter.charCodeAt(0) - 65;
      return total + (at % 2 === 0 ? (FISCAL_ODD[code] ?? 0) : code);
    }, 0);
  return String.fromCharCode(65 + (sum % 26)) === text[15];
}

function isFnr(text: string): boolean {
  const first = elevenMinus(weightedSum(text, [3, 7, 6, 1, 8, 9, 4, 5, 2]));
  const second = elevenMinus(weightedSum(text, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2]));
  return (
    first === Number(text[9]) &&
    second === Number(text[10]) &&
    isDay(number(text, 4, 6), number(text, 2, 4) % 40, number(text, 0, 2) % 40)
  );
}

function isTurkish(text: string): boolean {
  const digits = Array.from(text, Number);
  const odd = weightedSum(text, [1, 0, 1, 0, 1, 0, 1, 0, 1]);
  const even = weightedSum(text, [0, 1, 0, 1, 0, 1, 0, 1]);
  const tenth = (((odd * 7 - even) % 10) + 10) % 10;
  return tenth === digits[9] && digits.slice(0, 10).reduce((sum, digit) => sum + digit, 0) % 10 === digits[10];
}

function isNric(text: string): boolean {
  const offset = { S: 0, F: 0, T: 4, G: 4, M: 3 }[text.slice(0, 1)] ?? 0;
  const rest = (weightedSum(text.slice(1), [2, 7, 6, 5, 4, 3, 2]) + offset) % 11;
  const letters = /^[ST]/.test(text) ? 'JZIHGFEDCBA' : text.startsWith('M') ? 'KLJNPQRTUWX' : 'XWUTRQPNMLK';
  const at = text.startsWith('M') ? 10 - rest : rest;
  return letters[at] === text[8];
}

const IDS: readonly NationalId[] = [
  {
    entity: 'US_SSN',
    shape: '\\d{3}([- .])\\d{2}\\1\\d{4}',
    strength: 0.7,
    plain: { shape: '\\d{9}', strength: 0.2 },
    verify: isSsn,
    chance: 0,
    words: ['ssn', 'social security', 'social security number'],
  },
  {
    entity: 'US_ITIN',
    shape: '9\\d{2}([- ])\\d{2}\\1\\d{4}',
    strength: 0.7,
    plain: { shape: '9\\d{8}', strength: 0.2 },
    verify: isItin,
    chance: 0,
    words: ['itin', 'taxpayer id', 'individual taxpayer'],
  },
  {
    entity: 'US_NPI',
    shape: '[12]\\d{9}',
    strength: 0.6,
    verify: (text) => luhn(`80840${text}`),
    chance: 0.1,
    words: ['npi', 'national provider', 'provider id'],
  },
  {
    entity: 'UK_NHS',
    shape: '\\d{3}[ -]?\\d{3}[ -]?\\d{4}',
    strength: 0.65,
    verify: (text) =>
      !allAlike(text) && elevenMinus(weightedSum(text, [10, 9, 8, 7, 6, 5, 4, 3, 2])) === Number(text[9]),
    chance: 1 / 11,
    words: ['nhs', 'nhs number', 'national health'],
  },
  {
    entity: 'UK_NINO',
    shape: '(?!BG|GB|NK|KN|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\\d{2} ?\\d{2} ?\\d{2} ?[A-D]',
    strength: 0.85,
    verify: () => true,
    chance: 0,
    words: ['nino', 'national insurance', 'ni number'],
  },
  {
    entity: 'DE_TAX_ID',
    shape: '[1-9]\\d[ ]?\\d{3}[ ]?\\d{3}[ ]?\\d{3}',
    strength: 0.75,
    verify: isSteuerId,
    chance: 0.03,
    words: ['steuer id', 'steuerid', 'steuernummer', 'idnr', 'tin', 'tax id'],
  },
  {
    entity: 'ES_NIF',
    shape: '\\d{8}-?[A-HJ-NP-TV-Z]',
    strength: 0.9,
    verify: (text) => 'TRWAGMYFPDXBNJZSQVHLCKE'[number(text, 0, 8) % 23] === text[8],
    chance: 1 / 23,
    words: ['nif', 'dni'],
  },
  {
    entity: 'ES_NIE',
    shape: '[XYZ]-?\\d{7}-?[A-HJ-NP-TV-Z]',
    strength: 0.9,
    verify: (text) =>
      'TRWAGMYFPDXBNJZSQVHLCKE'[Number(`${'XYZ'.indexOf(text.slice(0, 1))}${text.slice(1, 8)}`) % 23] === text[8],
    chance: 1 / 23,
    words: ['nie'],
  },
  {
    entity: 'IT_FISCAL_CODE',
    shape: '[A-Z]{6}[\\dLMNPQRSTUV]{2}[ABCDEHLMPRST][\\dLMNPQRSTUV]{2}[A-Z][\\dLMNPQRSTUV]{3}[A-Z]',
    strength: 0.95,
    verify: isFiscalCode,
    chance: 1 / 26,
    words: ['codice fiscale', 'fiscal code', 'cf'],
  },
  {
    entity: 'IN_AADHAAR',
    shape: '[2-9]\\d{3}([ :-]?)\\d{4}\\1\\d{4}',
    strength: 0.7,
    verify: (text) => verhoeff(text) && text.split('').reverse().join('') !== text,
    chance: 0.1,
    words: ['aadhaar', 'aadhar', 'uidai'],
  },
  {
    entity: 'IN_PAN',
    shape: '[A-Z]{3}[ABCFGHJLPT][A-Z]\\d{4}[A-Z]',
    strength: 0.75,
    verify: () => true,
    chance: 0,
    words: ['pan', 'permanent account'],
  },
  { entity: 'PL_PESEL', shape: '\\d{11}', strength: 0.8, verify: isPesel, chance: 0.03, words: ['pesel'] },
  {
    entity: 'FR_INSEE',
    shape: '[12478] ?\\d{2} ?\\d{2} ?(?:\\d{2}|2[AB]) ?\\d{3} ?\\d{3} ?\\d{2}',
    strength: 0.95,
    verify: isInsee,
    chance: 1 / 97,
    words: ['insee', 'nir', 'securite sociale', 'numero de securite sociale'],
  },
  {
    entity: 'AU_TFN',
    shape: '\\d{3} ?\\d{3} ?\\d{3}',
    strength: 0.5,
    verify: (text) => !allAlike(text) && weightedSum(text, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 === 0,
    chance: 1 / 11,
    words: ['tfn', 'tax file number'],
  },
  {
    entity: 'AU_ABN',
    shape: '[1-9]\\d ?\\d{3} ?\\d{3} ?\\d{3}',
    strength: 0.8,
    verify: (text) => (weightedSum(text, [10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19]) - 10) % 89 === 0,
    chance: 1 / 89,
    words: ['abn', 'business number'],
  },
  {
    entity: 'AU_MEDICARE',
    shape: '[2-6]\\d{3} ?\\d{5} ?\\d',
    strength: 0.55,
    verify: (text) => weightedSum(text, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 === Number(text[8]),
    chance: 0.1,
    words: ['medicare'],
  },
  {
    entity: 'BR_CPF',
    shape: '\\d{3}\\.?\\d{3}\\.?\\d{3}-?\\d{2}',
    strength: 0.9,
    verify: isCpf,
    chance: 0.01,
    words: ['cpf'],
  },
  {
    entity: 'NL_BSN',
    shape: '\\d{9}',
    strength: 0.5,
    verify: (text) => !allAlike(text) && weightedSum(text, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 === 0,
    chance: 1 / 11,
    words: ['bsn', 'burgerservicenummer', 'sofinummer'],
  },
  {
    entity: 'SE_PERSONNUMMER',
    shape: '(?:19|20)?\\d{6}[-+]?\\d{4}',
    strength: 0.8,
    verify: isPersonnummer,
    chance: 0.01,
    words: ['personnummer', 'personal number', 'samordningsnummer'],
  },
  {
    entity: 'FI_PERSONAL_IDENTITY_CODE',
    shape: '\\d{6}[-+A-FU-Y]\\d{3}[\\dA-FHJ-NPR-Y]',
    strength: 0.95,
    verify: (text) =>
      isDay(number(text, 4, 6), number(text, 2, 4), number(text, 0, 2)) &&
      '0123456789ABCDEFHJKLMNPRSTUVWXY'[Number(text.slice(0, 6) + text.slice(-4, -1)) % 31] === text.at(-1),
    chance: 1 / 31,
    words: ['hetu', 'henkilotunnus'],
  },
  {
    entity: 'NO_FODSELSNUMMER',
    shape: '\\d{6} ?\\d{5}',
    strength: 0.9,
    verify: isFnr,
    chance: 0.001,
    words: ['fodselsnummer', 'fnr'],
  },
  {
    entity: 'BE_NATIONAL_NUMBER',
    shape: '\\d{2}\\.?\\d{2}\\.?\\d{2}-?\\d{3}\\.?\\d{2}',
    strength: 0.85,
    verify: (text) => {
      const key = number(text, 9);
      // From 2000 on a 2 precedes the number.
      return (
        (key === 97 - (number(text, 0, 9) % 97) || key === 97 - (Number(`2${text.slice(0, 9)}`) % 97)) &&
        number(text, 2, 4) % 20 <= 12
      );
    },
    chance: 0.02,
    words: ['rijksregisternummer', 'registre national', 'national number'],
  },
  {
    entity: 'CH_AHV',
    shape: '756\\.?\\d{4}\\.?\\d{4}\\.?\\d{2}',
    strength: 0.95,
    verify: (text) => weightedSum(text, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 === 0,
    chance: 0.1,
    words: ['ahv', 'avs', 'ahv nummer'],
  },
  {
    entity: 'CA_SIN',
    shape: '[1-9]\\d{2}([- ]?)\\d{3}\\1\\d{3}',
    strength: 0.5,
    verify: (text) => luhn(text) && !allAlike(text),
    chance: 0.1,
    words: ['sin', 'social insurance'],
  },
  {
    entity: 'ZA_ID_NUMBER',
    shape: '\\d{10}[012]\\d{2}',
    strength: 0.85,
    verify: (text) => luhn(text) && isDay(number(text, 0, 2), number(text, 2, 4), number(text, 4, 6)),
    chance: 0.004,
    words: ['id number', 'sa id'],
  },
  {
    entity: 'TR_NATIONAL_ID',
    shape: '[1-9]\\d{10}',
    strength: 0.9,
    verify: isTurkish,
    chance: 0.01,
    words: ['tc kimlik', 'tckn'],
  },
  {
    entity: 'SG_NRIC_FIN',
    shape: '[STFGM]\\d{7}[A-Z]',
    strength: 0.9,
    verify: isNric,
    chance: 1 / 26,
    words: ['nric', 'fin'],
  },
  {
    entity: 'KR_RRN',
    shape: '\\d{6}-?[1-8]\\d{6}',
    strength: 0.8,
    verify: (text) =>
      (11 - (weightedSum(text, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11)) % 10 === Number(text[12]) &&
      isDay(number(text, 0, 2), number(text, 2, 4), number(text, 4, 6)),
    chance: 0.004,
    words: ['rrn', 'resident registration'],
  },
  {
    entity: 'CN_RESIDENT_ID',
    shape: '[1-9]\\d{16}[\\dX]',
    strength: 0.95,
    verify: (text) =>
      '10X98765432'[weightedSum(text, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]) % 11] === text[17] &&
      isDay(number(text, 6, 10), number(text, 10, 12), number(text, 12, 14)),
    chance: 0.003,
    words: ['resident id', 'shenfenzheng', 'id card'],
  },
];

/** Letters and digits, and signs that would make it part of something longer. */
const BEFORE = '(?<![\\p{L}\\p{N}_-]|\\d[.,])';
const AFTER = '(?![\\p{L}\\p{N}_]|[-.,]\\d)';

const expressionOf = (shape: string) => new RegExp(`${BEFORE}(?:${shape})${AFTER}`, 'giu');

export const nationalIdDetectors: readonly Detector[] = IDS.map(
  ({ entity, shape, strength, plain, verify, chance, words }) => ({
    entity,
    patterns: [
      { expression: expressionOf(shape), strength },
      ...(plain === undefined ? [] : [{ expression: expressionOf(plain.shape), strength: plain.strength }]),
    ],
    verify: (candidate) => verify(candidate.replaceAll(/[ .:+-]/g, '').toUpperCase()),
    chance,
    digits: 4,
    words,
  }),
);
