/**
 * Reads requests of plain HTTP/1.1 connections without Node's server. It reads only unambiguous requests: headers in one
 * packet, and a body that arrives with them or that is large and announced. The first other request moves its connection,
 * with all its bytes, to Node's server for the rest of its life.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { readRequestHead, type RequestHead } from './request-head.ts';

/** A request in progress. */
export interface OpenExchange {
  /** Consumes received bytes of the body, and returns those after it. */
  take(bytes: Buffer): Buffer;
  /** The client closed its side of the connection. */
  cutOff(): void;
  /** The connection is closed. */
  close(): void;
}

/** The connection as an exchange uses it. */
export interface PlainConnection {
  /** The end of the headers of each response except the last. */
  readonly keepAlive: string;
  /** The response has been sent. `last`: the connection ends. */
  done(last: boolean): void;
}

export interface PlainConnectionOptions<Exchange extends OpenExchange> {
  /** False: Node's server reads the request. Default: it reads only ambiguous ones. */
  readonly accepts?: (head: RequestHead) => boolean;
  /** `body`: the part that arrived with the headers. */
  readonly open: (connection: PlainConnection, socket: Socket, head: RequestHead, body: Buffer) => Exchange;
  /** Handles a request. It may end before this returns. */
  readonly handle: (exchange: Exchange) => void;
  /** Node's HTTP server; receives a socket as its event `connection`. */
  readonly node: EventEmitter;
  /** Whether long announced bodies are passed on while they arrive; otherwise Node's server reads them. */
  readonly longBodies: boolean;
  /** Answers and closes a connection on which nothing arrived in time. Default: closes it. */
  readonly silent?: (socket: Socket) => void;
  /** Time for the first byte (ms). */
  readonly headersMs: number;
  /** Time for a body that does not arrive with its headers (ms), before Node's server reads the request. */
  readonly restMs: number;
  /** Idle time between requests (ms). */
  readonly keepAliveMs: number;
}

/** Longer headers gain nothing here. */
const MOST_HEAD = 8 * 1024;
/** A longer body spans many packets, and its endpoint is resolved before it is read. */
const MOST_AT_ONCE = 64 * 1024;
/** For the first request of a new connection (ms), when connections close. */
const FIRST_REQUEST_MS = 250;
const END_OF_HEAD = '\r\n\r\n';
const NOTHING: Buffer = Buffer.alloc(0);

export class PlainConnections<Exchange extends OpenExchange> {
  readonly #options: PlainConnectionOptions<Exchange>;
  readonly #connections = new Set<Connection<Exchange>>();

  constructor(options: PlainConnectionOptions<Exchange>) {
    this.#options = options;
  }

  accept(socket: Socket): void {
    const connection = new Connection(socket, this.#options, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /**
   * Closes connections without an active request. New ones may send their first request, until this resolves: after a quarter of a second,
   * or immediately without new ones.
   */
  async closeIdle(): Promise<void> {
    // Requests that have arrived are read first: their connections are not idle.
    await new Promise((resolve) => setImmediate(resolve));
    let hasNew = false;
    for (const connection of this.#connections) hasNew = !connection.endIfIdle() || hasNew;
    if (hasNew) await new Promise((resolve) => setTimeout(resolve, FIRST_REQUEST_MS));
  }

  closeAll(): void {
    for (const connection of this.#connections) connection.destroy();
  }
}

class Connection<Exchange extends OpenExchange> implements PlainConnection {
  readonly #socket: Socket;
  readonly #options: PlainConnectionOptions<Exchange>;
  readonly #left: () => void;
  /** The same header as Node's, so that a client disconnects before the server does. */
  readonly keepAlive: string;
  /** Bytes of an incomplete request. */
  #held = NOTHING;
  #exchange: Exchange | undefined;
  /** Clients repeat nearly the same headers. */
  #lastText = '';
  #lastHead: RequestHead | undefined;
  #hasSpoken = false;
  /** The last response has been sent; further data is ignored. */
  #isOver = false;

  constructor(socket: Socket, options: PlainConnectionOptions<Exchange>, left: () => void) {
    this.#socket = socket;
    this.#options = options;
    this.#left = left;
    this.keepAlive = `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(options.keepAliveMs / 1000)}\r\n\r\n`;
    socket.setNoDelay(true);
    socket.setTimeout(options.headersMs);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', drop);
    socket.on('close', this.#onClose);
  }

  /** Returns false for a new connection: its first request is probably on its way. */
  endIfIdle(): boolean {
    if (this.#exchange !== undefined || this.#held.length > 0) return true;
    if (this.#hasSpoken) this.#socket.end();
    else this.#socket.setTimeout(FIRST_REQUEST_MS);
    return this.#hasSpoken;
  }

  destroy(): void {
    this.#socket.destroy();
  }

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
      this.#socket.setTimeout(this.#options.keepAliveMs);
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
    else if (!this.#hasSpoken && this.#options.silent !== undefined) this.#options.silent(this.#socket);
    else this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#left();
    this.#exchange?.cutOff();
    this.#exchange?.close();
  };

  #read(bytes: Buffer, isPipelined = false): void {
    const { accepts, longBodies, open, handle, restMs, keepAliveMs } = this.#options;
    const end = bytes.indexOf(END_OF_HEAD);
    if (end <= 0 || end > MOST_HEAD) {
      this.#handOver(bytes);
      return;
    }
    const text = bytes.toString('latin1', 0, end);
    const head = text === this.#lastText ? this.#lastHead : readRequestHead(text);
    if (head === undefined || accepts?.(head) === false) {
      this.#handOver(bytes);
      return;
    }
    this.#lastText = text;
    this.#lastHead = head;
    const from = end + END_OF_HEAD.length;
    const to = from + head.length;
    const isLong = head.length > MOST_AT_ONCE && head.method === 'POST';
    if (bytes.length < to && !(isLong && longBodies)) {
      // Many clients send headers and body separately. Other fragmented or slow requests are not of this kind.
      if (isPipelined || isLong) this.#handOver(bytes);
      else {
        this.#held = bytes;
        this.#socket.setTimeout(restMs);
      }
      return;
    }
    if (isPipelined) this.#socket.setTimeout(keepAliveMs);
    if (bytes.length > to) {
      this.#held = bytes.subarray(to);
      this.#socket.pause();
    }
    const exchange = open(this, this.#socket, head, bytes.subarray(from, to));
    this.#exchange = exchange;
    handle(exchange);
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
    this.#options.node.emit('connection', socket);
    process.nextTick(() => socket.resume());
  }
}

function drop(this: Socket): void {
  this.destroy();
}
