import type { Socket } from 'node:net';
import type { ServedModel, Snapshot } from '@dais/api/gateway';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import type { CaptureSink } from './predictions/capture.ts';
import type { GatewayStats } from './metrics/gateway-stats.ts';
import type { ServingProtocol, ServingGrpcProtocol } from './serving-protocol.ts';
import type { InferenceEngine, ModelFiles } from './tensors/tensors.ts';

export interface GatewayOptions {
  /** Tried in this order for a model that specifies none. */
  readonly engines: readonly InferenceEngine[];
  readonly doors: readonly ServingProtocol[];
  readonly rpcs: readonly ServingGrpcProtocol[];
  /** Fetches the files of a model to this machine if necessary, and returns their location. Called before each load. */
  readonly files: (model: ServedModel) => Promise<ModelFiles>;
  /** Longest wait of a request for a model that is loading (default 15 s); tests use a shorter one. */
  readonly loadWaitMs?: number;
  readonly capture?: CaptureSink;
  /** Undefined: tracing is off. */
  readonly tracer?: Tracer | undefined;
  readonly listen: GatewayListen;
  /** Folder of the gateway, with the local snapshot. */
  readonly folder: string;
  /** 0 to 4095; part of every prediction ID. */
  readonly number: number;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface GatewayListen {
  /** A Unix socket for a caller that has already checked Host and Origin. */
  readonly socket?: string;
  /** 0: a free port. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: a free port. Undefined: it does not listen for gRPC. */
  readonly grpcPort?: number;
  /** Accepts gRPC connections of another listener. */
  readonly grpc?: true;
  /** For gRPC and for accepted connections. Loopback connections may also use plain HTTP, as the control plane does. */
  readonly tls?: GatewayTls;
  /** Timeouts; tests use shorter ones. */
  readonly patience?: Partial<Patience>;
  /** Host names in addition to loopback names that are accepted while `access` is `solo`. */
  readonly allowHosts?: readonly string[];
}

/** Timeouts in milliseconds. */
export interface Patience {
  /** For the headers of a request, and its first byte. */
  readonly headers: number;
  /** For the body. */
  readonly request: number;
  /** For the client to read the response. */
  readonly reader: number;
  /** How long remaining data of a rejected request is discarded. */
  readonly linger: number;
  /** Interval of the timeout checks. */
  readonly timeoutCheck: number;
}

/** In PEM format. */
export interface GatewayTls {
  readonly cert: string;
  readonly key: string;
}

export interface Gateway {
  readonly port: number | undefined;
  readonly grpcPort: number | undefined;
  /**
   * Applies a snapshot in two steps: permissions and removals immediately; an endpoint when the models of its variants
   * are loaded. Until then, and if one of them fails to load, the endpoint stays unchanged. Resolves when all of that
   * is done; a newer snapshot does not wait for an older one. Rejects a snapshot with an older revision.
   */
  swap(snapshot: Snapshot): Promise<SwapOutcome>;
  /** Accepts a connection from another listener, as one of `port`; `grpc`: of `grpcPort`. */
  accept(socket: Socket, at?: string): void;
  /** Replaces the certificate for new connections. Only with `listen.tls`. */
  setTls(tls: GatewayTls): void;
  /** Records contact with the control plane, which restarts the offline limit. `swap` does so too. */
  recordContact(): void;
  /** False: reports not ready, so that load balancers stop sending, and still answers. Initially true. */
  setReady(ready: boolean): void;
  stats(): GatewayStats;
  /**
   * Announces the end: reports not ready, and asks clients to use other connections (`Connection: close` with each response, GOAWAY over gRPC).
   * Requests are still answered.
   */
  giveNotice(): void;
  /**
   * Gives notice, closes the ports and idle connections after `noticeMs`, and the others after their running requests or `deadlineMs` later.
   */
  drain(times: { readonly noticeMs: number; readonly deadlineMs: number }): Promise<void>;
}

export interface SwapOutcome {
  readonly revision: number;
  /** Errors by model key. */
  readonly failed: ReadonlyMap<string, string>;
}
