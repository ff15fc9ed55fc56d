/** For tests: an identity provider that signs any XML, also hostile XML. */
import { randomBytes } from 'node:crypto';
import { inflateRawSync } from 'node:zlib';
import { generate } from 'selfsigned';
import { SignedXml } from 'xml-crypto';

export interface SigningKey {
  readonly cert: string;
  readonly key: string;
}

export async function makeSigningKey(): Promise<SigningKey> {
  const made = await generate([{ name: 'commonName', value: 'Test provider' }], {
    keyType: 'rsa',
    algorithm: 'sha256',
  });
  return { cert: made.cert, key: made.private };
}

export interface AssertionOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly recipient: string;
  readonly inResponseTo: string;
  /** XML inside of the NameID. */
  readonly nameId?: string;
  readonly nameIdFormat?: string;
  readonly attributes?: Readonly<Record<string, readonly string[]>>;
  /** Seconds from now. */
  readonly from?: number;
  readonly until?: number;
  readonly id?: string;
}

const ASSERTION = 'urn:oasis:names:tc:SAML:2.0:assertion';
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';

export function newId(): string {
  return `_${randomBytes(16).toString('hex')}`;
}

const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toISOString();
const escape = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

export function assertionXml(options: AssertionOptions): string {
  const { issuer, audience, recipient, inResponseTo, nameId = 'ada-1', nameIdFormat = PERSISTENT } = options;
  const { attributes = {}, from = -5, until = 300, id = newId() } = options;
  const statement = Object.entries(attributes)
    .map(([name, values]) => {
      const texts = values.map((value) => `<saml:AttributeValue>${escape(value)}</saml:AttributeValue>`).join('');
      return `<saml:Attribute Name="${name}">${texts}</saml:Attribute>`;
    })
    .join('');
  return (
    `<saml:Assertion xmlns:saml="${ASSERTION}" ID="${id}" IssueInstant="${at(from)}" Version="2.0">` +
    `<saml:Issuer>${issuer}</saml:Issuer>` +
    `<saml:Subject><saml:NameID Format="${nameIdFormat}">${nameId}</saml:NameID>` +
    '<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">' +
    `<saml:SubjectConfirmationData InResponseTo="${inResponseTo}" NotOnOrAfter="${at(until)}" Recipient="${recipient}"/>` +
    '</saml:SubjectConfirmation></saml:Subject>' +
    `<saml:Conditions NotBefore="${at(from)}" NotOnOrAfter="${at(until)}">` +
    `<saml:AudienceRestriction><saml:Audience>${audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${at(from)}"><saml:AuthnContext>` +
    '<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport</saml:AuthnContextClassRef>' +
    '</saml:AuthnContext></saml:AuthnStatement>' +
    (statement === '' ? '' : `<saml:AttributeStatement>${statement}</saml:AttributeStatement>`) +
    '</saml:Assertion>'
  );
}

export function responseXml(
  content: string,
  { issuer, inResponseTo, id = newId() }: Pick<AssertionOptions, 'issuer' | 'inResponseTo' | 'id'>,
) {
  return (
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="${id}" InResponseTo="${inResponseTo}" IssueInstant="${at(0)}" Version="2.0">` +
    `<saml:Issuer xmlns:saml="${ASSERTION}">${issuer}</saml:Issuer>` +
    '<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>' +
    `${content}</samlp:Response>`
  );
}

const SHA256 = {
  signature: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  digest: 'http://www.w3.org/2001/04/xmlenc#sha256',
};
const SHA1 = {
  signature: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1',
  digest: 'http://www.w3.org/2000/09/xmldsig#sha1',
};

/** Signs the element with this local name, with the signature after its issuer. */
export function sign(
  xml: string,
  element: 'Assertion' | 'Response',
  key: SigningKey,
  hash: 'sha1' | 'sha256' = 'sha256',
): string {
  const { signature, digest } = hash === 'sha1' ? SHA1 : SHA256;
  const signed = new SignedXml({
    privateKey: key.key,
    signatureAlgorithm: signature,
    canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  });
  const xpath = `//*[local-name(.)='${element}']`;
  signed.addReference({
    xpath,
    digestAlgorithm: digest,
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', 'http://www.w3.org/2001/10/xml-exc-c14n#'],
  });
  signed.computeSignature(xml, { location: { reference: `${xpath}/*[local-name(.)='Issuer']`, action: 'after' } });
  return signed.getSignedXml();
}

export function encode(xml: string): string {
  return Buffer.from(xml).toString('base64');
}

/** The request in the URL of the provider. */
export function readRequest(location: string): {
  readonly id: string;
  readonly acs: string;
  readonly relayState: string;
  readonly xml: string;
} {
  const query = new URL(location).searchParams;
  const xml = inflateRawSync(Buffer.from(query.get('SAMLRequest') ?? '', 'base64')).toString('utf8');
  const value = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(xml)?.[1] ?? '';
  return { id: value('ID'), acs: value('AssertionConsumerServiceURL'), relayState: query.get('RelayState') ?? '', xml };
}
