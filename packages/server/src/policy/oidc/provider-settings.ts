/** How the first sign-in of a person finds a user that the provider provisioned (SCIM). */
export interface MatchProvisioned {
  /** Of the ID token or the assertion. */
  readonly claim: string;
  readonly attribute: 'userName' | 'externalId';
}

/** An identity provider as the configuration names it. Every default is filled in. */
export interface ProviderSettings {
  /** Used in URLs and in `Team.spec.groups`. */
  readonly name: string;
  /** On the button of the sign-in page. */
  readonly title?: string | undefined;
  readonly issuer: string;
  readonly clientId: string;
  /** Absent for a public client: PKCE alone then protects the code. */
  readonly clientSecret?: string | undefined;
  readonly scopes: readonly string[];
  readonly groupsClaim: string;
  /** Lower case; `*` is every domain. */
  readonly allowedDomains: readonly string[];
  readonly createUsers: boolean;
  readonly trustEmails: boolean;
  readonly matchProvisioned?: MatchProvisioned | undefined;
  readonly mfaContexts: readonly string[];
  readonly parameters: Readonly<Record<string, string>>;
  readonly withoutRefreshToken: 'end' | 'keep';
}

/** Plain HTTP is for tests and for providers on the same machine only. */
export function isLoopbackIssuer(issuer: string): boolean {
  const { protocol, hostname } = new URL(issuer);
  return (
    protocol === 'http:' && (hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname))
  );
}
