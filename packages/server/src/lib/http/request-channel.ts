/**
 * Carries requests with complete bodies from one process to another over one connection, many at the same time. All
 * messages of one turn of the event loop are one write, so that a request costs a fraction of a connection of its own.
 *
 * A message is its length (4 bytes, without itself), the id of the request (4) and a content. Of a request: the lengths
 * of its head (2) and of its id (1), both texts in Latin-1, and the body. Without a content: the caller has gone. Of a
 * response: the status (2), the length of its header lines (4), these lines, and the body. Status 0: there is none.
 */
import type { Socket } from 'node:net';

/** The protocol in the header `Upgrade`, with which a connection becomes a channel. */
export const CHANNEL_PROTOCOL = 'dais-requests';

const LENGTH = 4;
const PREFIX = 8;
const REQUEST_HEAD = 3;
const RESPONSE_HEAD = 6;
const MOST_ID = 0xffff_ffff;
/** A head of at most 8 KiB, a body of at most 64 KiB, and room for added headers. */
const LONGEST_REQUEST = 128 * 1024;
const END_OF_HEAD = '\r\n\r\n';
const NOTHING: Buffer = Buffer.alloc(0);

/** Collects the messages of a turn. */
class ChannelWriter {
  readonly #socket: Socket;
  #waiting: Buffer[] = [];

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  add(message: Buffer): void {
    this.#waiting.push(message);
    if (this.#waiting.length === 1) process.nextTick(this.#flush);
  }

  readonly #flush = (): void => {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (this.#socket.destroyed || this.#socket.writableEnded) return;
    this.#socket.write(waiting.length === 1 ? (waiting[0] as Buffer) : Buffer.concat(waiting));
  };
}

/** Splits the received bytes into messages. */
function readMessages(socket: Socket, longest: number, receive: (id: number, content: Buffer) => void) {
  let chunks: Buffer[] = [];
  let length = 0;
  let needed = PREFIX;
  return (chunk: Buffer): void => {
    chunks.push(chunk);
    length += chunk.length;
    // A long message is joined once, when it is complete.
    if (length < needed) return;
    let bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks);
    needed = PREFIX;
    while (bytes.length >= PREFIX) {
      const end = LENGTH + bytes.readUInt32LE(0);
      if (end < PREFIX || end > longest) {
        socket.destroy();
        return;
      }
      needed = end;
      if (bytes.length < end) break;
      receive(bytes.readUInt32LE(LENGTH), bytes.subarray(PREFIX, end));
      bytes = bytes.subarray(end);
      needed = PREFIX;
    }
    chunks = bytes.length === 0 ? [] : [bytes];
    length = bytes.length;
  };
}

export interface ChannelCall {
  /** `lines`: complete header lines. */
  answered(status: number, lines: string, body: Buffer): void;
  /**
   * There is no response: the other process ended, or gave the request up. `wasReady`: the request was sent over a
   * channel that was open before.
   */
  failed(wasReady: boolean): void;
}

export interface ChannelTarget {
  /** A new connection. */
  readonly socket: Socket;
  /** The HTTP request that makes it a channel. */
  readonly upgrade: string;
}

interface SentCall {
  readonly call: ChannelCall;
  readonly wasReady: boolean;
}

interface Connection {
  readonly socket: Socket;
  /** The other side has agreed. */
  readonly isReady: boolean;
  add(message: Buffer): void;
}

/** The side that sends requests. It connects with the first request, and again after the connection has ended. */
export class RequestChannel {
  readonly #connect: () => ChannelTarget;
  readonly #calls = new Map<number, SentCall>();
  #connection: Connection | undefined;
  #lastId = 0;

  constructor(connect: () => ChannelTarget) {
    this.#connect = connect;
  }

  /** Sends a request. Returns a function for a caller that has gone: it gets no response. */
  send(head: string, requestId: string, body: Buffer, call: ChannelCall): () => void {
    const connection = (this.#connection ??= this.#open());
    this.#lastId = (this.#lastId + 1) % MOST_ID;
    const id = this.#lastId;
    this.#calls.set(id, { call, wasReady: connection.isReady });
    connection.add(requestMessage(id, head, requestId, body));
    return () => {
      if (this.#calls.delete(id) && this.#connection === connection) connection.add(message(id, 0));
    };
  }

  close(): void {
    this.#connection?.socket.end();
  }

  #open(): Connection {
    const { socket, upgrade } = this.#connect();
    const writer = new ChannelWriter(socket);
    // Messages wait until the other side has agreed: otherwise it would read them as HTTP.
    let waiting: Buffer[] | undefined = [];
    const connection: Connection = {
      socket,
      get isReady() {
        return waiting === undefined;
      },
      add: (one) => void (waiting === undefined ? writer.add(one) : waiting.push(one)),
    };
    const receive = readMessages(socket, Number.POSITIVE_INFINITY, (id, content) => this.#receive(id, content));
    let reply = NOTHING;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      if (waiting === undefined) {
        receive(chunk);
        return;
      }
      reply = Buffer.concat([reply, chunk]);
      const end = reply.indexOf(END_OF_HEAD);
      if (end < 0) return;
      if (!reply.toString('latin1', 0, end).startsWith('HTTP/1.1 101 ')) {
        socket.destroy();
        return;
      }
      const rest = reply.subarray(end + END_OF_HEAD.length);
      const messages = waiting;
      waiting = undefined;
      for (const one of messages) writer.add(one);
      if (rest.length > 0) receive(rest);
    });
    socket.on('error', () => {});
    socket.once('close', () => {
      this.#connection = undefined;
      const calls = [...this.#calls.values()];
      this.#calls.clear();
      for (const { call, wasReady } of calls) call.failed(wasReady);
    });
    socket.once('end', () => socket.end());
    socket.write(upgrade);
    return connection;
  }

  #receive(id: number, content: Buffer): void {
    const call = this.#calls.get(id)?.call;
    this.#calls.delete(id);
    const status = content.readUInt16LE(0);
    if (status === 0) {
      call?.failed(false);
      return;
    }
    const from = RESPONSE_HEAD + content.readUInt32LE(2);
    call?.answered(status, content.toString('latin1', RESPONSE_HEAD, from), content.subarray(from));
  }
}

/** The side that answers requests. */
export class ChannelServer {
  readonly #socket: Socket;
  readonly #writer: ChannelWriter;
  readonly #handle: (request: ChannelRequest) => void;
  readonly #requests = new Map<number, ChannelRequest>();
  #isDraining = false;

  /** `first`: bytes that arrived with the request to upgrade. */
  constructor(socket: Socket, first: Buffer, handle: (request: ChannelRequest) => void) {
    this.#socket = socket;
    this.#writer = new ChannelWriter(socket);
    this.#handle = handle;
    const receive = readMessages(socket, LONGEST_REQUEST, (id, content) => this.#receive(id, content));
    socket.setNoDelay(true);
    socket.setTimeout(0);
    socket.on('error', () => {});
    socket.on('data', receive);
    socket.once('end', () => socket.end());
    socket.once('close', () => {
      for (const request of this.#requests.values()) request.cancel();
      this.#requests.clear();
    });
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${CHANNEL_PROTOCOL}\r\n\r\n`);
    if (first.length > 0) receive(first);
  }

  /** Closes the channel after the responses of all requests in progress. */
  drain(): void {
    this.#isDraining = true;
    if (this.#requests.size === 0) this.#socket.end();
  }

  #receive(id: number, content: Buffer): void {
    if (content.length === 0) {
      this.#requests.get(id)?.cancel();
      this.#requests.delete(id);
      return;
    }
    const isShort = content.length < REQUEST_HEAD;
    const from = isShort ? 0 : REQUEST_HEAD + content.readUInt16LE(0);
    const to = isShort ? 0 : from + content.readUInt8(2);
    if (isShort || to > content.length || this.#requests.has(id)) {
      this.#socket.destroy();
      return;
    }
    const request = new ChannelRequest(
      content.toString('latin1', REQUEST_HEAD, from),
      content.toString('latin1', from, to),
      content.subarray(to),
      (status, lines, body) => this.#respond(id, status, lines, body),
    );
    this.#requests.set(id, request);
    this.#handle(request);
  }

  #respond(id: number, status: number, lines: string, body: Buffer | string): void {
    if (!this.#requests.delete(id)) return;
    const bodyLength = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
    const bytes = message(id, RESPONSE_HEAD + lines.length + bodyLength);
    bytes.writeUInt16LE(status, PREFIX);
    bytes.writeUInt32LE(lines.length, PREFIX + 2);
    let at = PREFIX + RESPONSE_HEAD;
    at += bytes.write(lines, at, 'latin1');
    if (typeof body === 'string') bytes.write(body, at, 'utf8');
    else body.copy(bytes, at);
    this.#writer.add(bytes);
    // After the write of this turn.
    if (this.#isDraining && this.#requests.size === 0) setImmediate(() => this.#socket.end());
  }
}

export class ChannelRequest {
  /** The first line and the header lines, without the empty line. */
  readonly head: string;
  readonly requestId: string;
  readonly body: Buffer;
  /** The caller has gone. */
  isGone = false;
  readonly #respond: (status: number, lines: string, body: Buffer | string) => void;
  #closed: (() => void)[] = [];

  constructor(
    head: string,
    requestId: string,
    body: Buffer,
    respond: (status: number, lines: string, body: Buffer | string) => void,
  ) {
    this.head = head;
    this.requestId = requestId;
    this.body = body;
    this.#respond = respond;
  }

  /** `lines`: complete header lines, without the length of the body. */
  respond(status: number, lines: string, body: Buffer | string): void {
    this.#respond(status, lines, body);
    this.#close();
  }

  /** Ends the request without a response. */
  giveUp(): void {
    this.respond(0, '', NOTHING);
  }

  /** Calls `closed` when the caller has gone or the response is sent. Returns a function that unsubscribes. */
  onClose(closed: () => void): () => void {
    this.#closed.push(closed);
    return () => {
      const index = this.#closed.indexOf(closed);
      if (index >= 0) this.#closed.splice(index, 1);
    };
  }

  cancel(): void {
    this.isGone = true;
    this.#close();
  }

  #close(): void {
    const listeners = this.#closed;
    if (listeners.length === 0) return;
    this.#closed = [];
    for (const notify of listeners) notify();
  }
}

function message(id: number, contentLength: number): Buffer {
  const bytes = Buffer.allocUnsafe(PREFIX + contentLength);
  bytes.writeUInt32LE(PREFIX - LENGTH + contentLength, 0);
  bytes.writeUInt32LE(id, LENGTH);
  return bytes;
}

function requestMessage(id: number, head: string, requestId: string, body: Buffer): Buffer {
  const bytes = message(id, REQUEST_HEAD + head.length + requestId.length + body.length);
  bytes.writeUInt16LE(head.length, PREFIX);
  bytes.writeUInt8(requestId.length, PREFIX + 2);
  let at = PREFIX + REQUEST_HEAD;
  at += bytes.write(head, at, 'latin1');
  at += bytes.write(requestId, at, 'latin1');
  body.copy(bytes, at);
  return bytes;
}
