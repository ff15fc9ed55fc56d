/**
 * The only HTTP client: supports proxies, private certificate authorities, time and size limits, and never calls
 * internal addresses for users. HTTP/1.1; bodies are not decompressed (compression is not requested).
 */
import type { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import type { SecureContext } from 'node:tls';
import type { Dispatcher } from 'undici';
import { createAddressGuard, systemResolve, type Resolve } from './address-guard.ts';
import { createDispatchers, type Timeouts } from './dispatchers.ts';
import { startDeadline } from './deadline.ts';
import type { Fail, OutboundErrorCode } from './error-code.ts';
import { isRedirect, portOf, readUrl, redirected, type Hop } from './hop.ts';
import { limitBody } from './limited-body.ts';
import { connectToProxy, tunnelThroughProxy, type Route, type RouteTarget } from './route.ts';
import { openTcp } from './tcp-connection.ts';
import { extendTrust } from './trust.ts';
import { createProxyChoice, type ProxySettings } from './proxy-choice.ts';
import { chainOf, failureText } from './failure-text.ts';

export interface OutboundOptions {
  readonly proxy: ProxySettings;
  /** PEM text of certificate authorities that are trusted in addition to those of Node. */
  readonly extraCa?: string;
  /** Hosts and networks that may be called although they are not public. */
  readonly allowHosts: readonly string[];
  /** Sent as User-Agent if the caller sets none. */
  readonly userAgent: string;
  readonly fail: Fail;
  /** Default: the system's resolver. */
  readonly resolve?: Resolve;
  readonly timeouts?: Partial<Timeouts>;
}

export interface OutboundRequest {
  readonly url: string;
  /** Default GET. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** A stream is sent once: it cannot follow a redirect. */
  readonly body?: string | Uint8Array | Readable;
  readonly timeouts?: Partial<Omit<Timeouts, 'connectMs'>>;
  /** Largest answer in bytes; default 1 MiB for `send`, no limit for `stream`. */
  readonly maxBytes?: number;
  /** Maximum redirects, at most 5; default 0: the 3xx response is returned. */
  readonly redirects?: number;
  /** The URL comes from the configuration, not from a user: internal addresses are permitted. */
  readonly trusted?: boolean;
  /** Never through a proxy: the address exists only on this machine, such as the metadata service of a cloud. */
  readonly direct?: boolean;
  readonly signal?: AbortSignal;
}

export interface OutboundAnswer<Body> {
  readonly status: number;
  /** Names in lower case; repeated headers joined by a comma, as RFC 9110 §5.3 reads them. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Body;
}

/**
 * Both calls throw the errors of `fail`: `address_refused` (not a public address and not allowed, not http or https,
 * credentials in the URL), `upstream_failed` (not reachable, no answer in time, answer too large, redirected too often).
 * An answer of any status is an answer. When `signal` aborts they throw its reason.
 */
export interface Outbound {
  /** Reads the whole answer. */
  send(request: OutboundRequest): Promise<OutboundAnswer<Buffer>>;
  /** Returns the response as it arrives; the caller reads or destroys the body. Its errors are those of the call. */
  stream(request: OutboundRequest): Promise<OutboundAnswer<Readable>>;
  /**
   * Checks whether a call to `url` is permitted, without making it. The proxy can still refuse a name that it resolves.
   * @throws as `send` does before it has a connection.
   */
  check(url: string): Promise<void>;
  /** A TCP connection for protocols other than HTTP (mail), through the same guard but never through a proxy. */
  connect(host: string, port: number, signal?: AbortSignal): Promise<Socket>;
  /**
   * Opens a connection for a client of `target` itself: through the same guard, and through the configured proxy where
   * calls to it take one.
   */
  route(target: RouteTarget, signal?: AbortSignal): Promise<Route>;
  /** Returns the kind of an error that this client threw; undefined for errors of others. */
  errorCodeOf(error: unknown): OutboundErrorCode | undefined;
  /** As `check`, for `connect`. */
  checkHost(host: string, port: number): Promise<void>;
  /** For TLS on such a connection: also trusts `extraCa`. Undefined: Node's authorities are sufficient. */
  readonly secureContext: SecureContext | undefined;
  /** The same as PEM, for a separate TLS context. */
  readonly authorities: readonly string[] | undefined;
  /** Closes every connection, also active ones. Idempotent. */
  close(): Promise<void>;
}

const DEFAULT_TIMEOUTS: Timeouts = { connectMs: 10_000, headersMs: 30_000, idleMs: 30_000, totalMs: 60_000 };
const DEFAULT_MAX_BYTES = 1 << 20;
const MAX_REDIRECTS = 5;
/** @throws the error of `fail` with `invalid_config`. */
export function createOutbound(options: OutboundOptions): Outbound {
  // Own errors return from a connection attempt wrapped by others: they are recognized because they were created here.
  const made = new WeakMap<Error, OutboundErrorCode>();
  const fail: Fail = (code, detail, cause) => {
    const error = options.fail(code, detail, cause);
    made.set(error, code);
    return error;
  };
  const resolve = options.resolve ?? systemResolve;
  const guard = createAddressGuard({ allowHosts: options.allowHosts, resolve, fail });
  const proxyOf = createProxyChoice(options.proxy, fail);
  const base: Timeouts = { ...DEFAULT_TIMEOUTS, ...options.timeouts };
  const { secureContext, authorities } =
    options.extraCa === undefined
      ? { secureContext: undefined, authorities: undefined }
      : extendTrust(options.extraCa, fail);
  const dispatchers = createDispatchers({ guard, secureContext, timeouts: base, fail });

  async function stream(request: OutboundRequest): Promise<OutboundAnswer<Readable>> {
    const timeouts = { ...base, ...request.timeouts };
    let hop: Hop = {
      url: readUrl(request.url, fail),
      method: (request.method ?? 'GET').toUpperCase(),
      headers: { 'user-agent': options.userAgent, ...lowerCase(request.headers ?? {}) },
      body: request.body,
    };
    const deadline = startDeadline(timeouts.totalMs, request.signal);
    try {
      const redirects = Math.min(request.redirects ?? 0, MAX_REDIRECTS);
      for (let followed = 0; ; followed += 1) {
        const answer = await exchange(hop, request, timeouts, deadline.signal);
        const location = answer.headers['location'];
        if (redirects === 0 || !isRedirect(answer.statusCode) || typeof location !== 'string') {
          const { url } = hop;
          const body = limitBody(answer.body, {
            maxBytes: request.maxBytes,
            tooLarge: () =>
              fail('upstream_failed', `the response of ${url.origin} has more than ${request.maxBytes} bytes`),
            translate: (error) => asFailure(error, url, request, timeouts),
            closed: () => deadline.clear(),
          });
          return { status: answer.statusCode, headers: joinHeaders(answer.headers), body };
        }
        answer.body.on('error', () => {}).destroy();
        if (followed === redirects) {
          throw fail('upstream_failed', `${hop.url.origin} redirects more than ${redirects} times`);
        }
        hop = redirected(hop, answer.statusCode, location, fail);
      }
    } catch (error) {
      deadline.clear();
      throw error;
    }
  }

  async function exchange(
    hop: Hop,
    request: OutboundRequest,
    timeouts: Timeouts,
    signal: AbortSignal,
  ): Promise<Dispatcher.ResponseData> {
    const { url } = hop;
    const port = portOf(url);
    const proxy = request.direct === true ? undefined : proxyOf(url);
    const trusted = request.trusted === true;
    try {
      signal.throwIfAborted();
      if (!trusted) {
        // The connection checks names (see dispatchers.ts), but not IP addresses.
        guard.checkLiteral(url.hostname, port);
        if (proxy !== undefined) await orAborted(guard.checkForProxy(url.hostname, port), signal);
      }
      const dispatcher = await dispatchers.choose(proxy, trusted);
      const call = dispatcher.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: hop.method,
        headers: hop.headers,
        body: hop.body ?? null,
        headersTimeout: timeouts.headersMs,
        bodyTimeout: timeouts.idleMs,
        signal,
      });
      return await orAborted(call, signal);
    } catch (error) {
      throw asFailure(error, url, request, timeouts);
    }
  }

  function asFailure(error: unknown, url: URL, request: OutboundRequest, timeouts: Timeouts): Error {
    if (request.signal?.aborted === true) return request.signal.reason as Error;
    return asError(error, url.origin, timeouts);
  }

  function asError(error: unknown, where: string, timeouts: Timeouts): Error {
    const known = chainOf(error).find((one) => made.has(one));
    return known ?? fail('upstream_failed', failureText(error, where, timeouts), error);
  }

  return {
    secureContext,
    authorities,
    stream,
    async check(text) {
      const url = readUrl(text, fail);
      await (proxyOf(url) === undefined
        ? guard.check(url.hostname, portOf(url))
        : guard.checkForProxy(url.hostname, portOf(url)));
    },
    async checkHost(host, port) {
      await guard.check(host, port);
    },
    async connect(host, port, signal) {
      try {
        return await openTcp(guard, host, port, base.connectMs, signal);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw asError(error, `${host}:${port}`, base);
      }
    },
    async route(target, signal) {
      const { host, port, protocol, trusted = false } = target;
      const name = host.includes(':') ? `[${host}]` : host;
      try {
        const url = new URL(`${protocol}//${name}:${port}`);
        const proxy = proxyOf(url);
        if (proxy === undefined) {
          const socket = await openTcp(trusted ? undefined : guard, host, port, base.connectMs, signal);
          return { socket };
        }
        if (!trusted) await guard.checkForProxy(host, port);
        const through = { proxy, secureContext, timeoutMs: base.connectMs, signal };
        return protocol === 'http:' ? await connectToProxy(through) : await tunnelThroughProxy(through, target);
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason;
        throw asError(error, `${name}:${port}`, base);
      }
    },
    errorCodeOf: (error) => (error instanceof Error ? made.get(error) : undefined),
    async send(request) {
      const { status, headers, body } = await stream({ maxBytes: DEFAULT_MAX_BYTES, ...request });
      return { status, headers, body: await buffer(body) };
    },
    close: async () => await dispatchers.close(),
  };
}

/** undici checks the signal only after it has a connection; the caller's time limit must not depend on one. */
async function orAborted<T>(call: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error);
    signal.addEventListener('abort', stop);
    if (signal.aborted) stop();
  });
  try {
    return await Promise.race([call, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

function lowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

function joinHeaders(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name.toLowerCase(), typeof value === 'string' ? value : value.join(', ')]],
    ),
  );
}
