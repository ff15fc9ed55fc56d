/**
 * Sends the same bytes to the fast path of the gateway, to that of the main port and to Node's HTTP server alone, and reports how
 * each one framed them. Node is the reference: whatever both accept must be the same requests.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { duplexPair, type Duplex } from 'node:stream';
import { systemClock } from '#lib/clock.ts';
import { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import { PlainConnections } from '#lib/http/plain-connections.ts';
import { NodeExchange, type HttpExchange } from '../http/http-exchange.ts';
import { HttpLane } from '../http/http-lane.ts';
import { LaneExchange } from '../http/lane-exchange.ts';

export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** Latin-1; undefined while it is incomplete. */
  body: string | undefined;
}

export interface Framing {
  readonly requests: readonly SeenRequest[];
  /** Status codes of the responses, in order. */
  readonly statuses: readonly number[];
  readonly closed: boolean;
}

export type Reader = 'fast path' | 'main port' | 'node';

const PATIENCE = { headers: 20_000, request: 300_000, reader: 60_000, linger: 5000, timeoutCheck: 1000 };
const BODY_BYTES = 1024 * 1024;
/** Turns of the event loop without a change after which both sides are considered idle. */
const IDLE_TURNS = 8;

/** A server whose handler records each request when its head is complete, reads the body, and responds. */
export class RecordingServer {
  readonly requests: SeenRequest[] = [];
  readonly #lane: HttpLane;
  readonly #mainPort: PlainConnections<LaneExchange>;
  readonly #node: Server;

  constructor() {
    const memory = new BufferPool(systemClock, BODY_BYTES);
    const handle = (exchange: HttpExchange) => void this.#handle(exchange);
    this.#node = createServer();
    const listener = (request: IncomingMessage, response: ServerResponse) =>
      handle(new NodeExchange(request, response, PATIENCE, memory));
    this.#node.on('request', listener);
    this.#node.on('checkContinue', listener);
    const dependencies = { handle, node: this.#node, patience: PATIENCE, keepAliveMs: 60_000, memory };
    this.#lane = new HttpLane(dependencies);
    // It reads only predictions, which are POST requests, and only complete bodies.
    this.#mainPort = new PlainConnections<LaneExchange>({
      ...dependencies,
      accepts: ({ method }) => method === 'POST',
      open: (connection, socket, head, body) => new LaneExchange(dependencies, connection, socket, head, body),
      longBodies: false,
      headersMs: PATIENCE.headers,
      restMs: PATIENCE.timeoutCheck,
    });
  }

  accept(socket: Socket, reader: Reader): void {
    if (reader === 'node') this.#node.emit('connection', socket);
    else if (reader === 'main port') this.#mainPort.accept(socket);
    else this.#lane.accept(socket);
  }

  async #handle(exchange: HttpExchange): Promise<void> {
    const { method, url, headers } = exchange;
    const seen: SeenRequest = { method, url, headers: { ...headers }, body: undefined };
    this.requests.push(seen);
    try {
      seen.body = (await exchange.body(BODY_BYTES)).toString('latin1');
      exchange.send(200, {}, {}, 'ok');
    } catch {
      if (!exchange.isGone && !exchange.isAnswered) exchange.send(413, {}, { connection: 'close' }, '');
    }
  }
}

/** The chunks arrive one after another over a connection in memory, each when the server has nothing left to do. */
export async function frame(chunks: readonly Buffer[], reader: Reader): Promise<Framing> {
  const server = new RecordingServer();
  const [client, side] = duplexPair();
  const socket = asSocket(side);
  let received = '';
  client.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')));
  client.on('error', () => {});
  side.on('error', () => {});
  const isClosed = () => side.destroyed || side.writableEnded;
  const state = () => `${server.requests.length} ${received.length} ${isClosed()}`;
  server.accept(socket, reader);
  for (const chunk of chunks) {
    if (isClosed()) break;
    client.write(chunk);
    await untilIdle(state);
  }
  const closed = isClosed();
  // The fast path keeps a head whose body is incomplete for a while, and then Node reports it: that moment is now.
  if (!closed) side.emit('timeout');
  await untilIdle(state);
  client.destroy();
  side.destroy();
  await untilIdle(state);
  const statuses = [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status));
  return { requests: server.requests, statuses, closed };
}

/** What the servers use of a socket beyond a stream. */
function asSocket(side: Duplex): Socket {
  return Object.assign(side, {
    setNoDelay: () => side,
    setTimeout: () => side,
    destroySoon: () => {
      if (side.writable) side.end();
      if (side.writableFinished) side.destroy();
      else side.once('finish', () => side.destroy());
    },
  }) as unknown as Socket;
}

async function untilIdle(state: () => string): Promise<void> {
  let last = state();
  for (let turns = 0; turns < IDLE_TURNS; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    const now = state();
    if (now !== last) turns = 0;
    last = now;
  }
}

/**
 * Returns the differences between both readings that a client could exploit. On a connection that Node closes, `whenClosed`
 * selects what is compared of the responses. `refusal`: the last status. `nothing`: for arbitrary bytes, because Node drops
 * responses that are not sent yet, and sends its refusal only if none has begun.
 */
export function differences(
  lane: Framing,
  node: Framing,
  { whenClosed = 'refusal' }: { readonly whenClosed?: 'refusal' | 'nothing' } = {},
): string[] {
  const found: string[] = [];
  const heads = ({ requests }: Framing) => requests.map(({ method, url, headers }) => ({ method, url, headers }));
  const [ours, theirs] = [JSON.stringify(heads(lane)), JSON.stringify(heads(node))];
  if (ours !== theirs) found.push(`requests: ${ours} instead of ${theirs}`);
  for (const [at, { body }] of lane.requests.entries()) {
    const other = node.requests[at]?.body;
    if (body !== undefined && other !== undefined && body !== other)
      found.push(`body ${at}: ${body} instead of ${other}`);
  }
  if (lane.closed !== node.closed) found.push(`closed: ${lane.closed} instead of ${node.closed}`);
  const refused = node.closed && node.statuses.some((status) => status >= 400);
  const compared = (statuses: readonly number[]) => (refused ? statuses.slice(-1) : statuses).join(' ');
  const isCompared = !node.closed || whenClosed === 'refusal';
  if (isCompared && compared(lane.statuses) !== compared(node.statuses)) {
    found.push(`statuses: ${lane.statuses.join(' ')} instead of ${node.statuses.join(' ')}`);
  }
  return found;
}
