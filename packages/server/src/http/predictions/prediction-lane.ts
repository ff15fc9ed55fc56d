/**
 * Forwards ordinary predictions of the main port to the gateway without the HTTP framework: it authenticates and
 * authorizes the caller like the routes do, and passes the bytes on. A connection with any other request moves to the
 * server of the routes, with all its bytes. Its parser is the gateway's (decision 29).
 */
import type { EventEmitter } from 'node:events';
import { connect, type Socket } from 'node:net';
import { DaisError } from '@dais/api';
import { gatewayEnded, notServing } from './gateway-errors.ts';
import type { GatewayLocation } from './inference-routes.ts';
import { forwardedHead, planPrediction, type PredictionPlan } from './prediction-plan.ts';
import type { OperationCalls } from '#http/routes/native-routes.ts';
import type { FinishedRequest } from '#http/server/http-server.ts';
import type { PeerUids } from '#http/server/peer-uids.ts';
import { expectedError, parserError, problemReply, writeRawProblem } from '#http/server/problem-replies.ts';
import { requestId } from '#http/server/request-context.ts';
import type { CallContext } from '#kernel/context.ts';
import type { Principal } from '#kernel/principal.ts';
import type { Clock } from '#lib/clock.ts';
import { PlainConnections, type OpenExchange, type PlainConnection } from '#lib/http/plain-connections.ts';
import { headerLines, limitReadTime, writeResponse } from '#lib/http/plain-response.ts';
import { CHANNEL_PROTOCOL, RequestChannel } from '#lib/http/request-channel.ts';
import type { RequestHead } from '#lib/http/request-head.ts';
import type { Log } from '#lib/log.ts';
import { traceparentOf, type SpanContext } from '#lib/telemetry/tracer.ts';
import type { Access } from '#policy/access.ts';
import type { AccessChanges } from '#policy/access-changes.ts';

export interface PredictionForwarding {
  readonly calls: Pick<OperationCalls, 'call'>;
  readonly gateway: GatewayLocation;
  readonly accessChanges: Pick<AccessChanges, 'count'>;
}

export interface PredictionLaneDependencies extends PredictionForwarding {
  /** The server of the routes; receives a socket as its event `connection`. */
  readonly node: EventEmitter;
  readonly access: Access;
  readonly peerUids: PeerUids;
  readonly basePath: string;
  /** Headers of every response. */
  readonly fixedHeaders: Readonly<Record<string, string>>;
  readonly headersMs: number;
  readonly keepAliveMs: number;
  /** Counts a request in progress, until the returned function is called. */
  readonly begin: () => () => void;
  readonly draining: () => boolean;
  readonly trace: ((traceparent: string | undefined) => SpanContext) | undefined;
  readonly finished: (request: FinishedRequest) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A body that arrives separately from its headers has this long (ms). */
const REST_MS = 1000;
/** For a client to read a response (ms). */
const READER_MS = 60_000;
/**
 * A connection reuses an authorization for at most this long (ms), if no change of permissions was announced. The snapshot of the gateway is checked
 * as often (decision 46).
 */
const PERMIT_MS = 500;
const OPERATION = 'endpoint.invoke';

/** The authorized caller of a plan, which belongs to one connection. */
interface Permit {
  readonly principal: Principal;
  readonly changes: number;
  readonly until: number;
}

export class PredictionLane {
  readonly #dependencies: PredictionLaneDependencies;
  readonly #connections: PlainConnections<PredictionExchange>;
  readonly #channel: RequestChannel;
  readonly #fixedLines: string;
  /** Clients repeat their headers, and their connections keep what was read. */
  readonly #plans = new WeakMap<RequestHead, PredictionPlan>();
  readonly #permits = new WeakMap<PredictionPlan, Permit>();

  constructor(dependencies: PredictionLaneDependencies) {
    this.#dependencies = dependencies;
    this.#fixedLines = headerLines(dependencies.fixedHeaders);
    this.#channel = new RequestChannel(() => this.#connect());
    this.#connections = new PlainConnections({
      accepts: (head) => this.#plan(head) !== undefined,
      open: (connection, socket, head, body) =>
        new PredictionExchange(connection, socket, this.#plan(head) as PredictionPlan, body),
      handle: (exchange) => void this.#handle(exchange),
      node: dependencies.node,
      longBodies: false,
      silent: (socket) => this.#refuseSilent(socket),
      headersMs: dependencies.headersMs,
      restMs: REST_MS,
      keepAliveMs: dependencies.keepAliveMs,
    });
  }

  accept(socket: Socket): void {
    this.#connections.accept(socket);
  }

  /** Closes connections without an active request. New ones may send their first request before this resolves. */
  async closeIdle(): Promise<void> {
    await this.#connections.closeIdle();
  }

  closeAll(): void {
    this.#connections.closeAll();
    this.#channel.close();
  }

  #plan(head: RequestHead): PredictionPlan | undefined {
    const known = this.#plans.get(head);
    if (known !== undefined) return known;
    const plan = planPrediction(head, this.#dependencies.basePath);
    if (plan !== undefined) this.#plans.set(head, plan);
    return plan;
  }

  #refuseSilent(socket: Socket): void {
    const error = parserError(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }));
    if (error === undefined) socket.destroy();
    else writeRawProblem(socket, error, requestId(undefined, this.#dependencies.clock.now()));
  }

  async #handle(exchange: PredictionExchange): Promise<void> {
    const { begin, clock, trace, finished } = this.#dependencies;
    const { plan, client } = exchange;
    const { headers } = plan;
    const end = begin();
    const startedAt = performance.now();
    const id = requestId(headers['x-request-id'], clock.now());
    const span = trace?.(headers['traceparent'] as string | undefined);
    const status = await this.#answer(exchange, id, span);
    end();
    finished({
      operation: OPERATION,
      method: 'POST',
      path: plan.shownPath,
      status,
      durationMs: performance.now() - startedAt,
      requestId: id,
      client,
      traceparent: span === undefined ? (headers['traceparent'] as string | undefined) : traceparentOf(span),
      span,
      streamed: false,
    });
  }

  /** Returns the status of the response. */
  async #answer(exchange: PredictionExchange, id: string, span: SpanContext | undefined): Promise<number> {
    const { gateway, draining } = this.#dependencies;
    const { plan } = exchange;
    try {
      const principal = this.#permitted(plan) ?? (await this.#authorize(exchange, id));
      const { port, token } = gateway;
      if (port === undefined) throw notServing();
      const head = forwardedHead(plan, {
        host: `127.0.0.1:${port}`,
        token,
        principal: `${principal.type}/${principal.id}`,
        traceparent: span && traceparentOf(span),
      });
      const { status, lines, body } = await this.#send(exchange, head, id);
      exchange.respond(status, lines + this.#fixedLines, body, draining());
      return status;
    } catch (error) {
      return this.#fail(exchange, error, id);
    }
  }

  #permitted(plan: PredictionPlan): Principal | undefined {
    const permit = this.#permits.get(plan);
    if (permit === undefined || performance.now() > permit.until) return undefined;
    return permit.changes === this.#dependencies.accessChanges.count() ? permit.principal : undefined;
  }

  async #authorize(exchange: PredictionExchange, id: string): Promise<Principal> {
    const { calls, accessChanges } = this.#dependencies;
    const { plan } = exchange;
    // Before the decision: it may miss a change that is announced while it is made.
    const [changes, until] = [accessChanges.count(), performance.now() + PERMIT_MS];
    const principal = await this.#identify(exchange);
    await calls.call(OPERATION, { endpoint: plan.endpoint }, contextOf(exchange, principal, id));
    if (changes !== undefined) this.#permits.set(plan, { principal, changes, until });
    return principal;
  }

  async #identify({ plan, socket, client }: PredictionExchange): Promise<Principal> {
    const { headers, path } = plan;
    const { access, peerUids } = this.#dependencies;
    return await access.identify(
      {
        method: 'POST',
        url: path,
        host: headers.host === '' ? undefined : headers.host,
        scheme: 'http',
        origin: undefined,
        fetchSite: undefined,
        authorization: headers.authorization,
        cookie: undefined,
        address: client ?? '',
        peerUid: async () => await peerUids.ofSocket(socket),
      },
      // The authorizer of the operation checks whether the credential is still valid.
      { anonymous: false, dispatched: true },
    );
  }

  async #send(exchange: PredictionExchange, head: string, id: string): Promise<ForwardedResponse> {
    return await new Promise((resolve, reject) => {
      const send = (isRetry: boolean) => {
        const leave = this.#channel.send(head, id, exchange.body, {
          answered: (status, lines, body) => resolve({ status, lines, body }),
          failed: (wasReady) => {
            // The previous gateway has closed the channel: the request was not read.
            if (wasReady && !isRetry) send(true);
            else reject(gatewayEnded());
          },
        });
        exchange.onClose(() => {
          leave();
          reject(gatewayEnded());
        });
      };
      send(false);
    });
  }

  #fail(exchange: PredictionExchange, error: unknown, id: string): number {
    const { log, basePath, draining, fixedHeaders } = this.#dependencies;
    let reported = expectedError(error);
    if (reported === undefined) {
      reported = new DaisError('internal', '');
      log.error('a request failed', { error, requestId: id });
    }
    const { status, headers, body } = problemReply(reported, id, basePath, { challenge: true });
    const { connection, ...others } = headers;
    const lines = headerLines({ ...fixedHeaders, 'x-request-id': id, ...others });
    exchange.respond(status, lines, body, connection === 'close' || draining());
    return status;
  }

  #connect() {
    const { host, port, token } = this.#dependencies.gateway;
    if (port === undefined) throw notServing();
    const lines = [
      `GET / HTTP/1.1`,
      `host: 127.0.0.1:${port}`,
      `authorization: Bearer ${token}`,
      'connection: upgrade',
      `upgrade: ${CHANNEL_PROTOCOL}`,
    ];
    return { socket: connect({ host, port }), upgrade: `${lines.join('\r\n')}\r\n\r\n` };
  }
}

interface ForwardedResponse {
  readonly status: number;
  /** Complete header lines. */
  readonly lines: string;
  readonly body: Buffer;
}

class PredictionExchange implements OpenExchange {
  readonly socket: Socket;
  readonly plan: PredictionPlan;
  readonly body: Buffer;
  readonly client: string | undefined;
  readonly #connection: PlainConnection;
  #closed: (() => void) | undefined;
  #isOver = false;

  constructor(connection: PlainConnection, socket: Socket, plan: PredictionPlan, body: Buffer) {
    this.#connection = connection;
    this.socket = socket;
    this.plan = plan;
    this.body = body;
    this.client = socket.remoteAddress;
  }

  /** Calls the function when the client disconnects before its response is sent. */
  onClose(closed: () => void): void {
    if (this.#isGone) closed();
    else this.#closed = closed;
  }

  respond(status: number, lines: string, body: Buffer | string, last: boolean): void {
    this.#isOver = true;
    if (this.#isGone) return;
    const { socket } = this;
    writeResponse(socket, {
      status,
      lines,
      body,
      end: last ? 'connection: close\r\n\r\n' : this.#connection.keepAlive,
    });
    limitReadTime(socket, READER_MS, (taken) => socket.once('drain', taken).once('close', taken));
    this.#connection.done(last);
  }

  /** The body is complete: further bytes are the next request. */
  take(bytes: Buffer): Buffer {
    return bytes;
  }

  cutOff(): void {}

  close(): void {
    if (!this.#isOver) this.#closed?.();
  }

  get #isGone(): boolean {
    return this.socket.destroyed || this.socket.writableEnded;
  }
}

function contextOf({ plan, client, socket }: PredictionExchange, principal: Principal, id: string): CallContext {
  const userAgent = plan.headers['user-agent']?.slice(0, 256);
  return {
    principal,
    client: { address: client ?? '', ...(userAgent !== undefined && { userAgent }) },
    requestId: id,
    origin: 'inference',
    projects: plan.projects,
    get signal() {
      const controller = new AbortController();
      socket.once('close', () => controller.abort());
      return controller.signal;
    },
  };
}
