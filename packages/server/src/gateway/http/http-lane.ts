/**
 * A fast path for plain requests over keep-alive connections: a prediction through Node's HTTP server costs 31 µs of
 * CPU, and 25 µs through this path (`benchmarks/serving.ts`; decision 29).
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { PlainConnections } from '#lib/http/plain-connections.ts';
import type { HttpExchange } from './http-exchange.ts';
import { LaneExchange } from './lane-exchange.ts';
import type { Patience } from '../options.ts';

export interface LaneDependencies {
  readonly handle: (exchange: HttpExchange) => void;
  /** Node's HTTP server; receives a socket as its event `connection`. */
  readonly node: EventEmitter;
  readonly patience: Patience;
  /** Idle time between requests. */
  readonly keepAliveMs: number;
  /** Memory for large bodies. */
  readonly memory: BufferPool;
}

export class HttpLane {
  readonly #connections: PlainConnections<LaneExchange>;

  constructor(dependencies: LaneDependencies) {
    const { handle, node, patience, keepAliveMs } = dependencies;
    this.#connections = new PlainConnections<LaneExchange>({
      open: (connection, socket, head, body) => new LaneExchange(dependencies, connection, socket, head, body),
      handle,
      node,
      longBodies: true,
      headersMs: patience.headers,
      restMs: patience.timeoutCheck,
      keepAliveMs,
    });
  }

  accept(socket: Socket): void {
    this.#connections.accept(socket);
  }

  /** Connections without an active request. */
  closeIdle(): void {
    void this.#connections.closeIdle();
  }
}
