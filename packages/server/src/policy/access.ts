import type { Principal } from '#kernel/principal.ts';

/** Properties of a request that are known before any route handles it. */
export interface AccessRequest {
  readonly method: string;
  /** Path and query as received. */
  readonly url: string;
  /** Host header, or the forwarded one when the peer is a trusted proxy. */
  readonly host: string | undefined;
  /** `https` also if a trusted proxy reports it. */
  readonly scheme: 'http' | 'https';
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  /** The attempt id of the step that sends the request, if the connection identifies one. */
  readonly step?: string | undefined;
  /** The address of the client; behind trusted proxies, the address that they report. */
  readonly address: string;
  /** The uid of the peer of the connection; undefined if it cannot be determined. */
  peerUid(): Promise<number | undefined>;
}

/** The requirements of the HTTP route for the caller. */
export interface AccessRequirement {
  /** A caller without a credential is `ANONYMOUS`. */
  readonly anonymous: boolean;
  /** The operation requires a ticket: every caller is `ANONYMOUS`, and credentials are not checked. */
  readonly byTicket?: boolean;
  /** A page of another site may send the request: every caller is `ANONYMOUS`, and only the Host is checked. */
  readonly fromOtherSites?: boolean;
  /** The response comes from an operation, so that the authorizer checks whether the credential is still valid. */
  readonly dispatched: boolean;
}

/** Interface: authenticates the caller of a request before any route handles it. */
export interface Access {
  /**
   * Returns `ANONYMOUS` only if the route permits it and the request has no credential or the cookie of an ended
   * session, so that users with an old cookie can sign in again. An invalid token is always an error.
   * @throws DaisError `host_refused`, `origin_refused`, `unauthenticated`, `invalid_request` (a token in the URL).
   */
  identify(request: AccessRequest, wish: AccessRequirement): Promise<Principal>;
  /** Writes the data that is still in memory. Idempotent. */
  close(): Promise<void>;
}
