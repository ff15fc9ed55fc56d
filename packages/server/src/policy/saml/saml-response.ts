/**
 * Verifies a SAML response. The library verifies signatures and reads only the bytes that a signature covers; the checks
 * here are those that it leaves to its callers.
 */
import { DaisError } from '@dais/api';
import type { SAML } from '@node-saml/node-saml';
import type { SamlSettings, SamlUrls } from './saml-settings.ts';

/** A verified assertion. */
export interface VerifiedAssertion {
  readonly id: string;
  /** NameID. */
  readonly nameId: string;
  readonly nameIdFormat: string | undefined;
  /** Texts by the name of the attribute. */
  readonly attributes: ReadonlyMap<string, readonly string[]>;
  /** Authentication contexts: how the person signed in. */
  readonly contexts: readonly string[];
  /** Seconds since 1970: it is not valid afterwards. */
  readonly expiresAt: number;
}

const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
/** Life of an assertion that names no end, in ms. */
const MAX_AGE_MS = 600_000;

/** Loads the library on first use: few installations need it. */
async function openSaml(settings: SamlSettings, urls: SamlUrls, requestId: string): Promise<SAML> {
  const { SAML: Saml, ValidateInResponseTo } = await import('@node-saml/node-saml');
  return new Saml({
    callbackUrl: urls.acs,
    issuer: urls.entityId,
    audience: urls.entityId,
    entryPoint: settings.signInUrl,
    idpIssuer: settings.entityId,
    idpCert: [...settings.certificates],
    // The assertion is signed, whether or not the response around it is.
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: false,
    acceptedClockSkewMs: settings.clockSkewSeconds * 1000,
    maxAssertionAgeMs: MAX_AGE_MS,
    // Each provider has its own format and its own rules for authentication.
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    generateUniqueId: () => requestId,
    validateInResponseTo: ValidateInResponseTo.always,
    requestIdExpirationPeriodMs: MAX_AGE_MS,
    cacheProvider: {
      saveAsync: async (key, value) => await Promise.resolve({ createdAt: 0, value: `${key}${value}` }),
      getAsync: async (key) => await Promise.resolve(key === requestId ? new Date().toISOString() : null),
      removeAsync: async () => await Promise.resolve(null),
    },
  });
}

/** URL of the provider with the request. */
export async function samlRequestUrl(
  settings: SamlSettings,
  urls: SamlUrls,
  { requestId, relayState }: { readonly requestId: string; readonly relayState: string },
): Promise<string> {
  const saml = await openSaml(settings, urls, requestId);
  return await saml.getAuthorizeUrlAsync(relayState, undefined, {});
}

/** Metadata of Dais for the provider, in XML. */
export async function samlMetadata(settings: SamlSettings, urls: SamlUrls): Promise<string> {
  const saml = await openSaml(settings, urls, '_');
  return saml.generateServiceProviderMetadata(null, null);
}

/** @throws DaisError `unauthenticated` with the reason. */
export async function verifyResponse(
  response: string,
  settings: SamlSettings,
  urls: SamlUrls,
  requestId: string,
): Promise<VerifiedAssertion> {
  refuseHostileXml(response);
  try {
    const saml = await openSaml(settings, urls, requestId);
    const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: response });
    const parsed = profile?.getAssertion?.()['Assertion'];
    if (parsed === undefined) throw new Error('it contains no assertion');
    return readAssertion(parsed as XmlElement, settings, { acs: urls.acs, requestId });
  } catch (error) {
    if (error instanceof DaisError) throw error;
    throw refused((error as Error).message, error);
  }
}

/**
 * Refuses what no provider sends, before any parser reads it: document types (entities) and processing instructions, and
 * signatures with SHA-1.
 */
function refuseHostileXml(response: string): void {
  const xml = Buffer.from(response, 'base64').toString('utf8');
  const declaration = /^\s*<\?xml\s[^>]*\?>/.exec(xml)?.[0] ?? '';
  const rest = xml.slice(declaration.length);
  if (rest.includes('<!DOCTYPE') || rest.includes('<!ENTITY') || rest.includes('<?'))
    throw refused('it contains a document type or a processing instruction');
  if (/xmldsig#(rsa-|hmac-|dsa-)?sha1["']/.test(xml)) throw refused('its signature uses SHA-1');
}

/** An element as the library parses it: children by name, `_` is the text, `$` has the attributes. */
interface XmlElement {
  readonly _?: string;
  readonly $?: Readonly<Record<string, string>>;
  readonly [child: string]: unknown;
}

function childrenOf(element: XmlElement | undefined, name: string): readonly XmlElement[] {
  const found = element?.[name];
  // An element without attributes and children is its text.
  return Array.isArray(found)
    ? found.map((one: unknown) => (typeof one === 'string' ? { _: one } : (one as XmlElement)))
    : [];
}

interface Expected {
  readonly acs: string;
  readonly requestId: string;
}

function readAssertion(assertion: XmlElement, settings: SamlSettings, expected: Expected): VerifiedAssertion {
  const id = assertion.$?.['ID'];
  if (id === undefined || id === '') throw refused('its assertion has no ID');
  if (childrenOf(assertion, 'Issuer')[0]?._ !== settings.entityId) throw refused('it is of another issuer');
  const subjects = childrenOf(assertion, 'Subject');
  const nameId = childrenOf(subjects[0], 'NameID');
  const name = nameId[0]?._;
  if (subjects.length !== 1 || nameId.length !== 1 || name === undefined || name === '')
    throw refused('its assertion has not exactly one NameID');
  const data = childrenOf(subjects[0], 'SubjectConfirmation')
    .filter((one) => one.$?.['Method'] === BEARER)
    .flatMap((one) => childrenOf(one, 'SubjectConfirmationData'))
    .find(({ $ }) => $?.['Recipient'] === expected.acs && $['InResponseTo'] === expected.requestId);
  if (data === undefined) throw refused('its assertion is for another recipient or another request');
  const end = Date.parse(data.$?.['NotOnOrAfter'] ?? '');
  if (Number.isNaN(end) || end + settings.clockSkewSeconds * 1000 < Date.now())
    throw refused('its assertion has expired');
  return {
    id,
    nameId: name,
    nameIdFormat: nameId[0]?.$?.['Format'],
    attributes: attributesOf(assertion),
    contexts: childrenOf(assertion, 'AuthnStatement').flatMap((statement) =>
      childrenOf(childrenOf(statement, 'AuthnContext')[0], 'AuthnContextClassRef').flatMap(({ _ }) => _ ?? []),
    ),
    expiresAt: Math.ceil(end / 1000),
  };
}

function attributesOf(assertion: XmlElement): ReadonlyMap<string, readonly string[]> {
  const attributes = new Map<string, readonly string[]>();
  for (const statement of childrenOf(assertion, 'AttributeStatement')) {
    for (const attribute of childrenOf(statement, 'Attribute')) {
      const name = attribute.$?.['Name'];
      if (name === undefined) continue;
      const values = childrenOf(attribute, 'AttributeValue').flatMap(({ _ }) => _ ?? []);
      attributes.set(name, [...(attributes.get(name) ?? []), ...values]);
    }
  }
  return attributes;
}

function refused(reason: string, cause?: unknown): DaisError {
  const detail = `The response of the identity provider is not accepted: ${reason.replace(/\.$/, '')}.`;
  return new DaisError('unauthenticated', detail, { cause });
}
