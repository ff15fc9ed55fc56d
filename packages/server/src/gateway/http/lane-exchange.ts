/** A request that the fast path has parsed, and its response. */
import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { DaisError } from '@dais/api/errors';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { BodyBuffer } from './body-buffer.ts';
import { tooLarge } from './http-body.ts';
import { limitReadTime, type HttpExchange, type SentHeaders } from './http-exchange.ts';
import type { LaneHead } from './lane-head.ts';
import type { Patience } from '../options.ts';

/** The connection as an exchange uses it. */
export interface ExchangeConnection {
  /** The end of the headers of each response except the last. */
  readonly keepAlive: string;
  readonly patience: Patience;
  readonly memory: BufferPool;
  /** The response has been sent. */
  done(last: boolean): void;
}

/** Smaller responses are sent in one piece with their headers: two writes cost Node 25 µs more than the copy. */
const MOST_JOINED = 64 * 1024;
const NOTHING: Buffer = Buffer.alloc(0);

export class LaneExchange implements HttpExchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  isAnswered = false;
  readonly #connection: ExchangeConnection;
  readonly #socket: Socket;
  /** The part of the body that arrived with the headers. */
  readonly #first: Buffer;
  /** Length of the body. */
  readonly #length: number;
  #missing: number;
  /** Bytes arrived before the body was requested and were discarded. */
  #lost = false;
  /** The buffer of a body that did not arrive completely with its headers, once it is requested. */
  #room: BodyBuffer | undefined;
  #asked: { readonly resolve: (body: Buffer) => void; readonly reject: (error: DaisError) => void } | undefined;
  #cancel: NodeJS.Timeout | undefined;
  #closed: (() => void)[] = [];
  #last = false;

  constructor(
    connection: ExchangeConnection,
    socket: Socket,
    { method, url, headers, length }: LaneHead,
    first: Buffer,
  ) {
    this.#connection = connection;
    this.#socket = socket;
    this.#first = first;
    this.#length = length;
    this.#missing = length - first.length;
    this.method = method;
    this.url = url;
    this.headers = headers;
  }

  get isGone(): boolean {
    return this.#socket.destroyed || this.#socket.writableEnded;
  }

  get hasMore(): boolean {
    return this.#missing > 0;
  }

  body(most: number, binaryAt?: number): Buffer | Promise<Buffer> {
    if (this.#length > most) throw tooLarge(most);
    // The buffer would be larger than the received data, and a body with a gap must never look complete.
    if (this.#lost) throw new DaisError('internal', 'The body was requested after a part of it had been discarded.');
    if (this.#missing === 0) return this.#first;
    this.#room = new BodyBuffer(this.#connection.memory, this.#length, binaryAt);
    this.#room.add(this.#first);
    const { request: ms } = this.#connection.patience;
    this.#cancel = setTimeout(() => this.#fail(`The body did not arrive within ${ms / 1000} s.`), ms);
    this.#cancel.unref();
    return new Promise<Buffer>((resolve, reject) => (this.#asked = { resolve, reject }));
  }

  giveBodyBack(): void {
    this.#room?.giveBack();
  }

  /** Consumes received bytes, and returns those after the body. Data of a body that was not requested is discarded. */
  take(bytes: Buffer): Buffer {
    if (this.#missing === 0) return bytes;
    const own = bytes.length <= this.#missing ? bytes : bytes.subarray(0, this.#missing);
    this.#missing -= own.length;
    if (this.#room === undefined) this.#lost = true;
    else this.#room.add(own);
    if (this.#missing > 0) return NOTHING;
    clearTimeout(this.#cancel);
    if (this.#room !== undefined) this.#asked?.resolve(this.#room.whole);
    return bytes.subarray(own.length);
  }

  /** The client closed its side of the connection. */
  cutOff(): void {
    if (this.#missing > 0) this.#fail('The connection closed before the body was complete.');
  }

  #fail(detail: string): void {
    clearTimeout(this.#cancel);
    this.#room?.giveBack();
    this.#room = undefined;
    this.#asked?.reject(new DaisError('request_timeout', detail));
  }

  onClose(closed: () => void): () => void {
    this.#closed.push(closed);
    return () => {
      const index = this.#closed.indexOf(closed);
      if (index >= 0) this.#closed.splice(index, 1);
    };
  }

  send(status: number, headers: SentHeaders, own: SentHeaders, body: Buffer | string): void {
    const socket = this.#socket;
    const isText = typeof body === 'string';
    const length = isText ? Buffer.byteLength(body) : body.length;
    this.#last ||= own['connection'] === 'close' || this.hasMore;
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
    limitReadTime(socket, this.#connection.patience.reader, (taken) =>
      socket.once('drain', taken).once('close', taken),
    );
    this.close();
    this.#connection.done(this.#last);
  }

  drop(): void {
    this.#socket.destroy();
  }

  linger(): void {
    const giveUp = setTimeout(() => this.#socket.destroy(), this.#connection.patience.linger);
    giveUp.unref();
    this.#socket.once('close', () => clearTimeout(giveUp));
  }

  close(): void {
    const closed = this.#closed;
    if (closed.length === 0) return;
    this.#closed = [];
    for (const tell of closed) tell();
  }
}

function lines(headers: SentHeaders): string {
  let text = '';
  for (const name in headers) {
    const value = headers[name] as string;
    if (OTHER_SIGNS.test(value))
      throw new DaisError('internal', `The header ${name} contains characters that HTTP does not allow.`);
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
