/** Compares with Presidio's recognizers, on generated texts: some pass the checks, most do not. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { run } from '#lib/process.ts';
import { pythonEnvironment } from '../../../../../tools/python-env.mjs';
import { EXAMPLES } from './corpus.testing.ts';
import { findInText } from './find-in-text.ts';

const folder = fileURLToPath(new URL('../../../../../conformance/presidio/', import.meta.url));

/** Formats of an entity: `9` any digit, `A` any capital, `h` a hexadecimal digit; everything else is literal. */
const FORMS: Readonly<Record<string, readonly string[]>> = {
  CREDIT_CARD: ['4999999999999999', '5199 9999 9999 9999', '379999999999999', '6011-9999-9999-9999'],
  IBAN_CODE: ['DE99 9999 9999 9999 9999 99', 'GB99AAAA99999999999999', 'NL99AAAA9999999999'],
  EMAIL_ADDRESS: ['AAA.AA@example.com', 'A9+tag@mail.example.org', 'A@A', 'AAA@example.invalidd', '@AAA.com'],
  IP_ADDRESS: ['99.99.9.9', '199.299.9.99', '2001:db8::hhhh:hh:hhhh', '1.2.3', '9.9.9.9.9'],
  MAC_ADDRESS: ['hh:hh:hh:hh:hh:hh', 'hh-hh-hh-hh-hh-hh', 'hhhh.hhhh.hhhh', 'hh:hh-hh:hh:hh:hh'],
  CRYPTO: ['1AAAA9AAAA9AAAA9AAAA9AAAA9AAAA9AAA', 'bc1qhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh'],
  US_SSN: ['999-99-9999', '000-99-9999', '999-00-9999', '666-99-9999'],
  US_ITIN: ['999-79-9999', '999-93-9999', '999-66-9999'],
  US_NPI: ['1999999999', '2999999999', '3999999999'],
  UK_NHS: ['999 999 9999', '9999999999'],
  UK_NINO: ['AA 99 99 99 A', 'AA999999A', 'BG 99 99 99 A'],
  DE_TAX_ID: ['12345678999', '86095742799', '99999999999'],
  ES_NIF: ['99999999A'],
  ES_NIE: ['X9999999A', 'Y9999999A'],
  IT_FISCAL_CODE: ['AAAAAA99A99A999A', 'RSSMRA85T10A562A'],
  IN_AADHAAR: ['999999999999', '9999 9999 9999'],
  IN_PAN: ['AAAPA9999A', 'AAACA9999A'],
  PL_PESEL: ['44051499999', '99999999999'],
  AU_ABN: ['99 999 999 999', '99999999999'],
  AU_TFN: ['999 999 999', '999999999'],
  AU_MEDICARE: ['2999 99999 9', '2999999999'],
  SE_PERSONNUMMER: ['811218-9999', '19811218-9999', '991399-9999'],
  FI_PERSONAL_IDENTITY_CODE: ['131052-999A', '131052-9999', '999999-999A'],
  CA_SIN: ['199 999 999', '199999999'],
  ZA_ID_NUMBER: ['8001019999089', '9999999999999'],
  TR_NATIONAL_ID: ['19999999999', '99999999999'],
  KR_RRN: ['960121-1999999', '999999-1999999'],
};

/** Presidio keeps matches that fail the check with lower confidence: the comparison uses those that passed. */
const CHECKED: ReadonlySet<string> = new Set(['IT_FISCAL_CODE', 'KR_RRN']);

/** Entities in which both differ, in what share of these texts at most, and why. In all others they never do. */
const DIFFERENCES: Readonly<Record<string, readonly [atMost: number, why: string]>> = {
  EMAIL_ADDRESS: [0.21, 'they want a public suffix; addresses of a company’s own network are personal too'],
  IP_ADDRESS: [0.21, 'they find `1.2.3.4` in `1.2.3.4.5`; addresses of this machine are nobody’s'],
  CRYPTO: [0.01, 'they do not know Ethereum'],
  US_SSN: [0.03, 'they take numbers from 900 on, which were never given'],
  DE_TAX_ID: [0.1, 'they let several digits stand twice, which is never given'],
  IT_FISCAL_CODE: [0.03, 'they want consonants of a name before its vowels'],
  AU_ABN: [0.01, 'they take a leading zero, which is never given'],
  SE_PERSONNUMMER: [0.03, 'they take people born in the 15th century'],
  KR_RRN: [0.05, 'they take the place of birth into account'],
};

/** Texts of each form. */
const EACH = 250;

/** The same in every run. */
function* randomBelow(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    yield state / 4_294_967_296;
  }
}

function textsOf(entity: string, forms: readonly string[]): readonly string[] {
  const numbers = randomBelow(entity.length * 7919 + 1);
  const one = (from: string) => from[Math.floor(numbers.next().value * from.length)] ?? '';
  const made = forms.flatMap((form) =>
    Array.from({ length: EACH }, () =>
      form.replaceAll(/[9Ah]/g, (sign) =>
        one({ '9': '0123456789', A: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', h: '0123456789abcdef' }[sign] ?? ''),
      ),
    ),
  );
  return [...(EXAMPLES[entity] ?? []), ...made];
}

test('both agree on candidates', { timeout: 240_000 }, async () => {
  const python = join(await pythonEnvironment('presidio', join(folder, 'requirements.txt')), 'bin', 'python');
  const requests = Object.entries(FORMS).flatMap(([entity, forms]) =>
    textsOf(entity, forms).map((text) => ({ entity, text })),
  );
  const end = await run(python, ['-W', 'ignore', join(folder, 'results.py')], {
    env: { PATH: '/usr/bin:/bin', LANG: 'C.UTF-8', HOME: '/nonexistent' },
    input: requests.map((question) => `${JSON.stringify(question)}\n`).join(''),
    timeoutMs: 200_000,
    maxOutputBytes: 8 << 20,
  });
  expect({ code: end.code, stderr: end.stderr.slice(-2000) }).toMatchObject({ code: 0 });
  const theirs = end.stdout
    .toString('utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { found: boolean; checked: boolean });
  expect(theirs).toHaveLength(requests.length);
  const table = Object.keys(FORMS).map((entity) => {
    const rows = requests.flatMap((question, at) =>
      question.entity === entity
        ? [
            {
              text: question.text,
              ours: findInText(question.text).some((one) => one.entity === entity),
              theirs: CHECKED.has(entity) ? theirs[at]?.checked : theirs[at]?.found,
            },
          ]
        : [],
    );
    const differ = rows.filter(({ ours, theirs: other }) => ours !== other);
    return {
      entity,
      texts: rows.length,
      both: rows.filter(({ ours, theirs: other }) => ours && other).length,
      differ: differ.length,
      share: differ.length / rows.length,
      examples: differ.slice(0, 4).map(({ text, ours }) => `${text} ${ours ? 'only ours' : 'only theirs'}`),
    };
  });
  const unexpected = table.filter(({ entity, share }) => share > (DIFFERENCES[entity]?.[0] ?? 0));
  expect(unexpected).toEqual([]);
  // Both find something of everything: a comparison of nothing would agree too.
  expect(table.filter(({ both }) => both === 0).map(({ entity }) => entity)).toEqual([]);
});
