/**
 * A short way for plain requests over keep-alive connections: through Node's own HTTP server a prediction costs 147 µs of CPU, this
 * way 64 (`benchmarks/serving.ts`). It reads only what has one meaning: a head that came at once, and a body that came with it or
 * that is long and announced. With the first request that has not, the connection goes to Node's server with all its bytes, and
 * stays there.
 */
import type { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { HttpExchange } from './http-exchange.ts';
import { LaneExchange, type LaneAnswers } from './lane-exchange.ts';
import { readLaneHead, type LaneHead } from './lane-head.ts';
import type { Patience } from './options.ts';

export interface LaneParts {
  readonly handle: (exchange: HttpExchange) => void;
  /** Node's server; takes a socket as its event `connection`. */
  readonly node: EventEmitter;
  readonly patience: Patience;
  /** Between requests. */
  readonly keepAliveMs: number;
  /** Where long bodies lie. */
  readonly memory: BufferPool;
}

/** Longer heads gain nothing here. */
const MOST_HEAD = 8 * 1024;
/** A longer body comes in many packets, and whoever it is for is asked before it is read. */
const MOST_AT_ONCE = 64 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const NOTHING: Buffer = Buffer.alloc(0);

export class HttpLane {
  readonly #parts: LaneParts;
  readonly #connections = new Set<LaneConnection>();

  constructor(parts: LaneParts) {
    this.#parts = parts;
  }

  accept(socket: Socket): void {
    const connection = new LaneConnection(socket, this.#parts, () => this.#connections.delete(connection));
    this.#connections.add(connection);
  }

  /** Those that no request is answered on. */
  closeIdle(): void {
    for (const connection of this.#connections) connection.endIfIdle();
  }
}

class LaneConnection implements LaneAnswers {
  readonly #socket: Socket;
  readonly #parts: LaneParts;
  readonly #left: () => void;
  /** As Node says it, so that a client leaves before it is left. */
  readonly keepAlive: string;
  readonly patience: Patience;
  readonly memory: BufferPool;
  /** Bytes of which not all is there. */
  #held = NOTHING;
  #exchange: LaneExchange | undefined;
  /** A client sends nearly the same again and again. */
  #lastText = '';
  #lastHead: LaneHead | undefined;
  #hasSpoken = false;
  /** The last answer is out: what still comes is of no interest. */
  #isOver = false;

  constructor(socket: Socket, parts: LaneParts, left: () => void) {
    this.#socket = socket;
    this.#parts = parts;
    this.#left = left;
    this.patience = parts.patience;
    this.memory = parts.memory;
    this.keepAlive = `connection: keep-alive\r\nkeep-alive: timeout=${Math.floor(parts.keepAliveMs / 1000)}\r\n\r\n`;
    socket.setNoDelay(true);
    socket.setTimeout(parts.patience.headers);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('timeout', this.#onTimeout);
    socket.on('error', drop);
    socket.on('close', this.#onClose);
  }

  endIfIdle(): void {
    if (this.#exchange === undefined && this.#held.length === 0) this.#socket.end();
  }

  /** The answer is out. */
  done(last: boolean): void {
    this.#exchange = undefined;
    if (last) {
      this.#isOver = true;
      this.#socket.end();
      return;
    }
    // Not at once: a thousand of them in one packet would be as many calls within each other.
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
      this.#socket.setTimeout(this.#parts.keepAliveMs);
    }
    if (this.#held.length > 0) chunk = Buffer.concat([this.#held, chunk]);
    if (this.#exchange === undefined) {
      const again = this.#held.length > 0;
      this.#held = NOTHING;
      this.#read(chunk, again);
      return;
    }
    chunk = this.#exchange.take(chunk);
    if (chunk.length === 0) return;
    // The next request before this one's answer: it waits in the kernel, but for what is here.
    this.#held = chunk;
    this.#socket.pause();
  };

  readonly #onEnd = (): void => {
    this.#exchange?.cutOff();
    this.#socket.end();
  };

  readonly #onTimeout = (): void => {
    if (this.#exchange !== undefined) return;
    // Half a request: Node's server has its own patience, and words.
    if (this.#held.length > 0) this.#handOver(this.#held);
    else this.#socket.destroy();
  };

  readonly #onClose = (): void => {
    this.#left();
    this.#exchange?.cutOff();
    this.#exchange?.close();
  };

  #read(bytes: Buffer, again = false): void {
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
      // Many clients write head and body one after the other; whoever writes in drops is no such client, nor who takes long.
      if (again) this.#handOver(bytes);
      else {
        this.#held = bytes;
        this.#socket.setTimeout(this.#parts.patience.look);
      }
      return;
    }
    if (again) this.#socket.setTimeout(this.#parts.keepAliveMs);
    if (bytes.length > to) {
      this.#held = bytes.subarray(to);
      this.#socket.pause();
    }
    const exchange = new LaneExchange(this, this.#socket, head, bytes.subarray(from, to));
    this.#exchange = exchange;
    this.#parts.handle(exchange);
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
    this.#parts.node.emit('connection', socket);
    process.nextTick(() => socket.resume());
  }
}

function drop(this: Socket): void {
  this.destroy();
}
