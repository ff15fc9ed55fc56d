import type { CookieWish } from '#lib/cookies.ts';

/**
 * What an operation below `/auth/` gives: the body that its caller sees, and what only a browser is told. Cookies never
 * stand in a body, so that no script and no log sees them.
 */
export interface AuthAnswer {
  readonly body: unknown;
  readonly cookies?: readonly CookieWish[];
  /** A path of this server (see oidc/return-path.ts) or the address of an identity provider; the answer is then a redirect. */
  readonly redirect?: string;
}
