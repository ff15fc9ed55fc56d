/** The HTTP/1.1 listener of the gateway. It uses no framework: one adds 10 % to a request on a small model. */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import type { Socket } from 'node:net';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { ChannelServer, CHANNEL_PROTOCOL } from '#lib/http/request-channel.ts';
import type { Log } from '#lib/log.ts';
import { isLoopback } from '#lib/system/tcp-table.ts';
import type { Caller } from '../predictions/attempt.ts';
import { channelHandler } from './channel-exchange.ts';
import { checkBody, readBody } from './http-body.ts';
import { NodeExchange, type HttpExchange } from './http-exchange.ts';
import { HttpLane } from './http-lane.ts';
import { sendReply } from './http-reply.ts';
import type { GatewayTls, Patience } from '../options.ts';
import type { Predictor } from '../predictions/predictor.ts';
import type { Routes } from '../routing/routes.ts';
import { VISIBLE_HEADER } from '#lib/formats/visible-names.ts';
import { ServedAccess, type Grant } from '../routing/served-access.ts';
import { servedView, type ViewDependencies } from '../routing/served-view.ts';
import type { MetadataRoute, InferRoute, ServingCall, ServingProtocol } from '../serving-protocol.ts';
import { isInMemory } from '../tensors/tensor-rows.ts';

export interface HttpGatewayDependencies {
  readonly doors: readonly ServingProtocol[];
  readonly routes: Routes;
  readonly predictor: Predictor;
  readonly view: ViewDependencies;
  readonly contactAt: () => number;
  /** Whether each connection ends after its next response. */
  readonly draining: () => boolean;
  readonly allowHosts: readonly string[];
  readonly patience?: Partial<Patience> | undefined;
  /** Memory for large bodies. */
  readonly memory: BufferPool;
  readonly clock: Clock;
  readonly log: Log;
}

/** Body limit of routes other than predictions. */
const MOST_SMALL_BODY = 1024 * 1024;
/** Most bytes of an unread body that are discarded to keep the connection open. */
const WORTH_READING_AWAY = 64 * 1024;
const KEEP_ALIVE_MS = 65_000;
const PATIENCE: Patience = { headers: 20_000, request: 300_000, reader: 60_000, linger: 5000, timeoutCheck: 1000 };

interface Exchange {
  readonly http: HttpExchange;
  readonly adapter: ServingProtocol;
  readonly call: ServingCall;
  readonly project: string | undefined;
  readonly requestId: string;
}

/** Receives plain connections. */
export interface PlainHttp {
  readonly accept: (socket: Socket) => void;
  /** Closes connections without an active request, except channels: the control process closes them after its last request. */
  readonly closeIdle: () => void;
}

export class HttpGateway {
  readonly #dependencies: HttpGatewayDependencies;
  readonly #patience: Patience;
  #goodHost: string | undefined;

  constructor(dependencies: HttpGatewayDependencies) {
    this.#dependencies = dependencies;
    this.#patience = { ...PATIENCE, ...dependencies.patience };
  }

  /** `guarded`: the sender has already checked Host and Origin. */
  plain({ guarded }: { readonly guarded: boolean }): PlainHttp {
    const handle = (http: HttpExchange) => this.#handle(http, guarded);
    const node = this.#onNode(createServer({ ...this.#times(), shouldUpgradeCallback: isChannel }), handle);
    this.#acceptChannels(node, guarded);
    const { memory } = this.#dependencies;
    const lane = new HttpLane({ handle, node, patience: this.#patience, keepAliveMs: KEEP_ALIVE_MS, memory });
    return {
      accept: (socket) => lane.accept(socket),
      closeIdle: () => {
        lane.closeIdle();
        node.close();
      },
    };
  }

  /** Accepts channels of the control process, over which it forwards requests of the main port. */
  #acceptChannels(node: Server, guarded: boolean): void {
    // The sender has checked Host and Origin of each request.
    const handle = channelHandler((http) => this.#handle(http, true));
    node.on('upgrade', (request, socket, first) => {
      try {
        this.#grant(request.headers, guarded);
      } catch {
        socket.end('HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
        return;
      }
      // It lives as long as its socket.
      void new ChannelServer(socket as Socket, first, handle);
    });
  }

  /** The same for TLS connections. */
  secure(tls: GatewayTls): SecureServer {
    const server = createSecureServer({ ...this.#times(), ...tls });
    // Connections without TLS are closed without a response, which the client could not parse.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return this.#onNode(server, (http) => this.#handle(http, false));
  }

  #times() {
    const { headers, request, timeoutCheck } = this.#patience;
    return {
      headersTimeout: headers,
      requestTimeout: request,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: timeoutCheck,
    };
  }

  #onNode<Any extends Server | SecureServer>(server: Any, handle: (http: HttpExchange) => void): Any {
    const listener = (request: IncomingMessage, response: ServerResponse) =>
      handle(new NodeExchange(request, response, this.#patience, this.#dependencies.memory));
    server.on('request', listener);
    // Request the body only when it will be read.
    server.on('checkContinue', listener);
    // The server receives sockets and never listens, so it does not start its own check for slow requests.
    server.emit('listening');
    return server;
  }

  #handle(http: HttpExchange, guarded: boolean): void {
    const { doors: adapters, clock } = this.#dependencies;
    const { method, url, headers } = http;
    const given = headers['x-request-id'];
    const requestId = typeof given === 'string' && PLAIN_ID.test(given) ? given : uuidv7(clock.now());
    const { path, query, project } = addressOf(url);
    const call = { method, path, query, headers };
    for (const adapter of adapters) {
      const match = adapter.match(method, path);
      if (match === undefined) continue;
      const named = project ?? oneHeader(headers, 'dais-project');
      const exchange = { http, adapter, call, project: named, requestId };
      const answered =
        match.kind === 'infer' ? this.#infer(exchange, match, guarded) : this.#answer(exchange, match, guarded);
      answered.catch((error: unknown) => this.#sendError(exchange, error));
      return;
    }
    const [adapter] = adapters;
    if (adapter === undefined) http.send(404, {}, {}, '');
    else {
      const exchange = { http, adapter, call, project, requestId };
      this.#sendError(exchange, new DaisError('route_not_found', `The gateway has no route ${method} ${path}.`));
    }
  }

  async #infer(exchange: Exchange, match: InferRoute, guarded: boolean): Promise<void> {
    const { http, call, project, requestId, adapter } = exchange;
    const { headers } = http;
    const { predictor } = this.#dependencies;
    const grant = this.#grant(headers, guarded);
    const route = predictor.find(match, { project, grant });
    checkBody(headers, route.served.bodyBytes);
    const body = await readBody(http, route.served.bodyBytes, match.binaryAt?.(headers));
    const caller: Caller = {
      grant,
      principal: ServedAccess.principal(grant, oneHeader(headers, 'dais-on-behalf-of')),
      protocol: adapter.name,
      project,
      requestId,
      isTrial: ServedAccess.isTrial(grant, oneHeader(headers, 'dais-capture')),
      traceparent: oneHeader(headers, 'traceparent'),
      header: (name) => oneHeader(headers, name),
      onGone: (gone) => http.onClose(gone),
    };
    const { reply, answer, afterwards } = await predictor.predict(route, match.version, caller, {
      bytes: body.length,
      open: () => match.open(body, call),
    });
    const own = this.#ownHeaders(requestId);
    own['dais-variant'] = answer.variant;
    own['dais-model-version'] = answer.described.version;
    own['dais-prediction-id'] = answer.predictionId;
    if (caller.traceparent !== undefined) own['traceparent'] = caller.traceparent;
    const sent = sendReply(http, reply, own);
    if (sent !== undefined) await sent;
    // A model may return its input, which can wait to be sent.
    if (afterwards() && !answer.outputs.some((output) => isInMemory(output, body.buffer))) http.giveBodyBack();
  }

  async #answer(exchange: Exchange, match: MetadataRoute, guarded: boolean): Promise<void> {
    const { http, call, project, requestId } = exchange;
    const { headers } = http;
    const grant = match.open === true ? this.#openGrant(headers, guarded) : this.#grant(headers, guarded);
    checkBody(headers, MOST_SMALL_BODY);
    const body = call.method === 'POST' ? await readBody(http, MOST_SMALL_BODY) : NOTHING;
    const visible = grant && ServedAccess.narrow(grant, oneHeader(headers, VISIBLE_HEADER));
    const reply = await match.answer(servedView(this.#dependencies.view, visible, project), body, call);
    await sendReply(http, reply, this.#ownHeaders(requestId));
  }

  #sendError({ http, adapter, call, requestId }: Exchange, error: unknown): void {
    if (http.isGone) return;
    const daisError = error instanceof DaisError ? error : new DaisError('internal', 'Internal server error.');
    if (daisError !== error) this.#dependencies.log.error('a request failed', { error, requestId, path: call.path });
    if (http.isAnswered) {
      http.drop();
      return;
    }
    const unread = http.hasMore && !(Number(http.headers['content-length']) <= WORTH_READING_AWAY);
    const extra = {
      'x-request-id': requestId,
      ...(daisError.retryable && { 'retry-after': String(Math.max(1, Math.ceil(daisError.retryAfter ?? 1))) }),
      ...(daisError.code === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
      // Do not wait for a body that is not read.
      ...((unread || this.#dependencies.draining()) && { connection: 'close' }),
    };
    if (unread) http.linger();
    const send = async () => await sendReply(http, adapter.formatError(daisError, call), extra);
    send().catch(() => http.drop());
  }

  #grant(headers: IncomingHttpHeaders, guarded: boolean): Grant {
    const { routes, clock, contactAt } = this.#dependencies;
    const { access } = routes.table;
    if (access.solo && !guarded) this.#checkOrigin(headers);
    return access.grant(headers.authorization, clock.now(), contactAt());
  }

  /** For routes that need no token; a sent token is still checked. */
  #openGrant(headers: IncomingHttpHeaders, guarded: boolean): Grant | undefined {
    try {
      return this.#grant(headers, guarded);
    } catch (error) {
      if (error instanceof DaisError && (error.status === 401 || error.status === 503)) return undefined;
      throw error;
    }
  }

  /** A web page can reach a loopback port, also with a host name of its own (DNS rebinding). */
  #checkOrigin(headers: IncomingHttpHeaders): void {
    // The same name repeats; parsing it takes 3 µs.
    if (headers.host === this.#goodHost && headers.origin === undefined) return;
    const host = hostOf(headers.host);
    if (host === undefined || !(isLoopback(host) || this.#dependencies.allowHosts.includes(host))) {
      throw new DaisError('host_refused', `The Host header "${headers.host ?? ''}" is not allowed for this gateway.`);
    }
    const { origin } = headers;
    if (origin !== undefined && hostOf(origin.replace(/^https?:\/\//, '')) !== host) {
      throw new DaisError('origin_refused', `Cross-origin requests from ${origin} are not allowed.`);
    }
    this.#goodHost = headers.host;
  }

  #ownHeaders(requestId: string): Record<string, string> {
    const own: Record<string, string> = { 'x-request-id': requestId };
    if (this.#dependencies.draining()) own['connection'] = 'close';
    return own;
  }
}

function isChannel({ headers }: IncomingMessage): boolean {
  return headers.upgrade === CHANNEL_PROTOCOL;
}

const NOTHING = Buffer.alloc(0);
const PLAIN_ID = /^[A-Za-z0-9._:/@=+-]{1,128}$/;

function addressOf(url: string): {
  readonly path: string;
  readonly query: string;
  readonly project: string | undefined;
} {
  const mark = url.indexOf('?');
  const whole = mark < 0 ? url : url.slice(0, mark);
  const query = mark < 0 ? '' : url.slice(mark + 1);
  if (!whole.startsWith('/p/')) return { path: whole, query, project: undefined };
  const end = whole.indexOf('/', 3);
  if (end < 0) return { path: whole, query, project: undefined };
  try {
    return { path: whole.slice(end), query, project: decodeURIComponent(whole.slice(3, end)) };
  } catch {
    return { path: whole, query, project: undefined };
  }
}

function oneHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function hostOf(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}
