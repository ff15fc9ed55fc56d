/** The gateway over HTTP/1.1, on Node's own server: what a framework adds costs 10 % of a request on a small model. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { DaisError } from '@dais/api';
import type { Clock } from '#lib/clock.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Log } from '#lib/log.ts';
import { isLoopback } from '#lib/tcp-listener.ts';
import type { Caller } from './attempt.ts';
import { checkBody, readBody } from './http-body.ts';
import { closeLingering, sendReply } from './http-reply.ts';
import type { GatewayTls, Patience } from './options.ts';
import type { Predictor } from './predictor.ts';
import type { Routes } from './routes.ts';
import { ServedAccess, type Grant } from './served-access.ts';
import { servedView, type ViewParts } from './served-view.ts';
import type { AnswerMatch, InferMatch, ServingCall, ServingDoor, ServingReply } from './serving-door.ts';

export interface HttpGatewayParts {
  readonly doors: readonly ServingDoor[];
  readonly routes: Routes;
  readonly predictor: Predictor;
  readonly view: ViewParts;
  readonly heardAt: () => number;
  readonly draining: () => boolean;
  readonly allowHosts: readonly string[];
  readonly patience?: Partial<Patience> | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

/** What an address that takes no predictions may be sent. */
const MOST_SMALL_BODY = 1024 * 1024;
/** Of an unread body, what is read away so that the connection can go on. */
const WORTH_READING_AWAY = 64 * 1024;
const KEEP_ALIVE_MS = 65_000;
const PATIENCE: Patience = { headers: 20_000, request: 300_000, reader: 60_000, linger: 5000, look: 1000 };

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly door: ServingDoor;
  readonly call: ServingCall;
  readonly project: string | undefined;
  readonly requestId: string;
}

export class HttpGateway {
  readonly #parts: HttpGatewayParts;
  readonly #patience: Patience;

  constructor(parts: HttpGatewayParts) {
    this.#parts = parts;
    this.#patience = { ...PATIENCE, ...parts.patience };
  }

  /** `guarded`: whoever hands requests on has looked at Host and Origin. */
  server({ guarded }: { readonly guarded: boolean }): Server {
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response, guarded);
    const server = createServer(this.#times(), handle);
    // The body is only asked for when it will be read.
    server.on('checkContinue', handle);
    return server;
  }

  /** The same for connections in TLS. */
  secureServer(tls: GatewayTls): SecureServer {
    const handle = (request: IncomingMessage, response: ServerResponse) => this.#handle(request, response, false);
    const server = createSecureServer({ ...this.#times(), ...tls }, handle);
    server.on('checkContinue', handle);
    // What is no TLS ends without an answer: there is nobody who would understand one.
    server.on('tlsClientError', (_error, socket) => socket.destroy());
    return server;
  }

  #times() {
    const { headers, request, look } = this.#patience;
    return {
      headersTimeout: headers,
      requestTimeout: request,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connectionsCheckingInterval: look,
    };
  }

  #handle(request: IncomingMessage, response: ServerResponse, guarded: boolean): void {
    const { doors, clock } = this.#parts;
    const { method = '', url = '/', headers } = request;
    const given = headers['x-request-id'];
    const requestId = typeof given === 'string' && PLAIN_ID.test(given) ? given : uuidv7(clock.now());
    const { path, query, project } = addressOf(url);
    const call = { method, path, query, headers };
    for (const door of doors) {
      const match = door.match(method, path);
      if (match === undefined) continue;
      const named = project ?? oneHeader(request, 'dais-project');
      const exchange = { request, response, door, call, project: named, requestId };
      const answered =
        match.kind === 'infer' ? this.#infer(exchange, match, guarded) : this.#answer(exchange, match, guarded);
      answered.catch((error: unknown) => this.#fault(exchange, error));
      return;
    }
    const [door] = doors;
    if (door === undefined) response.writeHead(404).end();
    else {
      const exchange = { request, response, door, call, project, requestId };
      this.#fault(exchange, new DaisError('route_not_found', `There is no ${method} ${path} here.`));
    }
  }

  async #infer(exchange: Exchange, match: InferMatch, guarded: boolean): Promise<void> {
    const { request, response, call, project, requestId, door } = exchange;
    const { predictor } = this.#parts;
    const grant = this.#grant(request, guarded);
    const route = predictor.find(match, { project, grant });
    checkBody(request, route.served.bodyBytes);
    if (this.#parts.draining()) throw new DaisError('shutting_down', 'This gateway is stopping.');
    if (request.headers.expect !== undefined) response.writeContinue();
    const body = await readBody(request, route.served.bodyBytes);
    const caller: Caller = {
      grant,
      principal: ServedAccess.principal(grant, oneHeader(request, 'dais-on-behalf-of')),
      protocol: door.name,
      project,
      requestId,
      isTrial: ServedAccess.isTrial(grant, oneHeader(request, 'dais-capture')),
      traceparent: oneHeader(request, 'traceparent'),
      header: (name) => oneHeader(request, name),
      onGone: (gone) => {
        response.once('close', gone);
        return () => response.off('close', gone);
      },
    };
    const { reply, answer, afterwards } = await predictor.predict(route, match.version, caller, () =>
      match.open(body, call),
    );
    await this.#send(exchange, reply, {
      'dais-variant': answer.variant,
      'dais-model-version': answer.described.version,
      'dais-prediction-id': answer.predictionId,
      ...(caller.traceparent !== undefined && { traceparent: caller.traceparent }),
      ...this.#lastWords(),
    });
    afterwards();
  }

  async #answer(exchange: Exchange, match: AnswerMatch, guarded: boolean): Promise<void> {
    const { request, response, call, project } = exchange;
    const grant = match.open === true ? this.#openGrant(request, guarded) : this.#grant(request, guarded);
    checkBody(request, MOST_SMALL_BODY);
    if (request.headers.expect !== undefined) response.writeContinue();
    const body = call.method === 'POST' ? await readBody(request, MOST_SMALL_BODY) : NOTHING;
    const reply = await match.answer(servedView(this.#parts.view, grant, project), body, call);
    await this.#send(exchange, reply, this.#lastWords());
  }

  async #send(
    { request, response, requestId }: Exchange,
    reply: ServingReply,
    own: Readonly<Record<string, string>>,
  ): Promise<void> {
    await sendReply(request, response, reply, {
      own: { 'x-request-id': requestId, ...own },
      readerMs: this.#patience.reader,
    });
  }

  #fault(exchange: Exchange, error: unknown): void {
    const { request, response, door, call, requestId } = exchange;
    if (response.destroyed) return;
    const told = error instanceof DaisError ? error : new DaisError('internal', 'Dais made a mistake.');
    if (told !== error) this.#parts.log.error('a request failed', { error, requestId, path: call.path });
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const reply = door.fault(told, call);
    const unread = !request.complete && !(Number(request.headers['content-length']) <= WORTH_READING_AWAY);
    const extra = {
      ...(told.retryable && { 'retry-after': String(Math.max(1, Math.ceil(told.retryAfter ?? 1))) }),
      ...(told.code === 'unauthenticated' && { 'www-authenticate': 'Bearer' }),
      // A body that nobody reads is not waited for.
      ...((unread || this.#parts.draining()) && { connection: 'close' }),
    };
    if (unread) closeLingering(request, this.#patience.linger);
    this.#send(exchange, reply, extra).catch(() => response.destroy());
  }

  #grant(request: IncomingMessage, guarded: boolean): Grant {
    const { routes, clock, heardAt } = this.#parts;
    const { access } = routes.table;
    if (access.solo && !guarded) this.#checkPlace(request);
    return access.grant(request.headers.authorization, clock.now(), heardAt());
  }

  /** For what needs no token; one that is sent counts. */
  #openGrant(request: IncomingMessage, guarded: boolean): Grant | undefined {
    try {
      return this.#grant(request, guarded);
    } catch (error) {
      if (error instanceof DaisError && (error.status === 401 || error.status === 503)) return undefined;
      throw error;
    }
  }

  /** A page in a browser can reach a loopback port, by a name of its own too. */
  #checkPlace({ headers }: IncomingMessage): void {
    const host = hostOf(headers.host);
    if (host === undefined || !(isLoopback(host) || this.#parts.allowHosts.includes(host))) {
      throw new DaisError('host_refused', `This gateway does not answer to the name "${headers.host ?? ''}".`);
    }
    const { origin } = headers;
    if (origin !== undefined && hostOf(origin.replace(/^https?:\/\//, '')) !== host) {
      throw new DaisError('origin_refused', `A page of ${origin} may not call this gateway.`);
    }
  }

  #lastWords(): Readonly<Record<string, string>> {
    return this.#parts.draining() ? { connection: 'close' } : {};
  }
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

function oneHeader({ headers }: IncomingMessage, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.[0];
}

function hostOf(host: string | undefined): string | undefined {
  if (host === undefined) return undefined;
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:]+))(?::\d+)?$/.exec(host) ?? [];
  return (bracketed ?? plain)?.toLowerCase();
}
