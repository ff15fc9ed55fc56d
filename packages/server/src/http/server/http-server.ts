/** The HTTP server of a process: opens the routes of all adapters, and handles what all requests share. */
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerOptions } from 'node:http';
import { createServer as createHttpsServer, type Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { DaisError, nearest } from '@dais/api';
import compress from '@fastify/compress';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { readBody, readContent } from '#http/request/body-reader.ts';
import type { RouteGroup, RouteServices, BodyLimits } from '#http/server/route-group.ts';
import { EventStreams, type StreamLimits } from '#http/routes/event-streams.ts';
import { MAX_PARAMETER_LENGTH, watchMethods } from '#http/server/method-responses.ts';
import type { Access } from '#policy/access.ts';
import { hostPage } from '#http/pages/error-pages.ts';
import { sendPage } from '#http/pages/html-page.ts';
import { accepts } from '#http/request/negotiation.ts';
import { isBrowser, refuseTwins, requireAgent, withoutProxies } from '#http/request/trusted-headers.ts';
import { PredictionLane, type PredictionForwarding } from '#http/predictions/prediction-lane.ts';
import { PathOwnership } from '#http/server/path-ownership.ts';
import { PeerUids } from '#http/server/peer-uids.ts';
import { expectedError, parserError, problemReply, writeRawProblem } from '#http/server/problem-replies.ts';
import { projectAddress, publicAddress, withoutBasePath, type PublicAddress } from '#http/server/public-address.ts';
import { RequestContext, requestId } from '#http/server/request-context.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { traceparentOf, type SpanContext } from '#lib/telemetry/tracer.ts';

export interface HttpLimits extends BodyLimits, StreamLimits {
  readonly headerSeconds: number;
}

/** A finished request, for metrics, logs and traces. */
export interface FinishedRequest {
  readonly operation: string;
  readonly method: string;
  /** Without the query, which may contain secrets. */
  readonly path: string;
  readonly status: number;
  readonly durationMs: number;
  readonly requestId: string;
  readonly client: string | undefined;
  readonly traceparent: string | undefined;
  /** Set if tracing is on and the request started a span. */
  readonly span?: SpanContext | undefined;
  readonly streamed: boolean;
}

export interface HttpServerDependencies {
  readonly doors: readonly RouteGroup[];
  /** Names of all operations: if given, a route without one of them fails the start (exceptions: SAME_FOR_ALL). */
  readonly operations?: ReadonlySet<string>;
  readonly access: Access;
  /** Default: one that reads the table of all sockets. */
  readonly peerUids?: PeerUids;
  /** Whether a browser without a credential shows its own prompt (solo mode) instead of our sign-in page. */
  readonly browserPrompt: boolean;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: HttpLimits;
  readonly publicUrl: string | undefined;
  /** Addresses and networks whose `X-Forwarded-*` headers are trusted. */
  readonly trustedProxies: readonly string[];
  /** Of a process without the API: how it rejects what it does not serve. Absent: it serves everything. */
  readonly refusal?: Refusal | undefined;
  /** PEM texts; with them the server uses HTTPS. */
  readonly tls: TlsFiles | undefined;
  /** Absent: the routes forward predictions. */
  readonly predictions?: PredictionForwarding;
  /** Set if tracing is on. */
  readonly trace?: ((traceparent: string | undefined) => SpanContext) | undefined;
  readonly finished: (request: FinishedRequest) => void;
}

export interface Refusal {
  /** What the process serves, and where everything else is served. */
  readonly detail: string;
  /** Its routes are for its own steps: all other callers are rejected, except on open routes. */
  readonly isForSteps: boolean;
}

export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

/**
 * Longer than the 60 s for which proxies keep an idle connection, so that the server never closes one that they are
 * about to use.
 */
const KEEP_ALIVE_MS = 75_000;
const MAX_HEADER_BYTES = 16_384;

const SECURITY_HEADERS = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  // Another site cannot load a response into its process, not even as an image or a script.
  'cross-origin-resource-policy': 'same-origin',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
} as const;

/** Operations that need no authorization by the kernel: files, descriptions of APIs, metrics, method errors, agents of tasks. */
const SAME_FOR_ALL: ReadonlySet<string> = new Set([
  'page.root',
  'page.docs',
  'page.file',
  'openapi',
  'discovery',
  'metrics',
  'refusal',
  'agent',
]);

/** A route: method, path and access. */
export interface HttpAddress {
  readonly door: string;
  readonly method: string;
  /** With `:parameter` and `*`. */
  readonly path: string;
  readonly access: RouteGroup['access'];
  /** Also available below `/p/<project>`. */
  readonly perProject: boolean;
  /** The called operation, or one of SAME_FOR_ALL; empty for probes. */
  readonly operation: string;
}

export class HttpServer {
  readonly streams: EventStreams;
  /** All routes, for tests that call each of them. */
  readonly addresses: HttpAddress[] = [];
  readonly address: PublicAddress;
  readonly #app: FastifyInstance;
  readonly #dependencies: HttpServerDependencies;
  readonly #peerUids: PeerUids;
  readonly #steps = new WeakMap<Socket, string>();
  readonly #ownership: PathOwnership;
  /** Adapters that are also available below `/p/<project>`. */
  readonly #ofProjects: ReadonlySet<string>;
  /** The project segment in the path of a request. */
  readonly #projects = new WeakMap<IncomingMessage, string>();
  /** Reads plain connections first. */
  #lane: PredictionLane | undefined;
  /** Connections from steps. */
  #stepServer: Server = createHttpServer();
  #active = 0;
  #draining = false;
  readonly #drains = new AbortController();
  #idle: (() => void) | undefined;

  private constructor(dependencies: HttpServerDependencies) {
    this.#dependencies = dependencies;
    this.#peerUids = dependencies.peerUids ?? new PeerUids();
    const { doors: groups } = dependencies;
    this.#ownership = new PathOwnership(
      groups.flatMap((group) => group.paths.map((path) => ({ owner: group.name, path }))),
    );
    this.#ofProjects = new Set(groups.flatMap((group) => (group.perProject ? group.name : [])));
    this.address = publicAddress(dependencies.publicUrl);
    this.streams = new EventStreams(dependencies.clock, dependencies.limits);
    this.#app = this.#createApp();
  }

  /** Opens all adapters. @throws Error if two claim one path, or one adds a route outside its paths. */
  static async open(dependencies: HttpServerDependencies): Promise<HttpServer> {
    const server = new HttpServer(dependencies);
    await server.#openDoors();
    server.#lane = server.#openLane();
    // Node starts its check for slow headers when a server listens; ours may receive its sockets from elsewhere.
    server.#app.server.emit('listening');
    server.#stepServer.emit('listening');
    return server;
  }

  /** Requests in progress, including streams. */
  get running(): number {
    return this.#active;
  }

  /**
   * Accepts a connection from inside the isolation of a step: every request needs the token of that step. Never with
   * TLS, because the connection does not leave this machine.
   */
  acceptFromStep(socket: Socket, attempt: string): void {
    this.#steps.set(socket, attempt);
    this.#stepServer.emit('connection', socket);
  }

  /** Accepts a connection from another listener. */
  accept(socket: Socket): void {
    if (this.#lane === undefined) this.#app.server.emit('connection', socket);
    else this.#lane.accept(socket);
  }

  /** Listens and returns the port. */
  async listen(host: string, port: number): Promise<number> {
    await this.#app.listen({ host, port });
    const address = this.#app.server.address();
    return typeof address === 'object' && address !== null ? address.port : port;
  }

  /** Uses new certificates for new connections. */
  setTls(tls: TlsFiles): void {
    (this.#app.server as unknown as HttpsServer).setSecureContext(tls);
  }

  /** Ends each connection after its next response. */
  giveNotice(): void {
    this.#draining = true;
  }

  /**
   * Waits for running requests, for at most `deadlineMs`; streams end with a hint to reconnect; then closes every
   * connection. New requests on open connections are served while others run.
   */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    this.#drains.abort();
    this.streams.drain();
    const { server } = this.#app;
    if (server.listening) server.close();
    await this.#lane?.closeIdle();
    server.closeIdleConnections();
    this.#stepServer.closeIdleConnections();
    if (this.#active > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#dependencies.clock.after(deadlineMs, resolve);
        this.#idle = () => {
          cancel();
          resolve();
        };
      });
    }
    // Recent responses may still be in socket buffers: closing idle connections flushes them.
    server.closeIdleConnections();
    this.#stepServer.closeIdleConnections();
    await new Promise((resolve) => setImmediate(resolve));
    this.#lane?.closeAll();
    server.closeAllConnections();
    this.#stepServer.closeAllConnections();
    this.#stepServer.close();
    await this.#app.close();
    await this.#dependencies.access.close();
  }

  #createApp(): FastifyInstance {
    const { dependencies, address } = { dependencies: this.#dependencies, address: this.address };
    const options: ServerOptions = {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: dependencies.limits.headerSeconds * 1000,
      // Uploads of content have no time limit; other bodies have their own (body-reader.ts).
      requestTimeout: 0,
      connectionsCheckingInterval: 1000,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAlive: true,
      keepAliveInitialDelay: 60_000,
      noDelay: true,
      // The access check rejects a missing Host with a problem document.
      requireHostHeader: false,
    };
    return fastify({
      serverFactory: (handler) => {
        this.#stepServer = createHttpServer(options, withoutProxies(handler));
        return dependencies.tls === undefined
          ? createHttpServer(options, handler)
          : (createHttpsServer({ ...options, ...dependencies.tls }, handler) as never);
      },
      trustProxy: dependencies.trustedProxies.length === 0 ? false : [...dependencies.trustedProxies],
      genReqId: (raw) => requestId(raw.headers['x-request-id'], dependencies.clock.now()),
      rewriteUrl: (raw) => this.#route(raw, withoutBasePath(raw.url ?? '/', address.basePath)),
      clientErrorHandler: (error, socket) => this.#clientError(error, socket),
      frameworkErrors: (error, request, reply) => this.#fail(error, request as FastifyRequest, reply as FastifyReply),
      routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH, ignoreTrailingSlash: false },
      bodyLimit: dependencies.limits.bodyBytes,
      logger: false,
    });
  }

  async #openDoors(): Promise<void> {
    const app = this.#app;
    const { doors: groups } = this.#dependencies;
    // No body is read unless a route defines how: a rejected request is not parsed.
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request, _payload, done) => done(null));
    app.decorateRequest('principal', null);
    app.decorateRequest('streaming', false);
    app.decorateRequest('projectInAddress', undefined);
    app.decorateRequest('span', undefined);
    app.addHook('onRequest', async (request, reply) => await this.#begin(request, reply));
    app.addHook('onResponse', async (request, reply) => this.#finish(request, reply));
    app.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
    let opening: RouteGroup | undefined;
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
    // Before the plugin's own hook, which reads `compress`.
    app.addHook('onRoute', (route) => {
      if (opening === undefined) return;
      const { group, path } = { group: opening, path: route.url };
      if (this.#ownership.ownerOf(path) !== group.name)
        throw new Error(`${group.name} adds the route ${path} outside its claimed paths`);
      const { operation = '' } = route.config ?? {};
      const { operations } = this.#dependencies;
      if (group.access !== 'open' && operations?.has(operation) === false && !SAME_FOR_ALL.has(operation))
        throw new Error(`${group.name} adds the route ${path} without an operation that is authorized`);
      route.config = { ...route.config, access: group.access, dispatched: group.dispatched === true };
      if (!group.compress) route.compress = false;
      known.push(path);
      const { name, access, perProject } = group;
      for (const method of [route.method].flat()) {
        this.addresses.push({ door: name, method, path, access, perProject, operation });
      }
    });
    await app.register(compress, {
      threshold: 1024,
      encodings: ['br', 'gzip'],
      // A third of the CPU of the default level; the JSON of a search becomes a tenth larger.
      zlibOptions: { level: 3 },
      globalDecompression: false,
    });
    const io: Omit<RouteServices, 'contextOf'> = {
      readContent: (payload) => readContent(payload, this.#dependencies.limits, this.#dependencies.clock),
      readBody: async (payload, options) =>
        await readBody(payload, this.#dependencies.limits, this.#dependencies.clock, options),
      streams: this.streams,
      draining: this.#drains.signal,
      address: this.address,
      limits: this.#dependencies.limits,
    };
    for (const group of groups) {
      const contextOf: RouteServices['contextOf'] = (request, reply, origin) =>
        new RequestContext(request, reply, origin, group.projectHeader);
      opening = group;
      // Asynchronous, because Fastify only then propagates errors of a registration.
      await app.register(async (scope) => {
        const complete = watchMethods(scope, refuse);
        await group.register(scope, { ...io, contextOf });
        complete(group.paths);
      });
    }
    opening = undefined;
    app.setNotFoundHandler(refuse);
    await app.ready();
  }

  /** Returns the path that the routes know for a path with a project. */
  #route(raw: IncomingMessage, url: string): string {
    const inProject = projectAddress(url);
    if (inProject === undefined) return url;
    const owner = this.#ownership.ownerOf(inProject.url.replace(/\?.*$/s, ''));
    if (owner === undefined || !this.#ofProjects.has(owner)) return url;
    this.#projects.set(raw, inProject.project);
    return inProject.url;
  }

  /** Undefined with TLS: bytes are read after the handshake. */
  #openLane(): PredictionLane | undefined {
    const { predictions, tls, limits } = this.#dependencies;
    if (predictions === undefined || tls !== undefined) return undefined;
    return new PredictionLane({
      ...this.#dependencies,
      ...predictions,
      trace: this.#dependencies.trace,
      node: this.#app.server,
      peerUids: this.#peerUids,
      basePath: this.address.basePath,
      fixedHeaders: SECURITY_HEADERS,
      headersMs: limits.headerSeconds * 1000,
      keepAliveMs: KEEP_ALIVE_MS,
      begin: () => this.#count(),
      draining: () => this.#draining,
    });
  }

  /** Counts a request as active, until the returned function is called. */
  #count(): () => void {
    this.#active++;
    return () => {
      this.#active--;
      if (this.#active === 0) this.#idle?.();
    };
  }

  async #begin(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    reply.raw.once('close', this.#count());
    reply.headers({ ...SECURITY_HEADERS, 'x-request-id': request.id });
    request.projectInAddress = this.#projects.get(request.raw);
    if (this.#draining) reply.header('connection', 'close');
    const { trace } = this.#dependencies;
    if (trace !== undefined) {
      request.span = trace(request.headers['traceparent'] as string | undefined);
      // Calls and stored data of this request belong to its span.
      request.headers['traceparent'] = traceparentOf(request.span);
    }
    const { access, dispatched = false, ofProcess = false, fromOtherSites = false } = request.routeOptions.config;
    const step = this.#steps.get(request.raw.socket);
    if (access === 'open' && step === undefined) return;
    const { refusal } = this.#dependencies;
    // An unknown URL has no access: it is rejected before authentication, so that every caller learns the reason.
    if (step === undefined && !ofProcess && refusal !== undefined && (refusal.isForSteps || access === undefined)) {
      throw new DaisError('route_not_found', refusal.detail);
    }
    refuseTwins(request.raw.rawHeaders);
    const { headers } = request;
    if (access === 'agent') {
      requireAgent(headers, step);
      return;
    }
    request.principal = await this.#dependencies.access.identify(
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
      { anonymous: access === 'anonymous', byTicket: access === 'ticket', fromOtherSites, dispatched },
    );
  }

  #finish(request: FastifyRequest, reply: FastifyReply): void {
    this.#dependencies.finished({
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
    let reported = expectedError(error);
    if (reported === undefined) {
      reported = new DaisError('internal', '');
      this.#dependencies.log.error('a request failed', { error, requestId: request.id });
    }
    if (reported.code === 'host_refused' && accepts(request.headers.accept ?? '', 'text/html', { exactly: true })) {
      void sendPage(reply.code(reported.status), hostPage(reported.message));
      return;
    }
    // A browser would show its own prompt for name and password over our sign-in page.
    const challenge = this.#dependencies.browserPrompt || !isBrowser(request.headers);
    const { status, headers, body } = problemReply(reported, request.id, this.address.basePath, { challenge });
    void reply.code(status).headers(headers).send(body);
  }

  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const reported = parserError(error);
    if (reported === undefined) socket.destroy();
    else writeRawProblem(socket, reported, requestId(undefined, this.#dependencies.clock.now()));
  }
}

/** The path as requested, without its query. */
function shownPath({ url, projectInAddress: project }: FastifyRequest): string {
  return `${project === undefined ? '' : `/p/${encodeURIComponent(project)}`}${url.replace(/\?.*$/s, '')}`;
}
