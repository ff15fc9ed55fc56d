/** A request that the fast path has parsed, and its response. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { DaisError } from '@dais/api/errors';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { OpenExchange, PlainConnection } from '#lib/http/plain-connections.ts';
import { headerLines, limitReadTime, writeResponse } from '#lib/http/plain-response.ts';
import type { RequestHead } from '#lib/http/request-head.ts';
import { BodyBuffer } from './body-buffer.ts';
import { tooLarge } from './http-body.ts';
import type { HttpExchange, SentHeaders } from './http-exchange.ts';

import type { Patience } from '../options.ts';

/** What the exchanges of a connection share. */
export interface ExchangeDependencies {
  readonly patience: Patience;
  /** Memory for large bodies. */
  readonly memory: BufferPool;
}

const NOTHING: Buffer = Buffer.alloc(0);

export class LaneExchange implements HttpExchange, OpenExchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  isAnswered = false;
  readonly #connection: PlainConnection;
  readonly #dependencies: ExchangeDependencies;
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
  #requested: { readonly resolve: (body: Buffer) => void; readonly reject: (error: DaisError) => void } | undefined;
  #cancel: NodeJS.Timeout | undefined;
  #closed: (() => void)[] = [];
  #last = false;

  constructor(
    dependencies: ExchangeDependencies,
    connection: PlainConnection,
    socket: Socket,
    { method, url, headers, length }: RequestHead,
    first: Buffer,
  ) {
    this.#dependencies = dependencies;
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
    this.#room = new BodyBuffer(this.#dependencies.memory, this.#length, binaryAt);
    this.#room.add(this.#first);
    const { request: ms } = this.#dependencies.patience;
    this.#cancel = setTimeout(() => this.#fail(`The body did not arrive within ${ms / 1000} s.`), ms);
    this.#cancel.unref();
    return new Promise<Buffer>((resolve, reject) => (this.#requested = { resolve, reject }));
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
    if (this.#room !== undefined) this.#requested?.resolve(this.#room.whole);
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
    this.#requested?.reject(new DaisError('request_timeout', detail));
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
    this.#last ||= own['connection'] === 'close' || this.hasMore;
    const end = this.#last ? '\r\n' : this.#connection.keepAlive;
    const lines = headerLines(headers) + headerLines(own);
    this.isAnswered = true;
    writeResponse(socket, { status, lines, body, end });
    limitReadTime(socket, this.#dependencies.patience.reader, (taken) =>
      socket.once('drain', taken).once('close', taken),
    );
    this.close();
    this.#connection.done(this.#last);
  }

  drop(): void {
    this.#socket.destroy();
  }

  linger(): void {
    const giveUp = setTimeout(() => this.#socket.destroy(), this.#dependencies.patience.linger);
    giveUp.unref();
    this.#socket.once('close', () => clearTimeout(giveUp));
  }

  close(): void {
    const closed = this.#closed;
    if (closed.length === 0) return;
    this.#closed = [];
    for (const notify of closed) notify();
  }
}
