/** An HTTP request and its response, independent of the parser. */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { limitReadTime } from '#lib/http/plain-response.ts';
import type { BodyBuffer } from './body-buffer.ts';
import { collectBody, bodyBufferFor } from './http-body.ts';
import type { Patience } from '../options.ts';

export type SentHeaders = Readonly<Record<string, string>>;

export interface HttpExchange {
  readonly method: string;
  /** Path and query, as sent. */
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  /** The client disconnected, or its response was aborted. */
  readonly isGone: boolean;
  /** The response headers have been sent. */
  readonly isAnswered: boolean;
  /** A part of the body has not been read yet. */
  readonly hasMore: boolean;
  /**
   * Reads the body as sent, up to a limit; call it once. Sends `100 Continue` if the client expects it. Throws
   * `too_large` and `request_timeout`. `binaryAt`: offset of the tensors in machine format.
   */
  body(most: number, binaryAt?: number): Buffer | Promise<Buffer>;
  /** Releases the memory of the body for reuse. Do not call it while a reader may exist. */
  giveBodyBack(): void;
  /** Calls `closed` when the client disconnects or the response is sent. Returns a function that unsubscribes. */
  onClose(closed: () => void): () => void;
  /**
   * `connection: close` in `own` closes the connection after the response. Names are in lower case, and none occurs in
   * both.
   */
  send(status: number, headers: SentHeaders, own: SentHeaders, body: Buffer | string): void;
  /** Closes the connection without a response, or in the middle of one. */
  drop(): void;
  /**
   * Makes the next response the last one although the body is incomplete, and discards remaining data for a while. If
   * the connection closed immediately, it would be reset, and a client that still sends would never receive the
   * response.
   */
  linger(): void;
}

/** Requests of any form of HTTP/1.1, parsed by Node. */
export class NodeExchange implements HttpExchange {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #patience: Patience;
  readonly #kept: BufferPool;
  #room: BodyBuffer | undefined;
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
    // Node reports a request as incomplete until it has read past the headers, even without a body.
    const { 'content-length': length, 'transfer-encoding': coding } = this.headers;
    return !this.#request.complete && (coding !== undefined || Number(length ?? 0) > 0);
  }

  async body(most: number, binaryAt?: number): Promise<Buffer> {
    // Clients of other versions, such as HTTP/1.0, do not know interim responses (RFC 9110 §10.1.1).
    if (this.headers.expect !== undefined && this.#request.httpVersion === '1.1') this.#response.writeContinue();
    this.#room = bodyBufferFor(this.#kept, Number(this.headers['content-length'] ?? 0), binaryAt);
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
    if (socket !== null) limitReadTime(socket, this.#patience.reader, (taken) => response.once('close', taken));
  }

  drop(): void {
    this.#response.destroy();
  }

  linger(): void {
    const request = this.#request;
    const { socket } = request;
    // Node emits this after the last response.
    socket.destroySoon = () => {
      socket.end();
      request.resume();
      const giveUp = setTimeout(() => socket.destroy(), this.#patience.linger);
      giveUp.unref();
      socket.once('close', () => clearTimeout(giveUp));
    };
  }
}
