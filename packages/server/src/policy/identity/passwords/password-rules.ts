/** What a password must not be: short, known to everybody, or the person's own name (NIST SP 800-63B §5.1.1.2). */
import { DaisError, type Issue } from '@dais/api';
import { normalized } from '#policy/identity/passwords/password-hash.ts';

const SHORTEST = 12;
const LONGEST = 1024;

/** The most common leaked passwords, reduced to their letters: an appended number does not make them rare. */
const COMMON = new Set(
  (
    'password passw passwordpassword mypassword thepassword qwerty qwertyuiop qwertyqwerty qwertyuiopasdfghjkl asdfghjkl ' +
    'asdfghjklzxcvbnm zxcvbnm letmein letmeinletmein welcome welcomewelcome iloveyou iloveyouiloveyou administrator admin ' +
    'adminadmin changeme changemechangeme secret secretsecret dragon monkey sunshine princess football baseball superman ' +
    'batman trustno master shadow michael jennifer computer internet whatever starwars abc abcabc abcdef abcdefgh abcdefghijkl ' +
    'abcdefghijklmnopqrstuvwxyz correcthorsebatterystaple dais daisdais default guest root rootroot test testtest user login'
  ).split(' '),
);

/** @throws DaisError `invalid_request` with everything that is wrong; never repeats the password. */
export function checkNewPassword(password: string, person: { readonly name: string; readonly email: string }): void {
  const issues = problemsOf(normalized(password), password.length, person).map((message): Issue => ({
    path: 'password',
    message,
    expected: `at least ${SHORTEST} characters that are hard to guess`,
  }));
  if (issues.length === 0) return;
  throw new DaisError('invalid_request', `The password ${issues.map((issue) => issue.message).join(', and it ')}.`, {
    issues,
  });
}

function problemsOf(
  password: string,
  length: number,
  person: { readonly name: string; readonly email: string },
): string[] {
  // Characters as people count them, so that twelve of any script are twelve.
  const characters = [...new Intl.Segmenter().segment(password)].length;
  const lower = password.toLowerCase();
  const own = [person.name, person.email, person.email.split('@')[0] ?? ''].map((word) => word.toLowerCase());
  return [
    ...(characters < SHORTEST ? [`has ${characters} characters, but at least ${SHORTEST} are required`] : []),
    ...(length > LONGEST ? [`is longer than ${LONGEST} characters`] : []),
    ...(isPlain(lower) ? ['is too common'] : []),
    ...(own.some((word) => word.length >= 3 && withoutEnds(lower) === withoutEnds(word))
      ? ['is your name or email address']
      : []),
  ];
}

/**
 * Returns whether it is a common word surrounded by non-letters, a repetition, or a sequence of the keyboard or
 * alphabet.
 */
function isPlain(lower: string): boolean {
  if (COMMON.has(withoutEnds(lower)) || COMMON.has(lower.replaceAll(/[^a-z]/g, ''))) return true;
  if (/^(.{1,4})\1+.{0,3}$/su.test(lower)) return true;
  const codes = Array.from(lower, (character) => character.codePointAt(0) ?? 0);
  const steps = new Set(codes.slice(1).map((code, index) => code - (codes[index] ?? 0)));
  // 9 → 0 is a step of a row of digits too.
  return steps.size > 0 && [...steps].every((step) => step === 1 || step === -9);
}

function withoutEnds(text: string): string {
  return text.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, '');
}
