import type { Socket } from 'node:net';
import type { ServedModel, Snapshot } from '@dais/api/gateway';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import type { Tracer } from '#lib/telemetry/tracer.ts';
import type { CaptureSink } from './capture.ts';
import type { GatewayStats } from './gateway-stats.ts';
import type { ServingDoor, ServingRpc } from './serving-door.ts';
import type { InferenceEngine, ModelFiles } from './tensors.ts';

export interface GatewayOptions {
  /** Tried in this order for a model that names none. */
  readonly engines: readonly InferenceEngine[];
  readonly doors: readonly ServingDoor[];
  readonly rpcs: readonly ServingRpc[];
  /** Brings a model's files to this machine, unless they are there, and says where. Called before each load. */
  readonly files: (model: ServedModel) => Promise<ModelFiles>;
  readonly capture?: CaptureSink;
  /** Absent: no traces are kept. */
  readonly tracer?: Tracer | undefined;
  readonly listen: GatewayListen;
  /** Of its own: the copy of the snapshot lies there. */
  readonly folder: string;
  /** 0 to 4095; stands in every prediction id. */
  readonly number: number;
  readonly version: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface GatewayListen {
  /** A Unix socket, for whoever has looked at Host and Origin already. */
  readonly socket?: string;
  /** 0: a free one. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0: a free one. Without it, no gRPC. */
  readonly grpcPort?: number;
  /** gRPC speaks TLS, and connections that are handed over; those from this machine also HTTP, as the control plane does. */
  readonly tls?: GatewayTls;
  /** With whom it deals how long; tests wait less. */
  readonly patience?: Partial<Patience>;
  /** Names beside loopback ones that it answers to while `access` is `solo`. */
  readonly allowHosts?: readonly string[];
}

/** In ms. */
export interface Patience {
  /** Until a request's head has come, also its first byte. */
  readonly headers: number;
  /** Until its body has. */
  readonly request: number;
  /** Until its answer was taken. */
  readonly reader: number;
  /** For whoever still sends when it was refused: until then what comes is read away. */
  readonly linger: number;
  /** Between two looks at who is late. */
  readonly look: number;
}

/** In PEM. */
export interface GatewayTls {
  readonly cert: string;
  readonly key: string;
}

export interface Gateway {
  readonly port: number | undefined;
  readonly grpcPort: number | undefined;
  /**
   * Takes effect in two steps: who may call and what is gone at once; an endpoint when the models of its variants are loaded.
   * Until then, and when one of them fails to load, it goes on as it was. Resolves when all of that is settled; a newer one
   * does not wait for an older one. One whose revision is older than what it has is refused.
   */
  swap(snapshot: Snapshot): Promise<SwapOutcome>;
  /** Takes over a connection that somebody else accepted, as one of `port`. */
  accept(socket: Socket): void;
  /** A renewed certificate, for connections from now on. Only where `listen.tls` was given. */
  setTls(tls: GatewayTls): void;
  /** The control plane was heard: what may be offline for so long begins anew. `swap` says so too. */
  heard(): void;
  stats(): GatewayStats;
  /** Says that it is not ready, takes nothing new after `noticeMs`, finishes what it has within `deadlineMs`, closes. */
  drain(times: { readonly noticeMs: number; readonly deadlineMs: number }): Promise<void>;
}

export interface SwapOutcome {
  readonly revision: number;
  /** By the models' keys, of those that could not be loaded. */
  readonly failed: ReadonlyMap<string, string>;
}
