/** Valid and hostile responses; the XML of each is in full. */
import { beforeAll, describe, expect, test } from 'vitest';
import { personOf } from './saml-person.ts';
import { samlRequestUrl, verifyResponse } from './saml-response.ts';
import { samlUrls, type SamlSettings } from './saml-settings.ts';
import {
  assertionXml,
  encode,
  makeSigningKey,
  newId,
  readRequest,
  responseXml,
  sign,
  type AssertionOptions,
  type SigningKey,
} from './testing/saml-idp.testing.ts';

const ISSUER = 'https://id.example.com/saml';
const REQUEST = '_a-request';
const urls = samlUrls('https://dais.example.com', 'corporate');
const expected = { issuer: ISSUER, audience: urls.entityId, recipient: urls.acs, inResponseTo: REQUEST };

let key: SigningKey;
let next: SigningKey;
let foreign: SigningKey;
let settings: SamlSettings;

beforeAll(async () => {
  [key, next, foreign] = await Promise.all([makeSigningKey(), makeSigningKey(), makeSigningKey()]);
  settings = {
    name: 'corporate',
    entityId: ISSUER,
    signInUrl: 'https://id.example.com/sso',
    certificates: [key.cert, next.cert],
    attributes: { email: 'email', displayName: 'displayName', groups: 'groups' },
    allowedDomains: ['example.com'],
    createUsers: true,
    clockSkewSeconds: 60,
    mfaContexts: [],
    withoutProvisioning: 'end',
  };
});

const verify = async (xml: string) => await verifyResponse(encode(xml), settings, urls, REQUEST);
const made = (options: Partial<AssertionOptions> = {}) => assertionXml({ ...expected, ...options });
const wrapped = (content: string, options: Partial<AssertionOptions> = {}) =>
  responseXml(content, { ...expected, ...options });
const signed = (options: Partial<AssertionOptions> = {}, by = key) => sign(wrapped(made(options)), 'Assertion', by);

test('accepts a signed assertion with either certificate, and reads its person', async () => {
  const attributes = { email: ['Ada@Example.com'], displayName: ['Ada & Co'], groups: ['ml-vision', 'staff', 'staff'] };
  for (const by of [key, next]) {
    const assertion = await verify(signed({ attributes }, by));
    expect(personOf(assertion, settings)).toEqual({
      issuer: ISSUER,
      subject: 'ada-1',
      email: 'ada@example.com',
      displayName: 'Ada & Co',
      groups: ['ml-vision', 'staff'],
      mfa: false,
    });
  }
  const both = sign(signed({ attributes }), 'Response', key);
  expect((await verify(both)).nameId).toBe('ada-1');
});

test('the request names Dais, and its id', async () => {
  const location = await samlRequestUrl(settings, urls, { requestId: REQUEST, relayState: 'state' });
  expect(location).toMatch(/^https:\/\/id\.example\.com\/sso\?/);
  const request = readRequest(location);
  expect(request).toMatchObject({ id: REQUEST, acs: urls.acs, relayState: 'state' });
  expect(request.xml).toContain(`>${urls.entityId}</saml:Issuer>`);
});

describe('refuses', () => {
  const cases: readonly (readonly [string, () => string, RegExp?])[] = [
    ['no signature', () => wrapped(made())],
    ['a signature of the response only', () => sign(wrapped(made()), 'Response', key)],
    ['a signature of another provider', () => signed({}, foreign)],
    ['a changed assertion', () => signed().replace('ada-1', 'eve-1')],
    ['SHA-1', () => sign(wrapped(made()), 'Assertion', key, 'sha1'), /SHA-1/],
    ['another audience', () => signed({ audience: 'https://other.example.com' }), /audience/],
    ['another recipient', () => signed({ recipient: 'https://other.example.com/acs' }), /recipient/],
    ['another issuer', () => signed({ issuer: 'https://other.example.com' }), /issuer/],
    ['another request', () => signed({ inResponseTo: '_other' })],
    [
      // The response around it is not signed.
      'an assertion for another request in a response for this one',
      () => sign(wrapped(made({ inResponseTo: '_other' })), 'Assertion', key),
    ],
    ['an expired assertion', () => signed({ from: -900, until: -120 })],
    ['an assertion of the future', () => signed({ from: 120 })],
    ['an old assertion', () => signed({ from: -3600 })],
    ['a document type', () => `<!DOCTYPE r [<!ENTITY e "x">]>${signed()}`, /document type/],
    [
      'an external entity',
      () => `<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]>${signed().replace('ada-1', '&e;')}`,
      /document type/,
    ],
    [
      'entities that multiply',
      () =>
        `<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">${'bcdefghij'
          .split('')
          .map((name, index) => `<!ENTITY ${name} "${`&${'abcdefghij'[index]};`.repeat(10)}">`)
          .join('')}]>${signed().replace('ada-1', '&j;')}`,
      /document type/,
    ],
    ['a processing instruction', () => signed().replace('<saml:Subject>', '<?x y?><saml:Subject>'), /processing/],
    ['two assertions', () => signed().replace('</samlp:Response>', `${made({ nameId: 'eve-1' })}</samlp:Response>`)],
    ['text that is no XML', () => 'SAML'],
    ['no assertion', () => wrapped('')],
  ];
  test.each(cases.map(([what, xml, message]) => ({ what, xml, message })))('$what', async ({ xml, message }) => {
    const error = await verify(xml()).then(
      () => 'accepted',
      (one: unknown) => one,
    );
    expect(error).toMatchObject({ code: 'unauthenticated' });
    expect((error as Error).message).toMatch(message ?? /./);
  });
});

describe('signature wrapping', () => {
  const assertionOf = (xml: string) => /<saml:Assertion.*<\/saml:Assertion>/s.exec(xml)?.[0] ?? '';
  const signatureOf = (xml: string) => /<Signature.*<\/Signature>/s.exec(xml)?.[0] ?? '';
  const evil = (id?: string) =>
    made({ nameId: 'eve-1', attributes: { email: ['eve@example.com'] }, ...(id !== undefined && { id }) });

  const attacks: readonly (readonly [string, () => string])[] = [
    [
      'the signed assertion in an extension before the evil one',
      () => {
        const good = assertionOf(signed());
        return wrapped(`<samlp:Extensions>${good}</samlp:Extensions>${evil()}`);
      },
    ],
    [
      'the signed assertion inside of the evil one',
      () => {
        const good = assertionOf(signed());
        return wrapped(evil().replace('</saml:Assertion>', `<saml:Advice>${good}</saml:Advice></saml:Assertion>`));
      },
    ],
    [
      'the signature moved to the evil one, with the signed assertion as its object',
      () => {
        const xml = signed();
        const signature = signatureOf(xml);
        const bare = assertionOf(xml).replace(signature, '');
        const withObject = signature.replace('</Signature>', `<Object>${bare}</Object></Signature>`);
        return wrapped(evil().replace('</saml:Issuer>', `</saml:Issuer>${withObject}`));
      },
    ],
    [
      'the evil assertion with the id of the signed one',
      () => {
        const xml = signed({ id: '_same' });
        return wrapped(`${evil('_same')}<samlp:Extensions>${assertionOf(xml)}</samlp:Extensions>`);
      },
    ],
    [
      'a signed other element',
      () => {
        const id = newId();
        const other = sign(wrapped(`<x:Other xmlns:x="urn:x" ID="${id}"></x:Other>${made()}`), 'Response', foreign);
        return other.replace('ada-1', 'eve-1');
      },
    ],
    [
      'two signatures of one assertion',
      () => {
        const xml = signed();
        return xml.replace(signatureOf(xml), signatureOf(xml) + signatureOf(signed()));
      },
    ],
  ];
  test.each(attacks)('%s', async (_what, xml) => {
    await expect(verify(xml())).rejects.toMatchObject({ code: 'unauthenticated' });
  });

  test('a comment in the NameID does not shorten it', async () => {
    const xml = signed({ nameId: 'ada@example.com.evil.org' }).replace(
      'ada@example.com.evil',
      'ada@example.com<!-- x -->.evil',
    );
    // Canonical XML has no comments: the signature is valid, and the whole text counts.
    expect((await verify(xml)).nameId).toBe('ada@example.com.evil.org');
  });

  test('CDATA in the NameID does not shorten it', async () => {
    const xml = signed({ nameId: 'ada@example.com<![CDATA[.evil.org]]>' });
    expect((await verify(xml)).nameId).toBe('ada@example.com.evil.org');
  });
});

test('a transient NameID identifies nobody without another attribute', async () => {
  const transient = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient';
  const assertion = await verify(signed({ nameIdFormat: transient, attributes: { uid: ['u-1'] } }));
  expect(() => personOf(assertion, settings)).toThrow(/transient/);
  const byUid = { ...settings, attributes: { ...settings.attributes, subject: 'uid' } };
  expect(personOf(assertion, byUid)).toMatchObject({ subject: 'u-1' });
  const missing = { ...settings, attributes: { ...settings.attributes, subject: 'none' } };
  expect(() => personOf(assertion, missing)).toThrow(/no attribute "none"/);
});

test('an address as NameID is the email address', async () => {
  const format = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress';
  const assertion = await verify(signed({ nameId: 'ada@example.com', nameIdFormat: format }));
  expect(personOf(assertion, settings)).toMatchObject({ subject: 'ada@example.com', email: 'ada@example.com' });
});
