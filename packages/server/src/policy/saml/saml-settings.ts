import type { MatchProvisioned } from '#policy/oidc/provider-settings.ts';

/** An identity provider with SAML 2.0, as the configuration names it. Every default is filled in. */
export interface SamlSettings {
  /** Used in URLs and in `Team.spec.groups`. */
  readonly name: string;
  /** On the button of the sign-in page. */
  readonly title?: string | undefined;
  /** Entity id of the provider. */
  readonly entityId: string;
  /** Where the provider receives requests: HTTP-Redirect binding. */
  readonly signInUrl: string;
  /** Certificates in PEM that may sign assertions. Two while the provider rotates them. */
  readonly certificates: readonly string[];
  readonly attributes: SamlAttributes;
  /** Lower case; `*` is every domain. */
  readonly allowedDomains: readonly string[];
  readonly createUsers: boolean;
  readonly matchProvisioned?: MatchProvisioned | undefined;
  readonly clockSkewSeconds: number;
  readonly mfaContexts: readonly string[];
  readonly withoutProvisioning: 'end' | 'keep';
}

/** Names of the attributes of an assertion. */
export interface SamlAttributes {
  /** Identifies a person. Absent: the NameID. */
  readonly subject?: string | undefined;
  readonly email: string;
  readonly displayName: string;
  readonly groups: string;
}

/** URLs of Dais at one provider. */
export interface SamlUrls {
  /** Entity id of Dais; its metadata is there. */
  readonly entityId: string;
  /** Assertion consumer service. */
  readonly acs: string;
}

export function samlUrls(url: string, provider: string): SamlUrls {
  const base = `${url}/auth/saml/${encodeURIComponent(provider)}`;
  return { entityId: `${base}/metadata`, acs: `${base}/acs` };
}
