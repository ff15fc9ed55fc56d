/** Checks that apply to every request before authentication: the Host and the Origin. */
import { isIP } from 'node:net';
import { DaisError } from '@dais/api';
import type { AccessRequest } from '#policy/access.ts';

export interface GateDependencies {
  /** Host names of the server in addition to loopback: the bind address, the public URL's, `allowHosts`. */
  readonly hosts: readonly string[];
  /** Origins that may call the server in addition to its own, for example `https://dais.example.com`. */
  readonly origins: readonly string[];
  /** People reach the server over HTTPS even where it sees plain HTTP. */
  readonly behindHttps?: boolean;
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS']);
const TOKEN_IN_URL = /dais_(?:pat|sat|ses|run|own)_[0-9A-Za-z]{8}/;

export class RequestGate {
  readonly #hosts: ReadonlySet<string>;
  readonly #origins: ReadonlySet<string>;
  readonly #behindHttps: boolean;

  constructor({ hosts, origins, behindHttps = false }: GateDependencies) {
    this.#behindHttps = behindHttps;
    this.#hosts = new Set([...LOOPBACK, ...hosts.map((host) => host.toLowerCase())]);
    this.#origins = new Set(origins.map((origin) => origin.toLowerCase()));
  }

  /** @throws DaisError `host_refused`, `origin_refused`, `invalid_request` (a token in the address). */
  check({ host, origin, url, scheme }: AccessRequest): void {
    this.#checkHost(host);
    if (origin !== undefined && !this.#isOwn(origin, host ?? '', scheme === 'https' || this.#behindHttps)) {
      throw new DaisError(
        'origin_refused',
        `The Origin header is "${origin.slice(0, 200)}", which is not an origin of this server.`,
      );
    }
    if (TOKEN_IN_URL.test(decoded(url))) {
      throw new DaisError(
        'invalid_request',
        'The URL contains a token, which logs and browser histories store. Revoke the token, and send a new one as `Authorization: Bearer …`.',
      );
    }
  }

  /**
   * A browser sends a cookie for requests of any site, so a write with a cookie must come from a page of this server:
   * shown by an Origin of this server (already checked), or by Sec-Fetch-Site where a browser omits the Origin.
   * @throws DaisError `origin_refused`.
   */
  checkWriteByCookie({ method, origin, fetchSite }: AccessRequest): void {
    if (SAFE_METHODS.has(method) || origin !== undefined || fetchSite === 'same-origin') return;
    throw new DaisError(
      'origin_refused',
      'A write request with a session cookie needs an Origin header of this server. Programs send a token instead.',
    );
  }

  /**
   * Also applies without a credential: a page of another site cannot sign a user in. @throws DaisError
   * `origin_refused`.
   */
  checkWriteByAnybody({ method, origin, fetchSite }: AccessRequest): void {
    if (SAFE_METHODS.has(method) || origin !== undefined) return;
    if (fetchSite === 'cross-site' || fetchSite === 'same-site') {
      throw new DaisError(
        'origin_refused',
        `The Sec-Fetch-Site header is "${fetchSite}": a page of another site sent the request.`,
      );
    }
  }

  /** A name that resolves to 127.0.0.1 in the attacker's DNS must not reach us (DNS rebinding). */
  #checkHost(host: string | undefined): void {
    const name = host === undefined ? undefined : hostName(host);
    if (name === undefined || !this.#hosts.has(name)) {
      throw new DaisError(
        'host_refused',
        name === undefined
          ? 'The Host header is missing.'
          : `The Host header is "${name}", which is not a host of this server.`,
      );
    }
  }

  /** A page over plain HTTP can be forged in transit, so it is not an origin of a server behind HTTPS. */
  #isOwn(origin: string, host: string, secure: boolean): boolean {
    const lower = origin.toLowerCase();
    const own = `//${host.toLowerCase()}`;
    return lower === `https:${own}` || (lower === `http:${own}` && !secure) || this.#origins.has(lower);
  }
}

/** Decodes percent-encoding where it is valid, only for inspection. */
function decoded(url: string): string {
  return url.replaceAll(/%([0-9a-f]{2})/gi, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** The host of `name:port`, `1.2.3.4:port`, `[::1]:port`, in lower case; undefined when it is none of these. */
export function hostName(header: string): string | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9._-]+))(?::\d{1,5})?$/.exec(header);
  if (match === null) return undefined;
  if (match[1] !== undefined) return isIP(match[1]) === 6 ? match[1].toLowerCase() : undefined;
  // A trailing dot makes a name absolute, but not a different name.
  return match[2]?.toLowerCase().replace(/\.$/, '');
}
