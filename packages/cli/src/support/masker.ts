/** Removes secrets from text. Known ones are removed in every encoding; unknown ones by their context or format. */
const MASK = '***';
/** Shorter values would mask half of every text; no real secret is so short. */
const LEAST = 6;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Tokens with the prefixes of Dais and of other systems.
  [/\bdais_[a-z]{2,6}_[\w-]{8,}/g, MASK],
  [/\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|hf_\w{20,}|xox[a-z]-[\w-]{10,}|sk-[\w-]{20,})/g, MASK],
  [/\b(?:AKIA|ASIA)[0-9A-Z]{16}\b/g, MASK],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, MASK],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, MASK],
  [/\b(Bearer|Basic|Token)\s+[\w.~+/=-]{6,}/gi, `$1 ${MASK}`],
  // user:password@host
  [/([a-z][a-z0-9+.-]*:\/\/[^\s/:@"']*:)[^\s/@"']+@/gi, `$1${MASK}@`],
  // name=value and "name": "value", also escaped inside of JSON text
  [
    /((?:pass(?:word|wd|phrase)?|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|authorization|cookie|(?<=[?&])(?:code|sig|signature))["'\\]*\s*[=:]\s*["'\\]*)(?!\*\*\*|\(set\)|null\b|true\b|false\b|\d{1,5}\b)[^\s"'\\,;&})]{4,}/gi,
    `$1${MASK}`,
  ],
];

/** Names of variables whose values are secret. */
const SECRET_NAME = /pass|secret|token|key|credential|auth|cookie|url|dsn/i;

export type Masker = (text: string) => string;

export function masker(known: readonly (string | undefined)[]): Masker {
  const forms = new Set(
    known
      .filter((one): one is string => one !== undefined)
      .map((one) => one.trim())
      .filter((one) => one.length >= LEAST)
      .flatMap(formsOf),
  );
  // A secret that is part of another would leave the rest of it unmasked.
  const longestFirst = [...forms].toSorted((a, b) => b.length - a.length);
  return (text) => {
    let masked = text;
    for (const form of longestFirst) masked = masked.replaceAll(form, MASK);
    for (const [pattern, instead] of PATTERNS) masked = masked.replaceAll(pattern, instead);
    return masked;
  };
}

/** Values of variables with secret names; of URLs those with a password. */
export function secretVariables(variables: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(variables).flatMap(([name, value]) => {
    if (value === undefined || !SECRET_NAME.test(name)) return [];
    if (!value.includes('://')) return /url|dsn/i.test(name) || value.startsWith('/') ? [] : [value];
    const password = URL.canParse(value) ? new URL(value).password : '';
    return password === '' ? [] : [password, decodeURIComponent(password)];
  });
}

/** Encodings in a text: plain, JSON, percent-encoded, hex, and base64 at each of its three offsets. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  const urlSafe = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const all = [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret), bytes.toString('hex')];
  return [...all, ...base64, ...urlSafe].filter((form) => form.length >= LEAST);
}
