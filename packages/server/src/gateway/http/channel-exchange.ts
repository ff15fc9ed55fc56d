/** Requests that the control process forwards over a channel. */
import type { IncomingHttpHeaders } from 'node:http';
import { headerLines } from '#lib/http/plain-response.ts';
import type { ChannelRequest } from '#lib/http/request-channel.ts';
import { readRequestHead, type RequestHead } from '#lib/http/request-head.ts';
import { tooLarge } from './http-body.ts';
import type { HttpExchange, SentHeaders } from './http-exchange.ts';

/** Most cached heads: reading one takes 5 µs, and clients repeat them. */
const MOST_HEADS = 1000;

/** Returns a handler of channel requests. */
export function channelHandler(handle: (exchange: HttpExchange) => void): (request: ChannelRequest) => void {
  const heads = new Map<string, RequestHead>();
  return (request) => {
    let head = heads.get(request.head);
    if (head === undefined) {
      head = readRequestHead(request.head);
      if (head === undefined) {
        request.giveUp();
        return;
      }
      if (heads.size >= MOST_HEADS) heads.clear();
      heads.set(request.head, head);
    }
    handle(new ChannelExchange(request, head));
  };
}

class ChannelExchange implements HttpExchange {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<IncomingHttpHeaders>;
  readonly hasMore = false;
  isAnswered = false;
  readonly #request: ChannelRequest;

  constructor(request: ChannelRequest, { method, url, headers }: RequestHead) {
    this.#request = request;
    this.method = method;
    this.url = url;
    this.headers = { ...headers, 'x-request-id': request.requestId };
  }

  get isGone(): boolean {
    return this.#request.isGone;
  }

  body(most: number): Buffer {
    const { body } = this.#request;
    if (body.length > most) throw tooLarge(most);
    return body;
  }

  /** The body belongs to the memory of the channel. */
  giveBodyBack(): void {}

  onClose(closed: () => void): () => void {
    return this.#request.onClose(closed);
  }

  send(status: number, headers: SentHeaders, own: SentHeaders, body: Buffer | string): void {
    this.isAnswered = true;
    // The channel stays open.
    this.#request.respond(status, headerLines(headers) + headerLines(own, 'connection'), body);
  }

  drop(): void {
    this.#request.giveUp();
  }

  /** The body is complete. */
  linger(): void {}
}
