import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { formatPath, MAX_DEPTH, schemaIssues, show, storableIssues } from './validation.ts';

const schema = z.strictObject({
  name: z.string().min(2).max(4).optional(),
  word: z
    .string()
    .regex(/^[a-z]+$/, { message: 'lower-case letters' })
    .optional(),
  code: z
    .string()
    .regex(/^[0-9]+$/)
    .optional(),
  url: z.url().optional(),
  count: z.int().min(1).max(9).optional(),
  share: z.number().gt(0).lt(1).optional(),
  even: z.int().multipleOf(2).optional(),
  on: z.boolean().optional(),
  level: z.enum(['debug', 'info', 'warning']).optional(),
  version: z.literal('v1').optional(),
  list: z
    .array(z.strictObject({ key: z.string() }))
    .min(1)
    .max(2)
    .optional(),
  labels: z.record(z.string().regex(/^[a-z]+$/, { message: 'lower-case letters' }), z.string()).optional(),
  send: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('mail'), to: z.string() }),
      z.strictObject({ type: z.literal(['slack', 'teams']), room: z.string(), level: z.int().optional() }),
    ])
    .optional(),
  either: z.union([z.string(), z.strictObject({ from: z.int(), to: z.int() })]).optional(),
});

const issuesOf = (value: unknown, of: z.ZodType = schema) => {
  const result = of.safeParse(value);
  return result.success ? [] : schemaIssues(result.error, of, value);
};
const REQUIRED = { message: 'is required' };

describe('readable problems', () => {
  test.each<[string, unknown, object]>([
    ['a text too short', { name: 'a' }, { path: 'name', message: 'is too small', expected: 'at least 2 characters' }],
    ['a text too long', { name: 'abcde' }, { path: 'name', message: 'is too large', expected: 'at most 4 characters' }],
    ['no text', { name: 5 }, { path: 'name', message: 'is a number', expected: 'text' }],
    ['null', { name: null }, { path: 'name', message: 'is null', expected: 'text' }],
    ['a pattern with words', { word: 'A' }, { path: 'word', message: 'is "A"', expected: 'lower-case letters' }],
    ['a pattern', { code: 'x' }, { path: 'code', message: 'is "x"', expected: 'text that matches /^[0-9]+$/' }],
    ['a format', { url: 'nowhere' }, { path: 'url', message: 'is "nowhere"', expected: 'a valid url' }],
    ['a fraction', { count: 1.5 }, { path: 'count', message: 'is a number', expected: 'a whole number' }],
    ['a number too large', { count: 10 }, { path: 'count', message: 'is too large', expected: 'at most 9' }],
    ['a number too small', { count: 0 }, { path: 'count', message: 'is too small', expected: 'at least 1' }],
    ['an open lower bound', { share: 0 }, { path: 'share', message: 'is too small', expected: 'more than 0' }],
    ['an open upper bound', { share: 1 }, { path: 'share', message: 'is too large', expected: 'less than 1' }],
    ['text for a number', { count: '5' }, { path: 'count', message: 'is text', expected: 'a number' }],
    ['text for a truth value', { on: 'yes' }, { path: 'on', message: 'is text', expected: 'true or false' }],
    ['a list for a map', [], { path: '', message: 'is a list', expected: 'a map' }],
    ['a map for a list', { list: {} }, { path: 'list', message: 'is a map', expected: 'a list' }],
    ['an empty list', { list: [] }, { path: 'list', message: 'is too small', expected: 'at least 1 entries' }],
    ['a missing field', { list: [{}] }, { path: 'list[0].key', ...REQUIRED, expected: 'text' }],
    ['another literal', { version: 'v2' }, { path: 'version', message: 'is "v2"', expected: '"v1"', nearest: 'v1' }],
    [
      'a wrong choice',
      { level: 'inof' },
      { path: 'level', message: 'is "inof"', expected: 'one of debug, info, warning', nearest: 'info' },
    ],
    [
      'a choice of another type',
      { level: { a: 1 } },
      { path: 'level', message: 'is a map', expected: 'one of debug, info, warning' },
    ],
    [
      'a wrong key',
      { labels: { A: 'x' } },
      { path: 'labels.A', message: 'the key "A" is not valid', expected: 'lower-case letters' },
    ],
    [
      'a missing discriminator',
      { send: {} },
      { path: 'send.type', ...REQUIRED, expected: 'one of mail, slack, teams' },
    ],
    [
      'a wrong discriminator',
      { send: { type: 'slak' } },
      { path: 'send.type', message: 'is "slak"', expected: 'one of mail, slack, teams', nearest: 'slack' },
    ],
    [
      'a problem in a member of a union',
      { send: { type: 'teams', room: 'x', level: 'y' } },
      { path: 'send.level', message: 'is text', expected: 'a number' },
    ],
    [
      'a field of another member of the union',
      { send: { type: 'mail', to: 'x', room: 'y' } },
      { path: 'send.room', message: 'there is no field "room" here', expected: 'one of type, to' },
    ],
    [
      'a misspelt field',
      { cuont: 1 },
      {
        path: 'cuont',
        message: 'there is no field "cuont" here',
        expected: `one of ${Object.keys(schema.shape).join(', ')}`,
        nearest: 'count',
      },
    ],
    [
      'a misspelt field in a list',
      { list: [{ key: 'a' }, { key: 'b', kye: 'c' }] },
      { path: 'list[1].kye', message: 'there is no field "kye" here', expected: 'one of key', nearest: 'key' },
    ],
  ])('%s', (_name, value, want) => {
    expect(issuesOf(value)).toEqual([want]);
  });

  test('for a union without discriminator, the member of the value’s own type reports', () => {
    expect(issuesOf({ either: { from: 'a' } }).map((issue) => issue.path)).toEqual(['either.from', 'either.to']);
  });

  test('returns all problems in the order of the schema', () => {
    expect(issuesOf({ on: 1, name: 1, x: 1, y: 1, list: [{ key: 1, kex: 1 }, 2] }).map((issue) => issue.path)).toEqual([
      'name',
      'on',
      'list[0].key',
      'list[0].kex',
      'list[1]',
      'x',
      'y',
    ]);
  });

  test('a problem does not repeat a long value', () => {
    for (const value of [{ level: 'x'.repeat(1e6) }, { ['x'.repeat(1e6)]: 1 }, { word: 'Ä'.repeat(1e6) }]) {
      for (const issue of issuesOf(value)) expect(issue.message.length).toBeLessThan(120);
    }
  });

  test('every value has problems with a message and a position', () => {
    const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true });
    const near = fc.record(
      Object.fromEntries(Object.keys(schema.shape).map((key) => [key, anything])) as Record<
        string,
        fc.Arbitrary<unknown>
      >,
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(anything, near), (value) => {
        const issues = issuesOf(value);
        expect(issues.every((issue) => issue.message !== '' && issue.path !== undefined)).toBe(true);
        expect(schema.safeParse(value).success).toBe(issues.length === 0);
      }),
    );
  });
});

describe('what can be stored', () => {
  const nested = (levels: number) => {
    let value: unknown = 'x';
    for (let level = 0; level < levels; level++) value = level % 2 === 0 ? [value] : { a: value };
    return value;
  };

  test.each<[string, unknown, string, string]>([
    ['NUL', { a: ['x', 'y\0'] }, 'a[1]', 'contains the character NUL'],
    ['NUL in a key', { 'a\0': 1 }, 'a\0', 'contains the character NUL'],
    ['half a pair', { a: '\ud800x' }, 'a', 'contains half of a surrogate pair'],
    ['the other half in a key', { 'a\udc00': 1 }, 'a\udc00', 'contains half of a surrogate pair'],
    ['NaN', { a: { b: NaN } }, 'a.b', 'is not a finite number'],
    ['infinity', [-Infinity], '[0]', 'is not a finite number'],
    ['a bigint', { a: 2n ** 64n }, 'a', 'is too large a number to keep exactly'],
    ['the prototype', JSON.parse('{"a":{"__proto__":{"b":1}}}'), 'a.__proto__', 'is a key that cannot be used'],
  ])('%s is rejected', (_name, value, path, message) => {
    expect(storableIssues(value)).toMatchObject([{ path, message }]);
  });

  test('nesting is limited at any depth of the value', () => {
    expect(storableIssues(nested(MAX_DEPTH))).toEqual([]);
    expect(storableIssues(nested(MAX_DEPTH + 2))).toMatchObject([{ message: 'nests deeper than 64 levels' }]);
    expect(storableIssues(nested(200_000))).toHaveLength(1);
    expect(storableIssues(JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)))).toHaveLength(1);
  });

  test('bytes are not inspected', () => {
    expect(storableIssues({ a: Buffer.alloc(1 << 20) })).toEqual([]);
  });

  test('accepted values survive JSON unchanged', () => {
    fc.assert(
      fc.property(fc.anything({ maxDepth: 5 }).filter(isJsonShaped), (value) => {
        fc.pre(storableIssues(value).length === 0);
        expect(JSON.parse(JSON.stringify(value))).toEqual(value);
      }),
    );
  });

  test('every JSON value is accepted except for its characters and the prototype', () => {
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: 'grapheme' }), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('\\u0000') && !text.includes('"__proto__":'));
        expect(storableIssues(value)).toEqual([]);
      }),
    );
  });
});

/** Values with a JSON form; -0 is equal to 0 but not the same. */
function isJsonShaped(value: unknown): boolean {
  if (value === null || ['string', 'boolean'].includes(typeof value)) return true;
  if (typeof value === 'number') return !Object.is(value, -0);
  if (Array.isArray(value)) return value.every(isJsonShaped);
  return (
    typeof value === 'object' &&
    Object.getPrototypeOf(value) === Object.prototype &&
    Object.values(value).every(isJsonShaped)
  );
}

test.each<[PropertyKey[], string]>([
  [[], ''],
  [['a'], 'a'],
  [['a', 'b', 0, 'c'], 'a.b[0].c'],
  [[0, 1], '[0][1]'],
  [['metadata', 'labels', 'a.b'], 'metadata.labels.a.b'],
])('%j is written %s', (path, text) => {
  expect(formatPath(path)).toBe(text);
});

test.each<[unknown, string]>([
  [undefined, 'missing'],
  [null, 'null'],
  ['a"b', '"a\\"b"'],
  [1.5, '1.5'],
  [NaN, 'NaN'],
  [10n ** 20n, '100000000000000000000'],
  [true, 'true'],
  [[1], 'a list'],
  [{ a: 1n }, 'a map'],
])('%o is shown as %s', (value, text) => {
  expect(show(value)).toBe(text);
});
