import { expect, test } from 'vitest';
import { masker, secretVariables } from '#support/masker.ts';

const SECRET = 'gravel/orbit+mango "7"';

test.each([
  ['plain', SECRET],
  ['in JSON', JSON.stringify({ a: SECRET })],
  ['in an address', `https://h/?p=${encodeURIComponent(SECRET)}`],
  ['as hex', `\\x${Buffer.from(SECRET).toString('hex')}`],
  [
    'as base64, at each place',
    ['', 'a', 'ab'].map((before) => Buffer.from(`${before}${SECRET}!`).toString('base64')).join(' '),
  ],
])('known secrets are removed: %s', (_, text) => {
  const masked = masker([SECRET, undefined, 'x'])(`before ${text} after`);
  expect(masked).toMatch(/^before .*\*\*\*.* after$/);
  for (const form of [
    SECRET,
    encodeURIComponent(SECRET),
    Buffer.from(SECRET).toString('hex'),
    Buffer.from(SECRET).toString('base64').slice(0, -4),
  ])
    expect(masked).not.toContain(form);
});

test.each([
  ['token dais_pat_AbCdEf0123456789 was used', 'token *** was used'],
  ['authorization: Bearer abc.def-123', 'authorization: ***'],
  ['to postgres://dais:hunter2@db:5432/x', 'to postgres://dais:***@db:5432/x'],
  ['password=hunter2&user=a', 'password=***&user=a'],
  ['{"clientSecret": "hunter2", "n": 1}', '{"clientSecret": "***", "n": 1}'],
  [String.raw`"{\"api_key\":\"hunter2\"}"`, String.raw`"{\"api_key\":\"***\"}"`],
  ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl', '***'],
  ['-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----', '***'],
  ['AKIAABCDEFGHIJKLMNOP', '***'],
])('unknown secrets are removed by their format: %s', (text, masked) => {
  expect(masker([])(text)).toContain(masked);
  expect(masker([])(text)).not.toMatch(/hunter2|abc\.def|AbCdEf|MIIE|AKIA/);
});

test.each(['GET /api/v1/tokens 200', 'error.code: "ENOENT"', '"tokens": 12', '"secret": null', 'monkey: banana'])(
  'other text stays readable: %s',
  (text) => {
    expect(masker([])(text)).toBe(text);
  },
);

test('variables with secret names are masked; of a URL only the password', () => {
  expect(
    secretVariables({
      DAIS_TOKEN: 'a-token',
      DAIS_DATABASE_URL: 'postgres://u:p%20w@h/d',
      DAIS_KEYS_FOLDER: '/var/keys',
      DAIS_PUBLIC_URL: 'https://h/',
      HOME: '/root',
    }),
  ).toEqual(['a-token', 'p%20w', 'p w']);
});
