/**
 * A forward proxy (RFC 9110 §7.6, CONNECT and requests in absolute form) that opens connections through the outbound
 * client. It resolves names itself and connects to the addresses that the guard checked, so a client without another
 * network reaches only what the guard allows. It does not listen: its owner passes connections to it.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { pipeline, type Duplex } from 'node:stream';
import type { OutboundErrorCode } from './error-code.ts';
import type { Outbound } from './outbound.ts';
import type { Route, RouteTarget } from './route.ts';

/** A destination that was refused or could not be reached. */
export interface ProxyFailure {
  readonly host: string;
  readonly port: number;
  readonly code: OutboundErrorCode | 'bad_request';
  /** A complete sentence for the user of the program. */
  readonly message: string;
}

/** Authenticates the peer of a connection. */
export interface ProxyClient {
  /** Hosts that the operator configured: reached without the guard, at exactly this host and port. */
  readonly trusted?: readonly { readonly host: string; readonly port: number }[];
  /** The only destinations of this client, when they are known; others are refused. */
  readonly only?: readonly { readonly host: string; readonly port: number }[];
  /** Expected as the password of `Proxy-Authorization: Basic`; undefined: every connection counts as this client's. */
  readonly token?: string;
  readonly onFailure?: (failure: ProxyFailure) => void;
  /** Called when a connection to a destination ends. */
  readonly onTransfer?: (sentBytes: number, receivedBytes: number) => void;
}

export interface ForwardProxyLimits {
  /** Bytes of a request's line and headers. */
  readonly headerBytes: number;
  /** A connection without a byte in either direction ends after this many milliseconds. */
  readonly idleMs: number;
  /** Maximum connections of one client; further ones are closed. */
  readonly connections: number;
}

const LIMITS: ForwardProxyLimits = { headerBytes: 16 * 1024, idleMs: 600_000, connections: 128 };

/** Concern one connection, so a proxy does not pass them on (RFC 9110 §7.6.1). */
const HOP_HEADERS = new Set(['connection', 'keep-alive', 'proxy-authorization', 'proxy-connection', 'te', 'upgrade']);

export class ForwardProxy {
  readonly #outbound: Pick<Outbound, 'route' | 'errorCodeOf'>;
  readonly #limits: ForwardProxyLimits;
  readonly #server: Server;
  readonly #clients = new WeakMap<Duplex, ProxyClient>();
  readonly #open = new Map<ProxyClient, Set<Socket>>();

  constructor(outbound: Pick<Outbound, 'route' | 'errorCodeOf'>, limits: Partial<ForwardProxyLimits> = {}) {
    this.#outbound = outbound;
    this.#limits = { ...LIMITS, ...limits };
    this.#server = createServer({ maxHeaderSize: this.#limits.headerBytes, keepAliveTimeout: 60_000 });
    // The server never listens, so its periodic checks do not run; the timeout of each socket is what counts.
    this.#server.timeout = this.#limits.idleMs;
    this.#server.on('request', (request, response) => void this.#forward(request, response));
    this.#server.on('connect', (request, socket, head) => void this.#tunnel(request, socket as Socket, head));
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Serves one connection of `client` until either side ends it. Connections beyond the limit are closed. */
  accept(socket: Socket, client: ProxyClient): void {
    const open = this.#open.get(client) ?? new Set();
    if (open.size >= this.#limits.connections) {
      socket.destroy();
      return;
    }
    this.#open.set(client, open.add(socket));
    this.#clients.set(socket, client);
    socket.on('error', () => {});
    socket.once('close', () => {
      open.delete(socket);
      if (open.size === 0) this.#open.delete(client);
    });
    this.#server.emit('connection', socket);
  }

  /** Ends every connection. Idempotent. */
  close(): void {
    for (const sockets of this.#open.values()) for (const socket of sockets) socket.destroy();
  }

  async #tunnel(request: IncomingMessage, socket: Socket, head: Buffer): Promise<void> {
    const client = this.#clients.get(socket) ?? {};
    const target = readAuthority(request.url ?? '');
    // Errors of a client that disconnects while the connection is being made.
    socket.on('error', () => {});
    if (!isAuthorized(request, client))
      return endTunnel(socket, 407, 'Proxy authentication required', 'The token is missing.');
    if (target === undefined) return endTunnel(socket, 400, 'Bad request', 'CONNECT needs HOST:PORT.');
    const left = new AbortController();
    socket.once('close', () => left.abort());
    try {
      const route = await this.#route(target, client, left.signal);
      if (socket.destroyed) {
        route.socket.destroy();
        return;
      }
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (route.head !== undefined && route.head.length > 0) socket.write(route.head);
      if (head.length > 0) route.socket.write(head);
      this.#count(route.socket, client);
      this.#join(socket, route.socket);
    } catch (error) {
      const failure = this.#failed(error, target, client);
      const status = failure.code === 'address_refused' ? 403 : 502;
      const phrase = status === 403 ? 'Refused by the outbound guard' : 'Destination unreachable';
      endTunnel(socket, status, phrase, failure.message);
    }
  }

  #join(socket: Socket, upstream: Socket): void {
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      one.setTimeout(this.#limits.idleMs, () => one.destroy());
      // Either side may close its half and still read: `pipeline` would end both.
      one.on('error', () => other.destroy());
      one.once('close', () => other.destroySoon());
      one.pipe(other);
    }
  }

  async #forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const client = this.#clients.get(request.socket) ?? {};
    response.on('error', () => {});
    request.on('error', () => {});
    const url = readAbsolute(request.url ?? '');
    if (!isAuthorized(request, client)) {
      response.setHeader('proxy-authenticate', 'Basic realm="proxy"');
      return answer(response, 407, 'The proxy needs its token as the password.');
    }
    if (url === undefined) return answer(response, 400, 'This is a proxy: send the absolute http:// URL, or CONNECT.');
    const target: RouteTarget = { protocol: 'http:', host: plainHost(url.hostname), port: Number(url.port || 80) };
    const left = new AbortController();
    response.once('close', () => left.abort());
    try {
      const { socket, proxy } = await this.#route(target, client, left.signal);
      this.#count(socket, client);
      socket.setTimeout(this.#limits.idleMs, () => socket.destroy());
      const headers = [...passedOn(request.rawHeaders, ['host']), 'Host', url.host, 'Connection', 'close'];
      if (proxy?.authorization !== undefined) headers.push('Proxy-Authorization', proxy.authorization);
      const upstream = httpRequest({
        method: request.method ?? 'GET',
        path: proxy === undefined ? url.pathname + url.search : url.href,
        headers,
        createConnection: () => socket,
        maxHeaderSize: 64 * 1024,
      });
      left.signal.addEventListener('abort', () => upstream.destroy());
      await new Promise<void>((resolve, reject) => {
        upstream.once('error', reject);
        upstream.once('response', (from) => {
          response.writeHead(from.statusCode ?? 502, from.statusMessage ?? '', passedOn(from.rawHeaders, []));
          pipeline(from, response, () => resolve());
        });
        request.pipe(upstream);
      });
    } catch (error) {
      if (response.destroyed) return;
      const failure = this.#failed(error, target, client);
      if (response.headersSent) response.destroy();
      else answer(response, failure.code === 'address_refused' ? 403 : 502, failure.message);
    }
  }

  async #route(target: RouteTarget, client: ProxyClient, signal: AbortSignal): Promise<Route> {
    const isTarget = ({ host, port }: Pick<RouteTarget, 'host' | 'port'>) =>
      host === target.host && port === target.port;
    if (client.only?.some(isTarget) === false) throw new OtherDestination();
    const trusted = client.trusted?.some(isTarget) === true;
    const route = await this.#outbound.route({ ...target, trusted }, signal);
    route.socket.on('error', () => {});
    return route;
  }

  #count(socket: Socket, { onTransfer }: ProxyClient): void {
    if (onTransfer !== undefined) socket.once('close', () => onTransfer(socket.bytesWritten, socket.bytesRead));
  }

  #failed(error: unknown, { host, port }: RouteTarget, client: ProxyClient): ProxyFailure {
    const isOther = error instanceof OtherDestination;
    const code = isOther ? 'address_refused' : (this.#outbound.errorCodeOf(error) ?? 'upstream_failed');
    const why = error instanceof Error ? error.message : String(error);
    const where = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
    const message = isOther
      ? `Connection to ${where} was refused: ${why}.`
      : code === 'address_refused'
        ? `Connection to ${where} was refused by the outbound guard: ${why}.`
        : `Connection to ${where} failed: ${why}.`;
    const failure = { host, port, code, message };
    client.onFailure?.(failure);
    return failure;
  }
}

class OtherDestination extends Error {
  constructor() {
    super('the host is not in the allowed hosts of this program');
  }
}

/** `HOST:PORT` of a CONNECT request, with the host in its canonical form. */
function readAuthority(text: string): RouteTarget | undefined {
  if (!/^(\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]]+):\d{1,5}$/.test(text) || !URL.canParse(`http://${text}`)) return undefined;
  const port = Number(text.slice(text.lastIndexOf(':') + 1));
  const { hostname } = new URL(`http://${text}`);
  return port < 1 || port > 65_535 ? undefined : { protocol: 'https:', host: plainHost(hostname), port };
}

function readAbsolute(text: string): URL | undefined {
  if (!/^http:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.username === '' && url.password === '' ? url : undefined;
}

function plainHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1');
}

function isAuthorized({ headers }: IncomingMessage, { token }: ProxyClient): boolean {
  if (token === undefined) return true;
  const [, encoded = ''] = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(headers['proxy-authorization'] ?? '') ?? [];
  const pair = Buffer.from(encoded, 'base64').toString('utf8');
  return timingSafeEqual(digest(pair.slice(pair.indexOf(':') + 1)), digest(token));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Raw headers (name, value, name, value) without hop-by-hop headers. */
function passedOn(raw: readonly string[], without: readonly string[]): string[] {
  const dropped = new Set([...HOP_HEADERS, ...without]);
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at]!.toLowerCase() !== 'connection') continue;
    for (const name of raw[at + 1]!.split(',')) dropped.add(name.trim().toLowerCase());
  }
  return raw.filter((_, at) => !dropped.has(raw[at - (at % 2)]!.toLowerCase()));
}

function answer(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' }).end(`${message}\n`);
}

function endTunnel(socket: Socket, status: number, phrase: string, message: string): void {
  const body = Buffer.from(`${message}\n`);
  const authenticate = status === 407 ? 'Proxy-Authenticate: Basic realm="proxy"\r\n' : '';
  const head = `HTTP/1.1 ${status} ${phrase}\r\n${authenticate}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n`;
  socket.end(Buffer.concat([Buffer.from(head), body]));
}
