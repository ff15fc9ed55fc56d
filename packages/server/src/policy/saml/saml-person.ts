import { DaisError } from '@dais/api';
import type { Person } from '#policy/oidc/person-claims.ts';
import type { VerifiedAssertion } from './saml-response.ts';
import type { SamlSettings } from './saml-settings.ts';

const FORMAT = 'urn:oasis:names:tc:SAML';
const TRANSIENT = `${FORMAT}:2.0:nameid-format:transient`;
const EMAIL = `${FORMAT}:1.1:nameid-format:emailAddress`;
/** As for claims of OpenID Connect: omitted groups grant nothing. */
const MAX_GROUPS = 1000;
const MAX_GROUP_LENGTH = 256;

/** @throws DaisError `unauthenticated` if the assertion identifies nobody. */
export function personOf(assertion: VerifiedAssertion, settings: SamlSettings): Person {
  const { attributes, entityId, mfaContexts } = settings;
  const first = (name: string) =>
    assertion.attributes
      .get(name)
      ?.map(plainText)
      .find((text) => text !== undefined);
  const isTransient = assertion.nameIdFormat === TRANSIENT;
  const nameId = isTransient ? undefined : plainText(assertion.nameId);
  const subject = attributes.subject === undefined ? nameId : first(attributes.subject);
  if (subject === undefined) {
    const detail =
      attributes.subject === undefined
        ? `"${settings.name}" sends a transient NameID, which identifies nobody at the next sign-in. Configure a persistent one, or \`attributes.subject\`.`
        : `"${settings.name}" sends no attribute "${attributes.subject}".`;
    throw new DaisError('unauthenticated', detail);
  }
  const address = (first(attributes.email) ?? (assertion.nameIdFormat === EMAIL ? nameId : undefined))?.toLowerCase();
  const email =
    address !== undefined && address.length <= 254 && /^[^@\s]+@[^@\s]+$/.test(address) ? address : undefined;
  const displayName = first(attributes.displayName);
  const claim = settings.matchProvisioned?.claim;
  const matchValue = claim === undefined ? undefined : claim === 'NameID' ? nameId : first(claim);
  const groups = (assertion.attributes.get(attributes.groups) ?? []).flatMap((one) => plainText(one) ?? []);
  return {
    issuer: entityId,
    subject,
    groups: [...new Set(groups.filter((group) => group.length <= MAX_GROUP_LENGTH))].toSorted().slice(0, MAX_GROUPS),
    mfa: assertion.contexts.some((context) => mfaContexts.includes(context)),
    ...(matchValue !== undefined && { matchValue }),
    ...(email !== undefined && { email }),
    ...(displayName !== undefined && { displayName }),
  };
}

function plainText(value: string): string | undefined {
  const text = value.trim();
  return text !== '' && text.length <= 1024 && !/[\u0000-\u001f\u007f]/.test(text) ? text : undefined;
}
