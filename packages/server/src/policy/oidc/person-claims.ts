import type { ProviderSettings } from './provider-settings.ts';

/** The user of a sign-in, as reported by the provider. */
export interface Person {
  readonly issuer: string;
  readonly subject: string;
  /** The value by which a provisioned user is found. */
  readonly matchValue?: string;
  /** In lower case; absent if the provider reports no verified address. */
  readonly email?: string;
  readonly displayName?: string;
  readonly groups: readonly string[];
  /** A second factor was used. */
  readonly mfa: boolean;
  /** The provider's own session; names it in back-channel logout. */
  readonly providerSession?: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** A token has a size limit; omitted groups grant nothing. */
const MAX_GROUPS = 1000;
const MAX_GROUP_LENGTH = 256;

/**
 * Reads verified claims; `claims` are those of the ID token, `profile` those of the UserInfo endpoint. Claims of the ID
 * token take precedence.
 */
export function readPerson(
  claims: Claims & { readonly iss: string; readonly sub: string },
  profile: Claims,
  settings: Pick<ProviderSettings, 'groupsClaim' | 'trustEmails' | 'mfaContexts' | 'matchProvisioned'>,
): Person {
  const all: Claims = { ...profile, ...claims };
  const email = verifiedEmail(all, settings.trustEmails);
  const displayName = textOf(all['name']) ?? textOf(all['preferred_username']);
  const providerSession = textOf(claims['sid']);
  const { matchProvisioned: match } = settings;
  // Only the ID token is signed.
  const matchValue = match === undefined ? undefined : textOf(claimAt(claims, match.claim));
  return {
    issuer: claims.iss,
    subject: claims.sub,
    groups: readGroups(claimAt(claims, settings.groupsClaim) ?? claimAt(profile, settings.groupsClaim)),
    mfa: usedSecondFactor(claims, settings.mfaContexts),
    ...(matchValue !== undefined && { matchValue }),
    ...(email !== undefined && { email }),
    ...(displayName !== undefined && { displayName }),
    ...(providerSession !== undefined && { providerSession }),
  };
}

/** A claim name (`https://example.com/groups`) or a path (`realm_access.roles`). */
function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  return path.split('.').reduce<unknown>((at, part) => {
    const isMap = typeof at === 'object' && at !== null && Object.hasOwn(at, part);
    return isMap ? (at as Claims)[part] : undefined;
  }, claims);
}

function readGroups(claim: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(claim) ? claim : claim === undefined ? [] : [claim];
  const names = list.filter(
    (one): one is string => textOf(one) !== undefined && (one as string).length <= MAX_GROUP_LENGTH,
  );
  return [...new Set(names)].toSorted().slice(0, MAX_GROUPS);
}

/** An unverified address could belong to anyone. Some providers send the flag as text. */
function verifiedEmail(claims: Claims, trustEmails: boolean): string | undefined {
  const verified = claims['email_verified'];
  if (!trustEmails && verified !== true && verified !== 'true') return undefined;
  if (verified === false || verified === 'false') return undefined;
  const email = textOf(claims['email'])?.toLowerCase();
  return email !== undefined && email.length <= 254 && /^[^@\s]+@[^@\s]+$/.test(email) ? email : undefined;
}

/** RFC 8176: `mfa` is explicit; the operator configures the meaning of `acr` values. */
function usedSecondFactor(claims: Claims, contexts: readonly string[]): boolean {
  const methods = claims['amr'];
  const acr = claims['acr'];
  return (Array.isArray(methods) && methods.includes('mfa')) || (typeof acr === 'string' && contexts.includes(acr));
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 1024 && !/[\u0000-\u001f\u007f]/.test(value)
    ? value
    : undefined;
}

/** Whether users with this address may be created. */
export function isAllowedDomain(email: string, allowedDomains: readonly string[]): boolean {
  const domain = email.slice(email.lastIndexOf('@') + 1);
  return allowedDomains.includes('*') || allowedDomains.includes(domain);
}
