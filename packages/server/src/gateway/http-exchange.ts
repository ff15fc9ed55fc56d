/** One request over HTTP and the place of its answer, whoever read its bytes. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { BodyRoom } from './body-room.ts';
import { collectBody, roomFor } from './http-body.ts';
import type { Patience } from './options.ts';

export type SentHeaders = Readonly<Record<string, string>>;

export interface HttpExchange {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The caller is gone, or its answer was cut off. */
  readonly isGone: boolean;
  /** The head of the answer is on its way. */
  readonly isAnswered: boolean;
  /** Some of the body was not read yet. */
  readonly hasMore: boolean;
  /**
   * As it was sent, of at most so many bytes; once. Asks for a body that waits to be asked for. Throws `too_large`,
   * `request_timeout`. `binaryAt`: where in it that begins which lies as a machine reads it.
   */
  body(most: number, binaryAt?: number): Buffer | Promise<Buffer>;
  /** Nobody reads its body any more: the next one may lie in the same memory. Whoever cannot say so leaves it. */
  giveBodyBack(): void;
  /** Calls back when the caller is gone or answered; gives how to stop listening. */
  onClose(closed: () => void): () => void;
  /** `connection: close` among `own` ends the connection behind it. Names in lower case, none in both. */
  send(status: number, headers: SentHeaders, own: SentHeaders, body: Buffer | string): void;
  /** Ends the connection without a word, or in the middle of one. */
  drop(): void;
  /**
   * The next answer is the last one, although the body has not come to its end: then what still comes is read away for a while.
   * Closed at once, the connection would be reset, and whoever still sends would never see the answer.
   */
  linger(): void;
}

/** To be called when an answer was handed to the socket: whoever takes it so slowly that it waits in this process has so long. */
export function watchReader(socket: Socket, ms: number, onTaken: (taken: () => void) => void): void {
  if (socket.writableLength === 0) return;
  const giveUp = setTimeout(() => socket.destroy(), ms);
  giveUp.unref();
  onTaken(() => clearTimeout(giveUp));
}

/** Whatever HTTP/1.1 allows, read by Node. */
export class NodeExchange implements HttpExchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #patience: Patience;
  readonly #kept: BufferPool;
  #room: BodyRoom | undefined;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;

  constructor(request: IncomingMessage, response: ServerResponse, patience: Patience, kept: BufferPool) {
    this.#kept = kept;
    this.#request = request;
    this.#response = response;
    this.#patience = patience;
    this.method = request.method ?? '';
    this.url = request.url ?? '/';
    this.headers = request.headers;
  }

  get isGone(): boolean {
    return this.#response.destroyed;
  }

  get isAnswered(): boolean {
    return this.#response.headersSent;
  }

  get hasMore(): boolean {
    // Node calls a request incomplete until it has looked behind the head, also one that announces nothing.
    const { 'content-length': length, 'transfer-encoding': coding } = this.headers;
    return !this.#request.complete && (coding !== undefined || Number(length ?? 0) > 0);
  }

  async body(most: number, binaryAt?: number): Promise<Buffer> {
    if (this.headers.expect !== undefined) this.#response.writeContinue();
    this.#room = roomFor(this.#kept, Number(this.headers['content-length'] ?? 0), binaryAt);
    return await collectBody(this.#request, most, this.#room);
  }

  giveBodyBack(): void {
    this.#room?.giveBack();
  }

  onClose(closed: () => void): () => void {
    const response = this.#response;
    response.once('close', closed);
    return () => response.off('close', closed);
  }

  send(status: number, headers: SentHeaders, own: SentHeaders, body: Buffer | string): void {
    const response = this.#response;
    const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    response.writeHead(status, { ...headers, ...own, 'content-length': length });
    const { socket } = response;
    response.end(body);
    if (socket !== null) watchReader(socket, this.#patience.reader, (taken) => response.once('close', taken));
  }

  drop(): void {
    this.#response.destroy();
  }

  linger(): void {
    const request = this.#request;
    const { socket } = request;
    // What Node calls behind the last answer.
    socket.destroySoon = () => {
      socket.end();
      request.resume();
      const giveUp = setTimeout(() => socket.destroy(), this.#patience.linger);
      giveUp.unref();
      socket.once('close', () => clearTimeout(giveUp));
    };
  }
}
