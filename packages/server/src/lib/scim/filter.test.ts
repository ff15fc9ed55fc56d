import fc from 'fast-check';
import { expect, test } from 'vitest';
import { InvalidFilter, parseFilter, parsePatchPath } from './filter.ts';
import { matchesFilter } from './match.ts';

const compare = (attribute: string, operator: string, value: unknown) => ({
  op: 'compare',
  path: { attribute },
  operator,
  value,
});

test('parses comparisons, with "and" before "or", "not" and parentheses', () => {
  expect(parseFilter('userName eq "ada@example.com"')).toEqual(compare('username', 'eq', 'ada@example.com'));
  expect(parseFilter('a eq 1 or b eq true and not (c pr)')).toEqual({
    op: 'or',
    parts: [
      compare('a', 'eq', 1),
      {
        op: 'and',
        parts: [compare('b', 'eq', true), { op: 'not', part: { op: 'present', path: { attribute: 'c' } } }],
      },
    ],
  });
  expect(parseFilter('(a eq "x" OR b CO "y") And c sw "z"')).toEqual({
    op: 'and',
    parts: [{ op: 'or', parts: [compare('a', 'eq', 'x'), compare('b', 'co', 'y')] }, compare('c', 'sw', 'z')],
  });
});

test('parses paths with a schema, sub-attributes and filters of values', () => {
  expect(parseFilter('urn:ietf:params:scim:schemas:core:2.0:User:name.familyName eq "L"')).toMatchObject({
    path: { schema: 'urn:ietf:params:scim:schemas:core:2.0:user', attribute: 'name', sub: 'familyname' },
  });
  expect(parseFilter('emails[type eq "work" and value ew "@example.com"]')).toMatchObject({
    op: 'some',
    path: { attribute: 'emails' },
    filter: { op: 'and' },
  });
  expect(parsePatchPath('emails[type eq "work"].value')).toEqual({
    path: { attribute: 'emails', sub: 'value' },
    filter: compare('type', 'eq', 'work'),
  });
  expect(parsePatchPath('members[value eq "2819c223"]')).toEqual({
    path: { attribute: 'members' },
    filter: compare('value', 'eq', '2819c223'),
  });
  expect(parsePatchPath('name.givenName')).toEqual({ path: { attribute: 'name', sub: 'givenname' } });
  expect(parseFilter(String.raw`displayName eq "a \"quoted\" ] name"`)).toMatchObject({ value: 'a "quoted" ] name' });
});

test.each([
  '',
  'userName',
  'userName eq',
  'userName is "a"',
  'userName eq ada',
  'userName eq "a',
  '(a pr',
  'a pr)',
  'a pr b pr',
  'a[b pr',
  'eq "a"',
  '9 eq 1',
  'a eq {"b":1}',
  'a.b.c pr',
  String.raw`a eq "\u0000"`,
  `${'('.repeat(12)}a pr${')'.repeat(12)}`,
  Array.from({ length: 51 }, () => 'a pr').join(' or '),
  `a eq "${'x'.repeat(2000)}"`,
])('rejects %j', (text) => {
  expect(() => parseFilter(text)).toThrow(InvalidFilter);
});

test.each(['', 'a b', 'emails[type eq "work"', 'emails[type eq "work"]value', 'a.b[c pr].d', 'emails[].value'])(
  'rejects the path %j',
  (text) => {
    expect(() => parsePatchPath(text)).toThrow(InvalidFilter);
  },
);

test('never fails in another way, and ends in a short time', () => {
  const words = fc.constantFrom('a', 'a.b', 'eq', 'pr', 'not', 'and', 'or', '(', ')', '[', ']', '"x"', '"', '\\', '1');
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words, { maxLength: 300 }).map((all) => all.join(' ')),
      ),
      (text) => {
        for (const parse of [parseFilter, parsePatchPath]) {
          try {
            parse(text);
          } catch (error) {
            // Every other error is a fault of the parser.
            if (!(error instanceof InvalidFilter)) throw error;
          }
        }
      },
    ),
  );
});

test('evaluates a filter on a value, in any case', () => {
  const email = { value: 'Ada@example.com', type: 'work', primary: true };
  const matches = (filter: string) => matchesFilter(parseFilter(filter), email);
  expect(matches('type eq "WORK" and primary eq true')).toBe(true);
  expect(matches('primary eq "True"')).toBe(true);
  expect(matches('value sw "ada" and not (display pr)')).toBe(true);
  expect(matches('value co "example" and value ew ".org"')).toBe(false);
  expect(matches('type ne "home" and display eq null')).toBe(true);
});
