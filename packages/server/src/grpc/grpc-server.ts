/**
 * The gRPC server of a process. It does for every call what the HTTP server does for every request: authentication,
 * metrics, logs, errors. Its library (6 MB) is loaded with the first connection: most installations have none.
 */
import type { Socket } from 'node:net';
import { DaisError } from '@dais/api';
import type * as grpcModule from '@grpc/grpc-js';
import type { sendUnaryData, Server, ServerUnaryCall } from '@grpc/grpc-js';
import type { GrpcService, GrpcMethod, GrpcStatus } from '#grpc/grpc-service.ts';
import type { FinishedRequest, TlsFiles } from '#http/server/http-server.ts';
import { PeerUids } from '#http/server/peer-uids.ts';
import { requestId } from '#http/server/request-context.ts';
import type { CallContext } from '#kernel/context.ts';
import type { Clock } from '#lib/clock.ts';
import { askClientsToLeave, endGrpc } from '#lib/http/grpc-end.ts';
import type { Log } from '#lib/log.ts';
import type { Access } from '#policy/access.ts';

export interface GrpcServerDependencies {
  readonly doors: readonly GrpcService[];
  readonly access: Access;
  /** Default: one that reads the table of all sockets. */
  readonly peerUids?: PeerUids;
  readonly clock: Clock;
  readonly log: Log;
  /** Largest message, in bytes. */
  readonly bodyBytes: number;
  /** PEM texts; with them the server uses TLS. */
  readonly tls: TlsFiles | undefined;
  readonly finished: (request: FinishedRequest) => void;
}

type Call = ServerUnaryCall<Buffer, Uint8Array>;
type Grpc = typeof grpcModule;
type Injector = ReturnType<Server['createConnectionInjector']>;

const OK = 0;
const INTERNAL = 13;
/** Limit of a metadata entry: clients reject more than 8 KiB in total. */
const MOST_DETAILS = 2000;
/** Concurrent calls of one connection. */
const MOST_STREAMS = 100;

/** The HTTP status of each gRPC status, so that both servers share their metrics. */
const HTTP_STATUSES = [200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401];

/** The path of the standard health protocol. */
const HEALTH = '/grpc.health.v1.Health/Check';
/** `HealthCheckResponse {status: SERVING}` */
const SERVING = Uint8Array.of(8, 1);

export class GrpcServer {
  readonly #dependencies: GrpcServerDependencies;
  readonly #peerUids: PeerUids;
  /** By `address:port` of the peer, as calls identify it. */
  readonly #sockets = new Map<string, Socket>();
  #opening: Promise<{ readonly grpc: Grpc; readonly server: Server }> | undefined;
  #injector: Injector | undefined;
  #tls: TlsFiles | undefined;
  #draining = false;

  constructor(dependencies: GrpcServerDependencies) {
    this.#dependencies = dependencies;
    this.#peerUids = dependencies.peerUids ?? new PeerUids();
    this.#tls = dependencies.tls;
  }

  /** Accepts a connection from another listener. */
  accept(socket: Socket): void {
    // A client that disconnects before the library is loaded must not end the process.
    socket.on('error', () => {});
    if (this.#draining) {
      socket.destroy();
      return;
    }
    this.#handOver(socket).catch((error: unknown) => {
      this.#dependencies.log.error('cannot accept a gRPC connection', { error });
      socket.destroy();
    });
  }

  /** Uses new certificates for new connections. */
  setTls(tls: TlsFiles): void {
    this.#tls = tls;
    this.#injector = undefined;
  }

  /** Asks clients to send further calls over other connections. Calls are still answered. */
  giveNotice(): void {
    void this.#opening?.then(
      ({ server }) => askClientsToLeave(server),
      () => {},
    );
  }

  /** Waits for running calls, for at most `deadlineMs`; then closes every connection. */
  async drain(deadlineMs: number): Promise<void> {
    this.#draining = true;
    const { server } = (await this.#opening?.catch(() => undefined)) ?? {};
    if (server === undefined) return;
    const { clock } = this.#dependencies;
    await endGrpc({ server, sockets: () => this.#sockets.values(), clock }, deadlineMs);
  }

  async #handOver(socket: Socket): Promise<void> {
    this.#opening ??= this.#open();
    const { grpc, server } = await this.#opening;
    const { remoteAddress, remotePort } = socket;
    // Already disconnected.
    if (remoteAddress === undefined || remotePort === undefined) {
      socket.destroy();
      return;
    }
    const peer = `${remoteAddress}:${remotePort}`;
    this.#sockets.set(peer, socket);
    socket.once('close', () => this.#sockets.delete(peer));
    this.#injector ??= server.createConnectionInjector(credentials(grpc, this.#tls));
    this.#injector.injectConnection(socket);
  }

  async #open(): Promise<{ readonly grpc: Grpc; readonly server: Server }> {
    const grpc = await import('@grpc/grpc-js');
    const server = new grpc.Server({
      'grpc.max_receive_message_length': this.#dependencies.bodyBytes,
      'grpc.max_concurrent_streams': MOST_STREAMS,
      'grpc.keepalive_time_ms': 60_000,
      'grpc.enable_channelz': 0,
    });
    const asSent = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const add = (path: string, handle: (call: Call, answer: sendUnaryData<Uint8Array>) => void) =>
      server.register(path, handle, asSent, (bytes: Buffer) => bytes, 'unary');
    add(HEALTH, (_call, answer) => answer(null, SERVING));
    for (const service of this.#dependencies.doors) {
      for (const [path, method] of Object.entries(service.methods)) {
        add(path, (call, answer) => void this.#answer(service, path, method, call, answer));
      }
    }
    return { grpc, server };
  }

  async #answer(
    service: GrpcService,
    path: string,
    method: GrpcMethod,
    call: Call,
    answer: sendUnaryData<Uint8Array>,
  ): Promise<void> {
    const { clock, log, finished } = this.#dependencies;
    const startedAt = clock.now();
    const id = requestId(call.metadata.get('x-request-id')[0]?.toString(), startedAt);
    const socket = this.#sockets.get(call.getPeer());
    let status: GrpcStatus = { code: OK, details: '' };
    let sent: Uint8Array | undefined;
    try {
      const context = await this.#contextOf(service, path, method, call, id, socket);
      sent = await method.answer(call.request, context);
    } catch (error) {
      const protocolStatus = service.toStatus(error);
      if (protocolStatus === undefined) log.error('a gRPC call failed', { error, requestId: id });
      status = protocolStatus ?? { code: INTERNAL, details: `Internal server error. Request id: ${id}` };
    }
    finished({
      operation: method.operation,
      method: 'POST',
      path,
      status: HTTP_STATUSES[status.code] ?? 500,
      durationMs: clock.now() - startedAt,
      requestId: id,
      client: socket?.remoteAddress,
      traceparent: call.metadata.get('traceparent')[0]?.toString(),
      streamed: false,
    });
    if (sent === undefined) answer({ ...status, details: status.details.slice(0, MOST_DETAILS) });
    else answer(null, sent);
  }

  async #contextOf(
    service: GrpcService,
    path: string,
    method: GrpcMethod,
    call: Call,
    id: string,
    socket: Socket | undefined,
  ): Promise<CallContext> {
    const { metadata } = call;
    const one = (name: string) => {
      const values = metadata.get(name);
      // The choice between two values must not decide about trust.
      if (values.length > 1)
        throw new DaisError('invalid_request', `The metadata key ${name} occurs twice. Send it once.`);
      return values[0]?.toString();
    };
    const address = socket?.remoteAddress ?? '';
    const principal = await this.#dependencies.access.identify(
      {
        method: 'POST',
        url: path,
        host: call.getHost(),
        scheme: this.#tls === undefined ? 'http' : 'https',
        origin: one('origin'),
        fetchSite: one('sec-fetch-site'),
        authorization: one('authorization'),
        cookie: undefined,
        address,
        peerUid: async () => (socket === undefined ? undefined : await this.#peerUids.ofSocket(socket)),
      },
      { anonymous: false, dispatched: method.undispatched !== true },
    );
    const project = one('dais-project')?.trim() ?? '';
    const userAgent = one('user-agent')?.slice(0, 256);
    const disconnected = new AbortController();
    call.once('cancelled', () => disconnected.abort());
    return {
      principal,
      client: { address, ...(userAgent !== undefined && { userAgent }) },
      requestId: id,
      origin: service.origin,
      projects: project === '' ? [] : [project],
      signal: disconnected.signal,
    };
  }
}

function credentials(grpc: Grpc, tls: TlsFiles | undefined) {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure();
  return grpc.ServerCredentials.createSsl(null, [
    { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) },
  ]);
}
