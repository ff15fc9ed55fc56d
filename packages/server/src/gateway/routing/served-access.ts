/** Authorizes calls of endpoints from the snapshot alone. */
import { hash } from 'node:crypto';
import { DaisError } from '@dais/api/errors';
import type { Snapshot } from '@dais/api/gateway';
import { decodeVisible, VISIBLE_HEADER } from '#lib/formats/visible-names.ts';

export interface Grant {
  readonly principal: string;
  may(project: string, endpoint: string): boolean;
}

const EVERYTHING: Grant = { principal: 'owner', may: () => true };
/** Name of the control plane's own token. */
const CONTROL_PLANE = 'system/dais';
/** Most cached headers: hashing a token takes 2 µs, a lookup by text does not. */
const MOST_SEEN = 1000;

interface Known extends Grant {
  readonly expiresAt: number;
}

export class ServedAccess {
  readonly #tokens: ReadonlyMap<string, Known> | undefined;
  readonly #offlineMs: number;
  /** By the text of the header. Replaced with the snapshot, so a revoked token is never found. */
  readonly #cache = new Map<string, Known>();

  constructor(access: Snapshot['access']) {
    this.#offlineMs = access.mode === 'tokens' ? access.offlineMs : Number.POSITIVE_INFINITY;
    if (access.mode === 'solo') return;
    this.#tokens = new Map(
      access.tokens.map(({ hash: digest, principal, endpoints, expiresAt }) => {
        const named = new Set(endpoints);
        const known: Known = {
          principal,
          may: (project, endpoint) => named.has(`${project}/${endpoint}`),
          expiresAt: expiresAt === undefined ? Number.POSITIVE_INFINITY : Date.parse(expiresAt),
        };
        return [digest, known];
      }),
    );
  }

  /** Accepts every caller of the port; such a port is only available under names of this machine. */
  get solo(): boolean {
    return this.#tokens === undefined;
  }

  /** Returns the principal to record: the control plane calls on behalf of callers that it has authenticated. */
  static principal(grant: Grant, onBehalfOf: string | undefined): string {
    return grant.principal === CONTROL_PLANE && onBehalfOf !== undefined ? onBehalfOf : grant.principal;
  }

  /**
   * Restricts the grant to the endpoints in `visible`. It only removes permissions, so any caller may send it; the
   * control plane does for callers at the main port.
   */
  static narrow(grant: Grant, visible: string | undefined): Grant {
    if (visible === undefined) return grant;
    let names: ReadonlySet<string>;
    try {
      names = decodeVisible(visible);
    } catch {
      throw new DaisError('invalid_request', `The header ${VISIBLE_HEADER} is malformed.`);
    }
    return {
      principal: grant.principal,
      may: (project, endpoint) => names.has(endpoint) && grant.may(project, endpoint),
    };
  }

  /** Only the control plane, and the owner in solo mode, may mark a request as a test. */
  static isTrial(grant: Grant, capture: string | undefined): boolean {
    return capture === 'off' && (grant === EVERYTHING || grant.principal === CONTROL_PLANE);
  }

  /** Throws `unauthenticated`, or `server_unreachable` if the tokens have not been confirmed for too long. */
  grant(authorization: string | undefined, now: number, contactAt: number): Grant {
    if (this.#tokens === undefined) return EVERYTHING;
    if (now - contactAt > this.#offlineMs) {
      throw new DaisError(
        'server_unreachable',
        `The gateway has had no contact with the control plane for ${Math.round((now - contactAt) / 1000)} s and rejects all tokens until it reconnects.`,
        { retryAfter: 5 },
      );
    }
    if (authorization === undefined) throw new DaisError('unauthenticated', 'The request has no token.');
    const known = this.#cache.get(authorization) ?? this.#find(this.#tokens, authorization);
    if (known === undefined || known.expiresAt <= now) {
      throw new DaisError('unauthenticated', 'The token is unknown, revoked or expired.');
    }
    return known;
  }

  #find(tokens: ReadonlyMap<string, Known>, authorization: string): Known | undefined {
    const [, token] = /^bearer +(\S+)$/i.exec(authorization) ?? [];
    if (token === undefined) throw new DaisError('unauthenticated', 'Send the token as `Authorization: Bearer …`.');
    const known = tokens.get(hash('sha256', token, 'hex'));
    if (known !== undefined) {
      if (this.#cache.size >= MOST_SEEN) this.#cache.clear();
      this.#cache.set(authorization, known);
    }
    return known;
  }
}
