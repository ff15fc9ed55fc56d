/**
 * One identity provider: where to redirect a browser, and how to interpret its responses. Uses only the outbound
 * client.
 */
import { DaisError } from '@dais/api';
import type * as oidc from 'openid-client';
import type { Clock } from '#lib/clock.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { readPerson, type Person } from './person-claims.ts';
import { isLoopbackIssuer, type ProviderSettings } from './provider-settings.ts';

export interface ProviderDependencies {
  readonly outbound: Outbound;
  readonly clock: Clock;
}

/** The secrets of one sign-in; each is used once. */
export interface Challenge {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

export interface Grant {
  readonly person: Person;
  /** Checks later whether the user still has access. */
  readonly refreshToken?: string;
}

/** The state of a user at a provider, after an earlier sign-in. */
export type ProviderAccess =
  | { readonly state: 'welcome'; readonly refreshToken: string; readonly person?: Person }
  /** The provider no longer accepts the grant: the user left, was disabled, or revoked it. */
  | { readonly state: 'ended'; readonly reason: string };

/** Keys and endpoints change rarely; the library itself fetches unknown keys. */
const METADATA_MS = 3_600_000;
const TIMEOUT_SECONDS = 10;

type Library = typeof oidc;

export class ProviderClient {
  readonly settings: ProviderSettings;
  readonly #dependencies: ProviderDependencies;
  #known: { readonly until: number; readonly configuration: Promise<oidc.Configuration> } | undefined;

  constructor(settings: ProviderSettings, dependencies: ProviderDependencies) {
    this.settings = settings;
    this.#dependencies = dependencies;
  }

  /** Where to send the browser. @throws DaisError `upstream_failed` when the provider cannot be reached. */
  async authorizationUrl(challenge: Challenge, redirectUri: string): Promise<string> {
    const { library, configuration } = await this.#open();
    const { parameters, scopes } = this.settings;
    const url = library.buildAuthorizationUrl(configuration, {
      // The operator's parameters come first, so that they cannot replace built-in ones.
      ...parameters,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: scopes.join(' '),
      state: challenge.state,
      nonce: challenge.nonce,
      code_challenge: await library.calculatePKCECodeChallenge(challenge.verifier),
      code_challenge_method: 'S256',
    });
    return url.href;
  }

  /**
   * Converts the callback of a browser into a user: checks state and issuer, exchanges the code, and checks signature,
   * issuer, audience, times and nonce of the ID token.
   * @throws DaisError `unauthenticated` if the provider or the checks reject it, `upstream_failed` if the provider
   * cannot be reached.
   */
  async exchange(callbackUrl: URL, challenge: Challenge): Promise<Grant> {
    const { library, configuration } = await this.#open();
    try {
      const tokens = await library.authorizationCodeGrant(configuration, callbackUrl, {
        pkceCodeVerifier: challenge.verifier,
        expectedState: challenge.state,
        expectedNonce: challenge.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims();
      if (claims === undefined) throw new Error('a verified ID token has no claims');
      const person = await this.#personOf(library, configuration, claims, tokens.access_token);
      return { person, ...(tokens.refresh_token !== undefined && { refreshToken: tokens.refresh_token }) };
    } catch (error) {
      throw this.#toError(library, error);
    }
  }

  /**
   * Checks the access of a user who signed in earlier.
   * @throws DaisError `upstream_failed` if the provider cannot be reached or rejects the client: the state is unknown.
   */
  async checkAccess(refreshToken: string, subject: string): Promise<ProviderAccess> {
    const { library, configuration } = await this.#open();
    let tokens: Awaited<ReturnType<Library['refreshTokenGrant']>>;
    try {
      tokens = await library.refreshTokenGrant(configuration, refreshToken);
    } catch (error) {
      if (error instanceof library.ResponseBodyError && error.error === 'invalid_grant') {
        return { state: 'ended', reason: 'the provider no longer accepts the refresh token' };
      }
      throw new DaisError('upstream_failed', this.#toError(library, error).message, { cause: error });
    }
    const claims = tokens.claims() ?? { iss: this.settings.issuer, sub: subject };
    if (claims.sub !== subject) return { state: 'ended', reason: 'the provider returned another subject' };
    // A provider without token rotation returns no new token: the old one stays.
    const welcome = { state: 'welcome', refreshToken: tokens.refresh_token ?? refreshToken } as const;
    try {
      return { ...welcome, person: await this.#personOf(library, configuration, claims, tokens.access_token) };
    } catch (error) {
      if (error instanceof library.WWWAuthenticateChallengeError) {
        return { state: 'ended', reason: 'the provider no longer returns information about this user' };
      }
      // The old refresh token can be invalid by now: store the new one, even if the rest of the check failed.
      return welcome;
    }
  }

  /** The sign-out URL of the provider for a browser; undefined if the provider has none. */
  async endSessionUrl(returnTo: string): Promise<string | undefined> {
    const { library, configuration } = await this.#open();
    if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
    return library.buildEndSessionUrl(configuration, { post_logout_redirect_uri: returnTo }).href;
  }

  async #personOf(
    library: Library,
    configuration: oidc.Configuration,
    claims: Readonly<Record<string, unknown>> & { readonly iss: string; readonly sub: string },
    accessToken: string,
  ): Promise<Person> {
    // UserInfo returns claims that ID tokens omit, and is the only source after a refresh.
    const request = configuration.serverMetadata().userinfo_endpoint !== undefined;
    const profile = request ? await library.fetchUserInfo(configuration, accessToken, claims.sub) : {};
    return readPerson(claims, profile, this.settings);
  }

  /** @throws DaisError `upstream_failed`. */
  async #open(): Promise<{ readonly library: Library; readonly configuration: oidc.Configuration }> {
    const library = await import('openid-client');
    const now = this.#dependencies.clock.now();
    if (this.#known === undefined || this.#known.until <= now) {
      const configuration = this.#discover(library);
      const known = { until: now + METADATA_MS, configuration };
      this.#known = known;
      // A failure is not cached: the next sign-in retries.
      configuration.catch(() => {
        if (this.#known === known) this.#known = undefined;
      });
    }
    try {
      return { library, configuration: await this.#known.configuration };
    } catch (error) {
      if (error instanceof DaisError && error.code === 'upstream_failed') throw error;
      throw this.#failed(reasonOf(error), error);
    }
  }

  async #discover(library: Library): Promise<oidc.Configuration> {
    const { issuer, clientId, clientSecret } = this.settings;
    const configuration = await library.discovery(
      new URL(issuer),
      clientId,
      clientSecret,
      clientSecret === undefined ? library.None() : library.ClientSecretBasic(clientSecret),
      {
        [library.customFetch]: outboundFetch(this.#dependencies.outbound, true),
        timeout: TIMEOUT_SECONDS,
        execute: [
          library.enableNonRepudiationChecks,
          // The library would allow it for any host; we allow it for providers on this machine only.
          ...(isLoopbackIssuer(issuer) ? [library.allowInsecureRequests] : []),
        ],
      },
    );
    const reportedIssuer = configuration.serverMetadata().issuer;
    // For some vendors the library accepts another issuer; the signer would then differ from the configured issuer.
    if (reportedIssuer !== issuer)
      throw this.#failed(`its metadata names the issuer ${reportedIssuer.slice(0, 200)} instead of ${issuer}`);
    return configuration;
  }

  #toError(library: Library, error: unknown): DaisError {
    if (error instanceof DaisError) return error;
    const inner = error instanceof Error ? error.cause : undefined;
    if (inner instanceof DaisError) return inner;
    const { name } = this.settings;
    if (error instanceof library.AuthorizationResponseError) {
      const why = error.error_description === undefined ? error.error : `${error.error}: ${error.error_description}`;
      return new DaisError('unauthenticated', `"${name}" did not sign you in (${clean(why)}).`);
    }
    if (error instanceof library.ResponseBodyError) {
      // An error of the client configuration is not an error of the user.
      const ours = ['invalid_client', 'unauthorized_client', 'invalid_scope', 'unsupported_grant_type'].includes(
        error.error,
      );
      if (ours || error.status >= 500) return this.#failed(`it responds with ${clean(error.error)}`, error);
      return new DaisError(
        'unauthenticated',
        `"${name}" no longer accepts this sign-in (${clean(error.error)}). Sign in again.`,
      );
    }
    const code = (error as { code?: string }).code ?? '';
    if (
      ['OAUTH_TIMEOUT', 'OAUTH_ABORT', 'OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON'].includes(code)
    ) {
      return this.#failed(reasonOf(error), error);
    }
    return new DaisError(
      'unauthenticated',
      `The response of "${name}" is not valid: ${reasonOf(error)}. Sign in again.`,
      {
        cause: error,
      },
    );
  }

  #failed(reason: string, cause?: unknown): DaisError {
    return new DaisError(
      'upstream_failed',
      `The identity provider "${this.settings.name}" cannot be used: ${reason}.`,
      { cause },
    );
  }
}

function reasonOf(error: unknown): string {
  const inner = error instanceof Error ? error.cause : undefined;
  if (inner instanceof DaisError) return inner.message;
  return error instanceof Error ? clean(error.message) : 'the request failed';
}

/** Escapes foreign text for a message. */
function clean(text: string): string {
  return text
    .replaceAll(/[^\u0020-\u007e]/g, '?')
    .slice(0, 200)
    .replace(/\.$/, '');
}

/** The part of the Fetch API that libraries for OpenID Connect need. */
export type ProviderFetch = (
  url: string,
  options: {
    readonly method: string;
    readonly headers: Record<string, string>;
    readonly body?: unknown;
    readonly signal?: AbortSignal;
  },
) => Promise<Response>;

/** Largest answer of a provider; keys and metadata take a few KiB. */
const MAX_BYTES = 512 * 1024;
const TOTAL_MS = 10_000;

/**
 * Sends requests of a library through the outbound client: proxies, private authorities, limits. `trusted`: the
 * operator configured the provider, so internal addresses are permitted; otherwise the guard applies.
 */
function outboundFetch(outbound: Outbound, trusted: boolean): ProviderFetch {
  return async (url, { method, headers, body, signal }) => {
    const answer = await outbound.send({
      url,
      method,
      headers,
      trusted,
      maxBytes: MAX_BYTES,
      timeouts: { totalMs: TOTAL_MS },
      ...(body !== undefined && body !== null && { body: bodyText(body) }),
      ...(signal !== undefined && { signal }),
    });
    const empty = answer.status === 204 || answer.status === 205 || answer.status === 304;
    return new Response(empty ? null : new Uint8Array(answer.body), {
      status: answer.status,
      headers: { ...answer.headers },
    });
  };
}

function bodyText(body: unknown): string | Uint8Array {
  if (typeof body === 'string' || body instanceof Uint8Array) return body;
  if (body instanceof URLSearchParams) return body.toString();
  throw new Error('the body of a request to a provider must be text');
}
