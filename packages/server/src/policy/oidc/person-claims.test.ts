import { expect, test } from 'vitest';
import { isAllowedDomain, readPerson } from './person-claims.ts';

const id = { iss: 'https://id.example.com', sub: '42' };
const settings = { groupsClaim: 'groups', trustEmails: false, mfaContexts: ['urn:strong'] };

test('claims of the ID token override those of UserInfo', () => {
  const person = readPerson(
    { ...id, email: 'Ada@Example.com', email_verified: true, groups: ['b', 'a', 'b'], sid: 's1', amr: ['pwd', 'mfa'] },
    { email: 'eve@example.com', email_verified: true, name: 'Ada', groups: ['root'] },
    settings,
  );
  expect(person).toEqual({
    issuer: id.iss,
    subject: '42',
    email: 'ada@example.com',
    displayName: 'Ada',
    groups: ['a', 'b'],
    mfa: true,
    providerSession: 's1',
  });
});

test.each([
  [{ email: 'a@example.com' }, false, undefined],
  [{ email: 'a@example.com', email_verified: false }, false, undefined],
  [{ email: 'a@example.com', email_verified: 'true' }, false, 'a@example.com'],
  [{ email: 'a@example.com', email_verified: 1 }, false, undefined],
  [{ email: 'a@example.com' }, true, 'a@example.com'],
  [{ email: 'a@example.com', email_verified: false }, true, undefined],
  [{ email: 'a b@example.com', email_verified: true }, false, undefined],
  [{ email: 'a@b@example.com', email_verified: true }, false, undefined],
  [{ email: ['a@example.com'], email_verified: true }, false, undefined],
  [{ email: 'a@example.com\n', email_verified: true }, false, undefined],
])('the address of %j, trusted: %s', (claims, trustEmails, want) => {
  expect(readPerson({ ...id, ...claims }, {}, { ...settings, trustEmails }).email).toBe(want);
});

test.each([
  ['groups', { groups: 'one' }, ['one']],
  ['realm_access.roles', { realm_access: { roles: ['x', 7, ''] } }, ['x']],
  ['https://example.com/groups', { 'https://example.com/groups': ['y'] }, ['y']],
  ['constructor.name', {}, []],
  ['groups', { groups: { a: 1 } }, []],
  ['groups', { groups: ['a'.repeat(257)] }, []],
])('groups at %s', (groupsClaim, claims, want) => {
  expect(readPerson({ ...id, ...claims }, {}, { ...settings, groupsClaim }).groups).toEqual(want);
});

test('a second factor is one that the provider names, or an agreed context', () => {
  expect(readPerson({ ...id, acr: 'urn:strong' }, {}, settings).mfa).toBe(true);
  expect(readPerson({ ...id, acr: 'urn:weak', amr: ['pwd'] }, {}, settings).mfa).toBe(false);
  expect(readPerson(id, { amr: ['mfa'] }, settings).mfa).toBe(false);
});

test('domains', () => {
  expect(isAllowedDomain('a@example.com', ['example.com'])).toBe(true);
  expect(isAllowedDomain('a@sub.example.com', ['example.com'])).toBe(false);
  expect(isAllowedDomain('a@notexample.com', ['example.com'])).toBe(false);
  expect(isAllowedDomain('a@anywhere.example', ['*'])).toBe(true);
  expect(isAllowedDomain('a@example.com', [])).toBe(false);
});
