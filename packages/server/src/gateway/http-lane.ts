/**
 * A short way for plain requests over keep-alive connections: through Node's own HTTP server a prediction costs 147 µs of CPU, this
 * way 64 (`benchmarks/serving.ts`). It reads only what has one meaning and came whole; with the first request that has not, the
 * connection goes to Node's server with all its bytes, and stays there.
 */
import type { EventEmitter } from 'node:events';
import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { DaisError } from '@dais/api';
import { tooLarge } from './http-body.ts';
import { watchReader, type HttpExchange, type SentHeaders } from './http-exchange.ts';
import { readLaneHead, type LaneHead } from './lane-head.ts';
import type { Patience } from './options.ts';

export interface LaneParts {
  readonly handle: (exchange: HttpExchange) => void;
  /** Node's server; takes a socket as its event `connection`. */
  readonly node: EventEmitter;
  readonly patience: Patience;
  /** Between requests. */
  readonly keepAliveMs: number;
}

/** Longer heads and bodies gain nothing here. */
const MOST_HEAD = 8 * 1024;
const MOST_BODY = 64 * 1024;
/** Answers below it are one piece with their head: two pieces cost Node 25 µs more than the copy does. */
const MOST_JOINED = 64 * 1024;
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

class LaneConnection {
  readonly #socket: Socket;
  readonly #parts: LaneParts;
  readonly #left: () => void;
  /** As Node says it, so that a client leaves before it is left. */
  readonly keepAlive: string;
  readonly readerMs: number;
  /** Bytes of which not all is there. */
  #held = NOTHING;
  #exchange: LaneExchange | undefined;
  /** A client sends nearly the same again and again. */
  #lastText = '';
  #lastHead: LaneHead | undefined;
  #hasSpoken = false;

  constructor(socket: Socket, parts: LaneParts, left: () => void) {
    this.#socket = socket;
    this.#parts = parts;
    this.#left = left;
    this.readerMs = parts.patience.reader;
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
    // The next request before this one's answer: it waits in the kernel, but for what is here.
    this.#held = chunk;
    this.#socket.pause();
  };

  readonly #onEnd = (): void => {
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
    if (head === undefined || head.length > MOST_BODY) {
      this.#handOver(bytes);
      return;
    }
    this.#lastText = text;
    this.#lastHead = head;
    const from = end + END_OF_HEAD.length;
    const to = from + head.length;
    if (bytes.length < to) {
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
    this.#exchange = new LaneExchange(this, this.#socket, head, bytes.subarray(from, to));
    this.#parts.handle(this.#exchange);
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

class LaneExchange implements HttpExchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** It came whole. */
  readonly hasMore = false;
  isAnswered = false;
  readonly #connection: LaneConnection;
  readonly #socket: Socket;
  readonly #body: Buffer;
  #closed: (() => void)[] = [];
  #last = false;

  constructor(connection: LaneConnection, socket: Socket, { method, url, headers }: LaneHead, body: Buffer) {
    this.#connection = connection;
    this.#socket = socket;
    this.#body = body;
    this.method = method;
    this.url = url;
    this.headers = headers;
  }

  get isGone(): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded;
  }

  body(most: number): Buffer {
    if (this.#body.length > most) throw tooLarge(most);
    return this.#body;
  }

  onClose(closed: () => void): () => void {
    this.#closed.push(closed);
    return () => {
      const place = this.#closed.indexOf(closed);
      if (place >= 0) this.#closed.splice(place, 1);
    };
  }

  send(status: number, headers: SentHeaders, own: SentHeaders, body: Buffer | string): void {
    const socket = this.#socket;
    const isText = typeof body === 'string';
    const length = isText ? Buffer.byteLength(body) : body.length;
    this.#last ||= own['connection'] === 'close';
    const end = this.#last ? '\r\n' : this.#connection.keepAlive;
    const fixed = `content-length: ${length}\r\ndate: ${dateNow()}\r\n${end}`;
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n${lines(headers)}${lines(own)}${fixed}`;
    this.isAnswered = true;
    if (isText) socket.write(head + body, length === body.length ? 'latin1' : 'utf8');
    else if (length <= MOST_JOINED) {
      const whole = Buffer.allocUnsafe(head.length + length);
      whole.write(head, 0, 'latin1');
      body.copy(whole, head.length);
      socket.write(whole);
    } else {
      socket.cork();
      socket.write(head, 'latin1');
      socket.write(body);
      socket.uncork();
    }
    watchReader(socket, this.#connection.readerMs, (taken) => socket.once('drain', taken).once('close', taken));
    this.close();
    this.#connection.done(this.#last);
  }

  drop(): void {
    this.#socket.destroy();
  }

  /** Its body came whole. */
  linger(): void {}

  close(): void {
    const closed = this.#closed;
    if (closed.length === 0) return;
    this.#closed = [];
    for (const tell of closed) tell();
  }
}

function drop(this: Socket): void {
  this.destroy();
}

function lines(headers: SentHeaders): string {
  let text = '';
  for (const name in headers) {
    const value = headers[name] as string;
    if (OTHER_SIGNS.test(value)) throw new DaisError('internal', `The header ${name} cannot be sent.`);
    text += `${name}: ${value}\r\n`;
  }
  return text;
}

const OTHER_SIGNS = /[^\t -~]/;

let second = 0;
let date = '';

/** RFC 9110 §6.6.1. */
function dateNow(): string {
  const now = Math.floor(Date.now() / 1000);
  if (now !== second) {
    second = now;
    date = new Date(now * 1000).toUTCString();
  }
  return date;
}
