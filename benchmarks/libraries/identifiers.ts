/** Numbers of people in data: national identity numbers, IBAN, email addresses. A scan verifies each candidate of a column. */
import validator from 'validator';
import { EXAMPLES } from '../../packages/server/src/lib/detectors/corpus.testing.ts';
import { nationalIdDetectors } from '../../packages/server/src/lib/detectors/national-ids.ts';
import type { Candidates } from './candidates.ts';
import { compare } from './compare.ts';

interface Validator {
  readonly validate: (text: string) => { readonly isValid: boolean };
}

interface Stdnum {
  readonly stdnum: Readonly<Record<string, Readonly<Record<string, Validator>>>>;
}

/** Names in stdnum: country and number. */
const NAMES: Readonly<Record<string, readonly [country: string, number: string]>> = {
  US_SSN: ['US', 'ssn'],
  US_ITIN: ['US', 'itin'],
  US_NPI: ['US', 'npi'],
  UK_NHS: ['GB', 'nhs'],
  UK_NINO: ['GB', 'nino'],
  DE_TAX_ID: ['DE', 'idnr'],
  ES_NIF: ['ES', 'dni'],
  ES_NIE: ['ES', 'nie'],
  IT_FISCAL_CODE: ['IT', 'codicefiscale'],
  IN_AADHAAR: ['IN', 'aadhaar'],
  IN_PAN: ['IN', 'pan'],
  PL_PESEL: ['PL', 'pesel'],
  FR_INSEE: ['FR', 'nir'],
  AU_TFN: ['AU', 'tfn'],
  AU_ABN: ['AU', 'abn'],
  AU_MEDICARE: ['AU', 'medicare'],
  BR_CPF: ['BR', 'cpf'],
  NL_BSN: ['NL', 'bsn'],
  SE_PERSONNUMMER: ['SE', 'personnummer'],
  FI_PERSONAL_IDENTITY_CODE: ['FI', 'hetu'],
  NO_FODSELSNUMMER: ['NO', 'fodselsnummer'],
  BE_NATIONAL_NUMBER: ['BE', 'nn'],
  ZA_ID_NUMBER: ['ZA', 'idnr'],
  CH_AHV: ['CH', 'ssn'],
  CA_SIN: ['CA', 'sin'],
  TR_NATIONAL_ID: ['TR', 'tckimlik'],
  SG_NRIC_FIN: ['SG', 'nric'],
  KR_RRN: ['KR', 'rrn'],
  CN_RESIDENT_ID: ['CN', 'ric'],
};

export async function compareIdentifiers(candidates: Candidates): Promise<void> {
  console.log(` ${candidates.facts('stdnum')}`);
  const library = await candidates.load<Stdnum>('stdnum');
  const find = (entity: string): Validator | undefined => {
    const [country, number] = NAMES[entity] ?? [];
    const found = Object.entries(library?.stdnum[country ?? ''] ?? {});
    return found.find(([name]) => name.toLowerCase() === number)?.[1];
  };
  const missing: string[] = [];
  const ours: (() => void)[] = [];
  const theirs: (() => void)[] = [];
  for (const { entity, verify } of nationalIdDetectors) {
    if (verify === undefined) continue;
    const texts = variants(EXAMPLES[entity] ?? []);
    ours.push(() => texts.forEach((text) => verify(text)));
    const other = find(entity);
    if (other === undefined) {
      missing.push(entity);
      continue;
    }
    theirs.push(() => texts.forEach((text) => other.validate(text).isValid));
    const refused = texts.filter((text) => verify(text) && !other.validate(text).isValid);
    const accepted = texts.filter((text) => !verify(text) && other.validate(text).isValid);
    if (refused.length + accepted.length === 0) continue;
    const examples = [...refused.slice(0, 2), ...accepted.slice(0, 2)].join(', ');
    console.log(
      `  ${entity}: of ${texts.length} texts, ${refused.length} valid for us alone and ${accepted.length} for stdnum alone (${examples})`,
    );
  }
  if (library !== undefined) console.log(`  not in stdnum: ${missing.join(', ') || 'none'}`);
  await compare(
    `candidates of ${ours.length} identity numbers, ${theirs.length} with stdnum, all examples and their variants`,
    () => ours.forEach((work) => work()),
    library && (() => theirs.forEach((work) => work())),
    'stdnum',
  );
  const ibans = variants(EXAMPLES['IBAN_CODE'] ?? []).map((text) => text.replaceAll(' ', ''));
  const iban = Object.entries(library?.stdnum['GENERIC'] ?? library?.stdnum['XX'] ?? {}).find(
    ([name]) => name === 'iban',
  )?.[1];
  await compare(
    `${ibans.length} candidates of IBAN (validator)`,
    () => ibans.forEach((text) => validator.isIBAN(text)),
    iban && (() => ibans.forEach((text) => iban.validate(text).isValid)),
    'stdnum',
  );
  const mails = EXAMPLES['EMAIL_ADDRESS'] ?? [];
  await compare(
    `${mails.length} candidates of email addresses (validator)`,
    () => mails.forEach((text) => validator.isEmail(text)),
    undefined,
  );
}

/** Each text, and each with one other digit. */
function variants(texts: readonly string[]): string[] {
  return texts.flatMap((text) => [
    text,
    ...Array.from(text).flatMap((sign, at) =>
      /\d/.test(sign)
        ? [1, 3, 7].map((more) => text.slice(0, at) + String((Number(sign) + more) % 10) + text.slice(at + 1))
        : [],
    ),
  ]);
}
