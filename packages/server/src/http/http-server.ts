/** The HTTP server of a process: opens the doors, and does for every request what no door should do by itself. */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
} from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { DaisError, nearest } from '@dais/api';
import compress from '@fastify/compress';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { readBody, readContent } from '#http/body-reader.ts';
import type { Door, DoorIo, DoorLimits } from '#http/door.ts';
import { EventStreams, type StreamLimits } from '#http/event-streams.ts';
import { MAX_PARAMETER_LENGTH, watchMethods } from '#http/method-answers.ts';
import type { Access } from '#policy/access.ts';
import { hostPage } from '#http/host-page.ts';
import { sendPage } from '#http/html-page.ts';
import { accepts } from '#http/negotiation.ts';
import { PathOwnership } from '#http/path-ownership.ts';
import { PeerUids } from '#http/peer-uids.ts';
import { expectedError, parserError, problemReply, writeRawProblem } from '#http/problem-replies.ts';
import { projectAddress } from '#http/project-address.ts';
import { publicAddress, withoutBasePath, type PublicAddress } from '#http/public-address.ts';
import { RequestContext } from '#http/request-context.ts';
import { requestId } from '#http/request-id.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { traceparentOf, type SpanContext } from '#lib/tracer.ts';

export interface HttpLimits extends DoorLimits, StreamLimits {
  readonly headerSeconds: number;
}

/** One finished request, for metrics, logs and traces. */
export interface FinishedRequest {
  readonly operation: string;
  readonly method: string;
  /** Without its query, which may hold secrets. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  readonly requestId: string;
  readonly client: string | undefined;
  readonly traceparent: string | undefined;
  /** Where traces are kept and it was begun as a span. */
  readonly span?: SpanContext | undefined;
  readonly streamed: boolean;
}

export interface HttpServerParts {
  readonly doors: readonly Door[];
  /** Names of all operations: with them, a route that declares none of them (see SAME_FOR_ALL) fails the start. */
  readonly operations?: ReadonlySet<string>;
  readonly access: Access;
  /** Whether a browser that lacks a credential asks for it with its own prompt (solo mode), instead of on a page of ours. */
  readonly browserPrompt: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: HttpLimits;
  readonly publicUrl: string | undefined;
  /** Addresses and networks whose `X-Forwarded-*` headers count. */
  readonly trustedProxies: readonly string[];
  /** Nobody else is answered, but on doors that are open to all. */
  readonly forStepsOnly?: boolean;
  /** PEM texts; with them the server speaks HTTPS. */
  readonly tls: TlsFiles | undefined;
  /** Where a request belongs, when traces are kept. */
  readonly trace?: ((traceparent: string | undefined) => SpanContext) | undefined;
  readonly finished: (request: FinishedRequest) => void;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/** Longer than the 60 s that proxies keep an idle connection to us, so that we never close one they are about to use. */
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 16_384;

/** Headers that decide who is trusted. What Node keeps of two may differ from what a proxy in front of us looked at. */
const SINGLE_HEADERS = new Set(['authorization', 'dais-ticket', 'host', 'origin', 'sec-fetch-site']);

const PROXY_HEADERS = ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-port'];

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // A page of another site cannot take an answer into its process, not even as an image or a script.
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** What a server shows of itself to whoever may reach the door: files, the interface's description, its figures, what it does not do. */
const SAME_FOR_ALL: ReadonlySet<string> = new Set([
  'page.root',
  'page.docs',
  'page.file',
  'openapi',
  'metrics',
  'refusal',
]);

/** A route: one method and path, and who is asked before it answers. */
export interface HttpAddress {
  readonly door: string;
  readonly method: string;
  /** With `:parameter` and `*`. */
  readonly path: string;
  readonly access: Door['access'];
  /** Also below `/p/<project>`. */
  readonly perProject: boolean;
  /** The operation that is called, or one of SAME_FOR_ALL; empty for probes. */
  readonly operation: string;
}

export class HttpServer {
  readonly streams: EventStreams;
  /** Every route, for tests that ask each of them. */
  readonly addresses: HttpAddress[] = [];
  readonly address: PublicAddress;
  readonly #app: FastifyInstance;
  readonly #parts: HttpServerParts;
  readonly #peerUids = new PeerUids();
  readonly #steps = new WeakMap<Socket, string>();
  readonly #ownership: PathOwnership;
  /** Doors that are below `/p/<project>` too. */
  readonly #ofProjects: ReadonlySet<string>;
  /** What stands there in the address of a request. */
  readonly #projects = new WeakMap<IncomingMessage, string>();
  /** Of connections that come out of steps. */
  #stepServer: Server = createHttpServer();
  #active = 0;
  #draining = false;
  #idle: (() => void) | undefined;

  private constructor(parts: HttpServerParts) {
    this.#parts = parts;
    const { doors } = parts;
    this.#ownership = new PathOwnership(doors.flatMap((door) => door.paths.map((path) => ({ door: door.name, path }))));
    this.#ofProjects = new Set(doors.flatMap((door) => (door.perProject ? door.name : [])));
    this.address = publicAddress(parts.publicUrl);
    this.streams = new EventStreams(parts.clock, parts.limits);
    this.#app = this.#createApp();
  }

  /** Opens all doors. @throws Error when two doors claim one path, or a door answers outside its paths. */
  static async open(parts: HttpServerParts): Promise<HttpServer> {
    const server = new HttpServer(parts);
    await server.#openDoors();
    // Node starts its check for slow headers when a server begins to listen; ours may get its sockets otherwise.
    server.#app.server.emit('listening');
    server.#stepServer.emit('listening');
    return server;
  }

  /** Requests that are being answered, streams included. */
  get running(): number {
    return this.#active;
  }

  /**
   * Takes over a connection that comes out of a step, from inside of what isolates it: nothing is answered there without
   * the token of that step. Never with TLS, since it leaves this machine nowhere.
   */
  acceptFromStep(socket: Socket, attempt: string): void {
    this.#steps.set(socket, attempt);
    this.#stepServer.emit('connection', socket);
  }

  /** Takes over a connection that somebody else accepted. */
  accept(socket: Socket): void {
    this.#app.server.emit('connection', socket);
  }

  /** Listens by itself. Gives the port. */
  async listen(host: string, port: number): Promise<number> {
    await this.#app.listen({ host, port });
    const address = this.#app.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Uses new certificates for connections from now on. */
  setTls(tls: TlsFiles): void {
    (this.#app.server as unknown as HttpsServer).setSecureContext(tls);
  }

  /**
   * Lets running requests finish, for at most `deadlineMs`; streams end with a hint to come back; then closes every
   * connection. New requests on open connections are answered as long as others run.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    this.streams.drain();
    const { server } = this.#app;
    if (server.listening) server.close();
    server.closeIdleConnections();
    this.#stepServer.closeIdleConnections();
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#parts.clock.after(deadlineMs, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    // Answers that have just been written still lie in socket buffers: closing idle connections lets them leave.
    server.closeIdleConnections();
    this.#stepServer.closeIdleConnections();
    await new Promise((resolve) => setImmediate(resolve));
    server.closeAllConnections();
    this.#stepServer.closeAllConnections();
    this.#stepServer.close();
    await this.#app.close();
    await this.#parts.access.close();
  }

  #createApp(): FastifyInstance {
    const { parts, address } = { parts: this.#parts, address: this.address };
    const options: ServerOptions = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: parts.limits.headerSeconds * 1000,
      // Uploads of content take as long as they take; other bodies have their own limit (body-reader.ts).
      requestTimeout: 0,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      noDelay: true,
      // A missing Host is refused by the access check, with a problem document.
      requireHostHeader: false,
    };
    return fastify({
      serverFactory: (handler) => {
        this.#stepServer = createHttpServer(options, withoutProxies(handler));
        return parts.tls === undefined
          ? createHttpServer(options, handler)
          : (createHttpsServer({ ...options, ...parts.tls }, handler) as never);
      },
      trustProxy: parts.trustedProxies.length === 0 ? false : [...parts.trustedProxies],
      genReqId: (raw) => requestId(raw.headers['x-request-id'], parts.clock.now()),
      rewriteUrl: (raw) => this.#route(raw, withoutBasePath(raw.url ?? '/', address.basePath)),
      clientErrorHandler: (error, socket) => this.#clientError(error, socket),
      frameworkErrors: (error, request, reply) => this.#fail(error, request as FastifyRequest, reply as FastifyReply),
      routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, ignoreTrailingSlash: false },
      bodyLimit: parts.limits.bodyBytes,
      logger: false,
    });
  }

  async #openDoors(): Promise<void> {
    const app = this.#app;
    const { doors } = this.#parts;
    // No body is read unless a door says how: what nobody answers is refused without looking at it.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.decorateRequest('principal', null);
    app.decorateRequest('streaming', false);
    app.decorateRequest('projectInAddress', undefined);
    app.decorateRequest('span', undefined);
    app.addHook('onRequest', async (request, reply) => await this.#begin(request, reply));
    app.addHook('onResponse', async (request, reply) => this.#finish(request, reply));
    app.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
    let opening: Door | undefined;
    const known: string[] = [];
    const refuse = (request: FastifyRequest): never => {
      const path = shownPath(request);
      if (path.split('/').some((part) => part.length > MAX_PARAMETER_LENGTH)) {
        throw new DaisError('invalid_request', 'A segment of the path is longer than the limit for names.');
      }
      const near = nearest(path, known);
      throw new DaisError(
        'route_not_found',
        `There is no route ${path.slice(0, 200)}${near === undefined || near === path ? '' : `; did you mean ${near}?`}`,
      );
    };
    // Before the plugin's own hook, which looks at `compress`.
    app.addHook('onRoute', (route) => {
      if (opening === undefined) return;
      const { door, path } = { door: opening, path: route.url };
      if (this.#ownership.ownerOf(path) !== door.name)
        throw new Error(`${door.name} adds the route ${path} outside its claimed paths`);
      const { operation = '' } = route.config ?? {};
      const { operations } = this.#parts;
      if (door.access !== 'open' && operations?.has(operation) === false && !SAME_FOR_ALL.has(operation))
        throw new Error(`${door.name} adds the route ${path} without an operation that is authorized`);
      route.config = { ...route.config, access: door.access, dispatched: door.dispatched === true };
      if (!door.compress) route.compress = false;
      known.push(path);
      const { name, access, perProject } = door;
      for (const method of [route.method].flat()) {
        this.addresses.push({ door: name, method, path, access, perProject, operation });
      }
    });
    await app.register(compress, { threshold: 1024, encodings: ['br', 'gzip'], globalDecompression: false });
    const io: Omit<DoorIo, 'contextOf'> = {
      readContent: (payload) => readContent(payload, this.#parts.limits, this.#parts.clock),
      readBody: async (payload, options) => await readBody(payload, this.#parts.limits, this.#parts.clock, options),
      streams: this.streams,
      address: this.address,
      limits: this.#parts.limits,
    };
    for (const door of doors) {
      const contextOf: DoorIo['contextOf'] = (request, reply, origin) =>
        new RequestContext(request, reply, origin, door.projectHeader);
      opening = door;
      // Asynchronous, because only then Fastify passes on what a registration throws.
      await app.register(async (scope) => {
        const complete = watchMethods(scope, refuse);
        await door.register(scope, { ...io, contextOf });
        complete(door.paths);
      });
    }
    opening = undefined;
    app.setNotFoundHandler(refuse);
    await app.ready();
  }

  /** The address that routes know, of one that may name a project. */
  #route(raw: IncomingMessage, url: string): string {
    const inProject = projectAddress(url);
    if (inProject === undefined) return url;
    const owner = this.#ownership.ownerOf(inProject.url.replace(/\?.*$/s, ''));
    if (owner === undefined || !this.#ofProjects.has(owner)) return url;
    this.#projects.set(raw, inProject.project);
    return inProject.url;
  }

  async #begin(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    this.#active++;
    reply.raw.once('close', () => {
      this.#active--;
      if (this.#active === 0) this.#idle?.();
    });
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
    request.projectInAddress = this.#projects.get(request.raw);
    if (this.#draining) reply.header('connection', 'close');
    const { trace } = this.#parts;
    if (trace !== undefined) {
      request.span = trace(request.headers['traceparent'] as string | undefined);
      // What is called because of it, and what is kept of it, belong below it.
      request.headers['traceparent'] = traceparentOf(request.span);
    }
    const { access, dispatched = false, ofProcess = false } = request.routeOptions.config;
    const step = this.#steps.get(request.raw.socket);
    if (access === 'open' && step === undefined) return;
    if (step === undefined && !ofProcess && this.#parts.forStepsOnly === true) {
      throw new DaisError(
        'route_not_found',
        'This process serves only steps, probes and metrics. Send the request to another Dais process.',
      );
    }
    refuseTwins(request.raw.rawHeaders);
    const { headers } = request;
    request.principal = await this.#parts.access.identify(
      {
        method: request.method,
        url: request.originalUrl,
        host: request.host === '' ? undefined : request.host,
        scheme: request.protocol === 'https' ? 'https' : 'http',
        origin: headers.origin,
        fetchSite: headers['sec-fetch-site'],
        authorization: headers.authorization,
        cookie: headers.cookie,
        step,
        address: request.ip,
        peerUid: () => this.#peerUids.of(request.raw),
      },
      { anonymous: access === 'anonymous', byTicket: access === 'ticket', dispatched },
    );
  }

  #finish(request: FastifyRequest, reply: FastifyReply): void {
    this.#parts.finished({
      operation: request.routeOptions.config.operation ?? '',
      method: request.method,
      path: shownPath(request),
      status: reply.raw.statusCode,
      durationMs: reply.elapsedTime,
      requestId: request.id,
      client: request.ip,
      traceparent: request.headers['traceparent'] as string | undefined,
      span: request.span,
      streamed: request.streaming,
    });
  }

  #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    let told = expectedError(error);
    if (told === undefined) {
      told = new DaisError('internal', '');
      this.#parts.log.error('a request failed', { error, requestId: request.id });
    }
    if (told.code === 'host_refused' && accepts(request.headers.accept ?? '', 'text/html', { exactly: true })) {
      void sendPage(reply.code(told.status), hostPage(told.message));
      return;
    }
    // A browser would ask for a name and a password with a prompt of its own, over the page that asks properly.
    const challenge = this.#parts.browserPrompt || !isBrowser(request.headers);
    const { status, headers, body } = problemReply(told, request.id, this.address.basePath, { challenge });
    void reply.code(status).headers(headers).send(body);
  }

  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const told = parserError(error);
    if (told === undefined) socket.destroy();
    else writeRawProblem(socket, told, requestId(undefined, this.#parts.clock.now()));
  }
}

/** As it was asked for, without its query. */
function shownPath({ url, projectInAddress: project }: FastifyRequest): string {
  return `${project === undefined ? '' : `/p/${encodeURIComponent(project)}`}${url.replace(/\?.*$/s, '')}`;
}

/** Over plain HTTP browsers leave Sec-Fetch-Site out; every one of them calls itself Mozilla. */
function isBrowser(headers: FastifyRequest['headers']): boolean {
  return headers['sec-fetch-site'] !== undefined || headers['user-agent']?.startsWith('Mozilla/') === true;
}

/** No proxy stands before a step: what it says of one would be believed where a proxy of this machine is trusted. */
function withoutProxies(handler: RequestListener): RequestListener {
  return (request, response) => {
    for (const name of PROXY_HEADERS) delete request.headers[name];
    handler(request, response);
  };
}

/** @throws DaisError `invalid_request` when a header that decides about trust stands there twice. */
function refuseTwins(rawHeaders: readonly string[]): void {
  const seen = new Set<string>();
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase();
    if (!SINGLE_HEADERS.has(name)) continue;
    if (seen.has(name)) throw new DaisError('invalid_request', `The header ${name} occurs twice. Send it once.`);
    seen.add(name);
  }
}
