import type { Principal } from '#kernel/principal.ts';

/** What a door knows of a request before any route sees it. */
export interface AccessRequest {
  readonly method: string;
  /** Path and query as they came. */
  readonly url: string;
  /** Host header, or the forwarded one when the peer is a trusted proxy. */
  readonly host: string | undefined;
  /** `https` also when a trusted proxy says so. */
  readonly scheme: 'http' | 'https';
  readonly origin: string | undefined;
  readonly fetchSite: string | undefined;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  /** The step that is at the other end, where its connection tells that: an attempt's id. */
  readonly step?: string | undefined;
  /** The client's address; behind trusted proxies the one they tell. */
  readonly address: string;
  /** The uid at the other end of the connection; undefined when it cannot be told. */
  peerUid(): Promise<number | undefined>;
}

/** What the door wants that a request came to. */
export interface AccessWish {
  /** Whoever has no credential is `ANONYMOUS`. */
  readonly anonymous: boolean;
  /** The operation itself asks for a ticket: everybody is `ANONYMOUS`, and no credential is looked at. */
  readonly byTicket?: boolean;
  /** The answer is an operation's, so that the authorizer asks whether the credential still holds. */
  readonly dispatched: boolean;
}

/** Port: decides who a request comes from, before any route sees it. */
export interface Access {
  /**
   * `ANONYMOUS` only when that is wanted and no credential was sent, or a cookie of a session that has ended: whoever
   * brings one must be able to sign in again. A wrong token is never ignored.
   * @throws DaisError `host_refused`, `origin_refused`, `unauthenticated`, `invalid_request` (a token in the address).
   */
  identify(request: AccessRequest, wish: AccessWish): Promise<Principal>;
  /** Writes down what it still keeps in memory. Idempotent. */
  close(): Promise<void>;
}
