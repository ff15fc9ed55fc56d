/** gRPC connections of the gateway. The library (6 MB) is loaded when they are opened. */
import type { Socket } from 'node:net';
import { DaisError } from '@dais/api/errors';
import type * as grpcModule from '@grpc/grpc-js';
import type {
  Metadata,
  sendUnaryData,
  Server,
  ServerDuplexStream,
  ServerUnaryCall,
  ServerWritableStream,
} from '@grpc/grpc-js';
import type { Clock } from '#lib/clock.ts';
import { ARRIVAL_MS, askClientsToLeave, endGrpc } from '#lib/http/grpc-end.ts';
import { uuidv7 } from '#lib/ids.ts';
import type { Log } from '#lib/log.ts';
import type { Caller } from './predictions/attempt.ts';
import type { GatewayTls } from './options.ts';
import type { Predictor } from './predictions/predictor.ts';
import type { Routes } from './routing/routes.ts';
import { ServedAccess, type Grant } from './routing/served-access.ts';
import { servedView, type ViewDependencies } from './routing/served-view.ts';
import type { GrpcMetadataRoute, GrpcInferRoute, ServingGrpcProtocol } from './serving-protocol.ts';

export interface GrpcGatewayDependencies {
  readonly rpcs: readonly ServingGrpcProtocol[];
  readonly routes: Routes;
  readonly predictor: Predictor;
  readonly view: ViewDependencies;
  readonly contactAt: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

export interface GrpcAcceptor {
  accept(this: void, socket: Socket): void;
  /** Replaces the certificate for new connections. */
  setTls(tls: GatewayTls): void;
  /** Asks clients to send further calls over other connections. Calls are still answered. */
  giveNotice(): void;
  /** Waits for running calls, for at most `deadlineMs`; then closes every connection. */
  drain(deadlineMs: number): Promise<void>;
}

type Unary = ServerUnaryCall<Buffer, Uint8Array>;
type Duplex = ServerDuplexStream<Buffer, Uint8Array>;
type AnyCall = Unary | Duplex;

/** Limit over all endpoints; each endpoint has a lower limit of its own. */
const MOST_MESSAGE_BYTES = 256 * 1024 * 1024;
const MOST_STREAMS = 1000;
/** Messages of one stream that are processed concurrently. */
const MOST_AT_ONCE = 32;
/** Keepalive detects peers that disappeared or never send anything. */
const KEEP_ALIVE_MS = 60_000;
const HEALTH = '/grpc.health.v1.Health';
/** `HealthCheckResponse {status}` */
const SERVING = Uint8Array.of(8, 1);
const NOT_SERVING = Uint8Array.of(8, 2);

/** With a certificate, connections use TLS: no local client uses gRPC. */
export async function openGrpc(
  tls: GatewayTls | undefined,
  dependencies: GrpcGatewayDependencies,
): Promise<GrpcAcceptor> {
  const grpc = await import('@grpc/grpc-js');
  const server = new grpc.Server({
    'grpc.max_receive_message_length': MOST_MESSAGE_BYTES,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': MOST_STREAMS,
    'grpc.keepalive_time_ms': KEEP_ALIVE_MS,
    'grpc.enable_channelz': 0,
  });
  /** Ends each open stream after the responses to the messages that it has read. */
  const streams = new Set<() => void>();
  register(server, { ...dependencies, streams }, () => new grpc.Metadata());
  // The library binds a port to one certificate permanently. The socket of another listener survives a renewal.
  let injector = server.createConnectionInjector(credentials(grpc, tls));
  const sockets = new Set<Socket>();
  return {
    accept: (socket) => {
      sockets.add(socket);
      socket.on('error', () => {}).once('close', () => sockets.delete(socket));
      injector.injectConnection(socket);
    },
    setTls: (renewed) => {
      injector = server.createConnectionInjector(credentials(grpc, renewed));
    },
    giveNotice: () => askClientsToLeave(server),
    drain: async (deadlineMs) => {
      const { clock } = dependencies;
      const endStreams = () => {
        for (const end of streams) end();
      };
      endStreams();
      // Those that clients opened before they received the notice.
      const cancel = clock.after(ARRIVAL_MS, endStreams);
      await endGrpc({ server, sockets: () => sockets, clock }, deadlineMs);
      cancel();
    },
  };
}

function credentials(grpc: typeof grpcModule, tls: GatewayTls | undefined) {
  if (tls === undefined) return grpc.ServerCredentials.createInsecure();
  const pair = { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) };
  return grpc.ServerCredentials.createSsl(null, [pair]);
}

interface RegisterDependencies extends GrpcGatewayDependencies {
  readonly streams: Set<() => void>;
}

function register(server: Server, dependencies: RegisterDependencies, metadata: () => Metadata): void {
  const bytes = (sent: Uint8Array) => Buffer.from(sent.buffer, sent.byteOffset, sent.byteLength);
  const identity = (message: Buffer) => message;
  const health = () => (dependencies.view.ready() ? SERVING : NOT_SERVING);
  server.register(
    `${HEALTH}/Check`,
    (_call: Unary, done: sendUnaryData<Uint8Array>) => done(null, health()),
    bytes,
    identity,
    'unary',
  );
  server.register(`${HEALTH}/Watch`, watchHealth(health, dependencies), bytes, identity, 'serverStream');
  for (const rpc of dependencies.rpcs) {
    for (const [path, method] of Object.entries(rpc.methods)) {
      if (method.kind === 'infer' && method.stream !== undefined) {
        server.register(path, (call: Duplex) => stream(dependencies, rpc.name, method, call), bytes, identity, 'bidi');
        continue;
      }
      const unary = (call: Unary, done: sendUnaryData<Uint8Array>) => {
        const answered =
          method.kind === 'infer'
            ? infer(dependencies, rpc.name, method, call, call.request, metadata, done)
            : answer(dependencies, method, call, done);
        answered.then(undefined, (error: unknown) => {
          const status = statusOf(dependencies, error, callId(call, dependencies.clock));
          // Outside the promise: an error of the library while it responds is not an error of the call.
          setImmediate(() => done(status));
        });
      };
      server.register(path, unary, bytes, identity, 'unary');
    }
  }
}

async function infer(
  dependencies: GrpcGatewayDependencies,
  protocol: string,
  method: GrpcInferRoute,
  call: Unary,
  message: Buffer,
  metadata: () => Metadata,
  done: sendUnaryData<Uint8Array>,
): Promise<void> {
  const caller = callerOf(dependencies, protocol, call);
  const { reply, answer: given, afterwards } = await predict(dependencies, method, caller, message);
  const trailer = metadata();
  trailer.set('dais-variant', given.variant);
  trailer.set('dais-model-version', given.described.version);
  trailer.set('dais-prediction-id', given.predictionId);
  trailer.set('x-request-id', caller.requestId);
  done(null, reply, trailer);
  afterwards();
}

async function predict(dependencies: GrpcGatewayDependencies, method: GrpcInferRoute, caller: Caller, message: Buffer) {
  const { address, opened } = method.open(message);
  const route = dependencies.predictor.find(address, caller);
  const { bodyBytes } = route.served;
  if (message.length > bodyBytes) {
    throw new DaisError('too_large', `The message exceeds the limit of ${bodyBytes} bytes.`);
  }
  const body = { bytes: message.length, open: () => opened };
  return await dependencies.predictor.predict(route, address.version, caller, body);
}

async function answer(
  dependencies: GrpcGatewayDependencies,
  method: GrpcMetadataRoute,
  call: Unary,
  done: sendUnaryData<Uint8Array>,
): Promise<void> {
  const project = one(call.metadata, 'dais-project');
  const grant = method.open === true ? undefined : grantOf(dependencies, call);
  done(null, await method.answer(servedView(dependencies.view, grant, project), call.request));
}

/**
 * Sends responses in the order in which they complete, as the protocol specifies: each carries the ID of its request.
 * Stops reading while the client does not read responses.
 */
function stream(dependencies: RegisterDependencies, protocol: string, method: GrpcInferRoute, call: Duplex): void {
  const form = method.stream as NonNullable<GrpcInferRoute['stream']>;
  let running = 0;
  let ended = false;
  let isStopping = false;
  let caller: Caller;
  try {
    caller = callerOf(dependencies, protocol, call);
  } catch (error) {
    call.emit('error', statusOf(dependencies, error, callId(call, dependencies.clock)));
    return;
  }
  const goOn = () => {
    if (isStopping || running >= MOST_AT_ONCE || call.writableNeedDrain) call.pause();
    else call.resume();
  };
  const endIfDone = () => {
    if (running > 0) return;
    if (ended) call.end();
    else if (isStopping) {
      const error = new DaisError('shutting_down', 'The gateway is shutting down.');
      call.emit('error', statusOf(dependencies, error, caller.requestId));
    }
  };
  const finished = () => {
    running--;
    goOn();
    endIfDone();
  };
  const stop = () => {
    isStopping = true;
    goOn();
    endIfDone();
  };
  const { streams } = dependencies;
  streams.add(stop);
  call.once('close', () => streams.delete(stop));
  call.once('cancelled', () => streams.delete(stop));
  call.on('drain', goOn);
  call.on('data', (message: Buffer) => {
    running++;
    goOn();
    predict(dependencies, method, caller, message)
      .then(({ reply, afterwards }) => {
        call.write(form.answer(reply));
        afterwards();
      })
      .catch((error: unknown) => call.write(form.formatError(statusOf(dependencies, error, caller.requestId).details)))
      .finally(finished);
  });
  call.on('end', () => {
    ended = true;
    streams.delete(stop);
    endIfDone();
  });
  // `canceled` reports disconnected clients.
  call.on('error', () => {});
}

function watchHealth(health: () => Uint8Array, { clock, streams }: RegisterDependencies) {
  return (call: ServerWritableStream<Buffer, Uint8Array>): void => {
    let last: Uint8Array | undefined;
    let cancel: (() => void) | undefined;
    const checkHealth = () => {
      const now = health();
      if (now !== last) call.write(now);
      last = now;
      cancel?.();
      cancel = clock.after(1000, checkHealth);
    };
    const left = () => {
      cancel?.();
      streams.delete(stop);
    };
    const stop = () => {
      checkHealth();
      left();
      call.end();
    };
    streams.add(stop);
    checkHealth();
    call.on('cancelled', left);
  };
}

function callerOf(dependencies: GrpcGatewayDependencies, protocol: string, call: AnyCall): Caller {
  const deadline = call.getDeadline();
  const left = Number(deadline) - dependencies.clock.now();
  const grant = grantOf(dependencies, call);
  return {
    grant,
    principal: ServedAccess.principal(grant, one(call.metadata, 'dais-on-behalf-of')),
    protocol,
    project: one(call.metadata, 'dais-project'),
    requestId: callId(call, dependencies.clock),
    traceparent: one(call.metadata, 'traceparent'),
    header: (name) => one(call.metadata, name),
    onGone: (gone) => {
      call.once('cancelled', gone);
      return () => call.off('cancelled', gone);
    },
    timeoutMicros: Number.isFinite(left) ? Math.max(1, left * 1000) : undefined,
  };
}

function grantOf({ routes, clock, contactAt }: GrpcGatewayDependencies, call: AnyCall): Grant {
  return routes.table.access.grant(one(call.metadata, 'authorization'), clock.now(), contactAt());
}

function callId({ metadata }: AnyCall, clock: Clock): string {
  const given = one(metadata, 'x-request-id');
  return given !== undefined && /^[A-Za-z0-9._:/@=+-]{1,128}$/.test(given) ? given : uuidv7(clock.now());
}

function one(metadata: Metadata, name: string): string | undefined {
  return metadata.get(name)[0]?.toString();
}

function statusOf({ log }: GrpcGatewayDependencies, error: unknown, requestId: string) {
  if (error instanceof DaisError) return { code: grpcStatusOf(error), details: error.message };
  log.error('a gRPC call failed', { error, requestId });
  return { code: 13, details: `Internal server error. Request id: ${requestId}` };
}

/** Status codes of gRPC: https://grpc.github.io/grpc/core/md_doc_statuscodes.html */
const byStatus: Readonly<Record<number, number>> = {
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  // The client disconnected, or its body was truncated.
  408: 1,
  409: 9,
  413: 3,
  415: 3,
  422: 3,
  429: 8,
  500: 13,
  502: 14,
  503: 14,
  504: 4,
  507: 8,
};

const UNKNOWN = 2;

/** Maps the HTTP status of each error code. */
function grpcStatusOf(error: DaisError): number {
  return byStatus[error.status] ?? UNKNOWN;
}
