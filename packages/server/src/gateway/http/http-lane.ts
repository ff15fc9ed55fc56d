/**
 * A fast path for plain requests over keep-alive connections: a prediction through Node's HTTP server costs 31 µs of
 * CPU, and 25 µs through this path (`benchmarks/serving.ts`; decision 29). It reads only unambiguous requests: headers in one
 * packet, and a body that arrives with them or that is large and announced. The first other request moves its
 * connection, with all its bytes, to Node's server for the rest of its life.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { HttpExchange } from './http-exchange.ts';
import { LaneExchange, type ExchangeConnection } from './lane-exchange.ts';
import { readLaneHead, type LaneHead } from './lane-head.ts';
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

/** Longer headers gain nothing here. */
const MOST_HEAD = 8 * 1024;
/** A longer body spans many packets, and its endpoint is resolved before it is read. */
const MOST_AT_ONCE = 64 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const NOTHING: Buffer = Buffer.alloc(0);

export class HttpLane {
  readonly #dependencies: LaneDependencies;
  readonly #connections = new Set<LaneConnection>();

  constructor(dependencies: LaneDependencies) {
    this.#dependencies = dependencies;
  }

  accept(socket: Socket): void {
    const connection = new LaneConnection(socket, this.#dependencies, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /** Connections without an active request. */
  closeIdle(): void {
    for (const connection of this.#connections) connection.endIfIdle();
  }
}

class LaneConnection implements ExchangeConnection {
  readonly #socket: Socket;
  readonly #dependencies: LaneDependencies;
  readonly #left: () => void;
  /** The same header as Node's, so that a client disconnects before the server does. */
  readonly keepAlive: string;
  readonly patience: Patience;
  readonly memory: BufferPool;
  /** Bytes of an incomplete request. */
  #held = NOTHING;
  #exchange: LaneExchange | undefined;
  /** Clients repeat nearly the same headers. */
  #lastText = '';
  #lastHead: LaneHead | undefined;
  #hasSpoken = false;
  /** The last response has been sent; further data is ignored. */
  #isOver = false;

  constructor(socket: Socket, dependencies: LaneDependencies, left: () => void) {
    this.#socket = socket;
    this.#dependencies = dependencies;
    this.#left = left;
    this.patience = dependencies.patience;
    this.memory = dependencies.memory;
    this.keepAlive = `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(dependencies.keepAliveMs / 1000)}\r\n\r\n`;
    socket.setNoDelay(true);
    socket.setTimeout(dependencies.patience.headers);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', drop);
    socket.on('close', this.#onClose);
  }

  endIfIdle(): void {
    if (this.#exchange === undefined && this.#held.length === 0) this.#socket.end();
  }

  /** The response has been sent. */
  done(last: boolean): void {
    this.#exchange = undefined;
    if (last) {
      this.#isOver = true;
      this.#socket.end();
      return;
    }
    // Deferred: a thousand requests in one packet would nest as many calls.
    if (this.#held.length > 0) setImmediate(this.#readOn);
  }

  readonly #readOn = (): void => {
    if (this.#exchange !== undefined || this.#socket.destroyed) return;
    const held = this.#held;
    this.#held = NOTHING;
    this.#socket.resume();
    this.#read(held);
  };

  readonly #onData = (chunk: Buffer): void => {
    if (this.#isOver) return;
    if (!this.#hasSpoken) {
      this.#hasSpoken = true;
      this.#socket.setTimeout(this.#dependencies.keepAliveMs);
    }
    if (this.#held.length > 0) chunk = Buffer.concat([this.#held, chunk]);
    if (this.#exchange === undefined) {
      const isPipelined = this.#held.length > 0;
      this.#held = NOTHING;
      this.#read(chunk, isPipelined);
      return;
    }
    chunk = this.#exchange.take(chunk);
    if (chunk.length === 0) return;
    // A pipelined request waits in the kernel until this response is sent, except for the part that has been read.
    this.#held = chunk;
    this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.#exchange?.cutOff();
    this.#socket.end();
  };

  readonly #onTimeout = (): void => {
    if (this.#exchange !== undefined) return;
    // An incomplete request: Node's server has its own timeouts and error responses.
    if (this.#held.length > 0) this.#handOver(this.#held);
    else this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#left();
    this.#exchange?.cutOff();
    this.#exchange?.close();
  };

  #read(bytes: Buffer, isPipelined = false): void {
    const end = bytes.indexOf(END_OF_HEAD);
    if (end <= 0 || end > MOST_HEAD) {
      this.#handOver(bytes);
      return;
    }
    const text = bytes.toString('latin1', 0, end);
    const head = text === this.#lastText ? this.#lastHead : readLaneHead(text);
    if (head === undefined) {
      this.#handOver(bytes);
      return;
    }
    this.#lastText = text;
    this.#lastHead = head;
    const from = end + END_OF_HEAD.length;
    const to = from + head.length;
    const isLong = head.length > MOST_AT_ONCE && head.method === 'POST';
    if (bytes.length < to && !isLong) {
      // Many clients send headers and body separately. Other fragmented or slow requests are not of this kind.
      if (isPipelined) this.#handOver(bytes);
      else {
        this.#held = bytes;
        this.#socket.setTimeout(this.#dependencies.patience.timeoutCheck);
      }
      return;
    }
    if (isPipelined) this.#socket.setTimeout(this.#dependencies.keepAliveMs);
    if (bytes.length > to) {
      this.#held = bytes.subarray(to);
      this.#socket.pause();
    }
    const exchange = new LaneExchange(this, this.#socket, head, bytes.subarray(from, to));
    this.#exchange = exchange;
    this.#dependencies.handle(exchange);
  }

  #handOver(bytes: Buffer): void {
    const socket = this.#socket;
    this.#left();
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('timeout', this.#onTimeout);
    socket.off('error', drop);
    socket.off('close', this.#onClose);
    socket.setTimeout(0);
    socket.pause();
    socket.unshift(bytes);
    this.#dependencies.node.emit('connection', socket);
    process.nextTick(() => socket.resume());
  }
}

function drop(this: Socket): void {
  this.destroy();
}
