/** The fast path and Node's server interpret every request equally, and send the same response. */
import { EventEmitter, once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { BufferPool } from '#lib/concurrency/buffer-pool.ts';
import type { HttpExchange } from './http-exchange.ts';
import { HttpLane } from './http-lane.ts';
import { endpoint, model, snapshot, startWorld, sumsBody, type GatewayWorld } from '../testing/gateway-world.ts';

let world: GatewayWorld;
beforeAll(async () => {
  // The default is 20 s.
  world = await startWorld({ listen: { port: 0, patience: { headers: 2000, timeoutCheck: 100 } } });
  const endpoints = ['sum', 'gated'].map((name) => endpoint(name, [['stable', name, 10_000]]));
  await world.gateway.swap(snapshot(1, [model('sum'), model('gated')], endpoints));
});
afterAll(async () => await world.stop());

const INFER = '/v2/models/sum/infer';
const BODY = sumsBody([[1, 2]]);

function requestOf(first: string, lines: readonly string[] = [], body = ''): string {
  const length = body === '' ? [] : [`content-length: ${Buffer.byteLength(body)}`];
  return `${[`${first} HTTP/1.1`, 'host: localhost', ...lines, ...length, '', ''].join('\r\n')}${body}`;
}

/** The fast path leaves a repeated header to Node, which keeps the connection. */
const TO_NODE = requestOf('GET /livez', ['x-a: 1', 'x-a: 2']);

interface Reported {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One connection; returns the requested number of responses, or those before it closed. */
class Caller {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #closed = false;
  #news: () => void = () => {};

  constructor() {
    this.#socket = connect(Number(world.gateway.port), '127.0.0.1');
    this.#socket.setNoDelay(true);
    this.#socket.on('data', (chunk) => {
      this.#bytes = Buffer.concat([this.#bytes, chunk]);
      this.#news();
    });
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.#closed = true;
      this.#news();
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  async write(bytes: string | Buffer): Promise<void> {
    await new Promise<void>((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  async answer(): Promise<Reported | undefined> {
    for (;;) {
      const reported = this.#take();
      if (reported !== undefined || this.#closed) return reported;
      await new Promise<void>((resolve) => (this.#news = resolve));
    }
  }

  async ended(): Promise<void> {
    while (!this.#closed) await new Promise<void>((resolve) => (this.#news = resolve));
  }

  end(): void {
    this.#socket.destroy();
  }

  #take(): Reported | undefined {
    const end = this.#bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const [first = '', ...lines] = this.#bytes.toString('latin1', 0, end).split('\r\n');
    const headers = Object.fromEntries(
      lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
    );
    const to = end + 4 + Number(headers['content-length'] ?? 0);
    if (this.#bytes.length < to) return undefined;
    const body = this.#bytes.toString('utf8', end + 4, to);
    this.#bytes = this.#bytes.subarray(to);
    return { status: Number(first.split(' ')[1]), headers, body };
  }
}

async function ask(parts: readonly (string | Buffer)[], before?: string): Promise<Reported | undefined> {
  const caller = new Caller();
  try {
    if (before !== undefined) {
      await caller.write(before);
      if ((await caller.answer())?.status !== 200) throw new Error('Node did not answer');
    }
    for (const part of parts) {
      await caller.write(part);
      // A separate packet.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return await caller.answer();
  } finally {
    caller.end();
  }
}

/** Removes what differs between calls. */
function lasting({ status, headers, body }: Reported) {
  const { date, 'dais-prediction-id': id, 'x-request-id': request, ...rest } = headers;
  const same = id === undefined ? body : body.replaceAll(id, 'its id');
  return { status, rest, same, named: [date, id, request].map((value) => value !== undefined) };
}

describe('the same responses', () => {
  test.each([
    ['a prediction', requestOf(`POST ${INFER}`, ['content-type: application/json'], BODY)],
    ['without a Content-Type', requestOf(`POST ${INFER}`, [], BODY)],
    [
      'with a request id, a trace and spaces',
      requestOf(`POST ${INFER}`, ['X-Request-Id:  me-1 \t', 'traceparent: 00-1-1-00'], BODY),
    ],
    ['with a request id that is none', requestOf(`POST ${INFER}`, ['x-request-id: a b'], BODY)],
    ['an invalid JSON body', requestOf(`POST ${INFER}`, [], '{"inputs": [')],
    ['characters outside ASCII', requestOf(`POST ${INFER}`, [], BODY.replace('{', '{"id": "größer 漢",'))],
    ['an unknown endpoint', requestOf('POST /v2/models/nobody/infer', [], BODY)],
    ['an unknown path', requestOf('GET /nowhere')],
    ['a wrong method', requestOf(`GET ${INFER}`)],
    ['an empty body', requestOf(`POST ${INFER}`, ['content-length: 0'])],
    ['metadata', requestOf('GET /v2/models/sum?x=1')],
    ['a foreign host name', requestOf(`POST ${INFER}`, [], BODY).replace('localhost', 'example.org')],
    ['a foreign origin', requestOf(`POST ${INFER}`, ['origin: https://example.org'], BODY)],
    ['an unknown content encoding', requestOf(`POST ${INFER}`, ['content-encoding: br'], BODY)],
  ])('%s', async (_, request) => {
    const [lane, node] = [await ask([request]), await ask([request], TO_NODE)];
    if (lane === undefined || node === undefined) throw new Error('no answer');
    expect(lasting(lane)).toEqual(lasting(node));
  });

  test('compressed for clients that accept it', async () => {
    const request = requestOf('GET /metrics', ['accept-encoding: deflate;q=0, gzip']);
    for (const reported of [await ask([request]), await ask([request], TO_NODE)]) {
      expect(reported).toMatchObject({ status: 200, headers: { 'content-encoding': 'gzip', vary: 'accept-encoding' } });
    }
  });

  test('for any fragmentation', async () => {
    const request = requestOf(`POST ${INFER}`, ['content-type: application/json'], BODY);
    const whole = lasting((await ask([request])) as Reported);
    for (let at = 1; at < request.length; at += 3) {
      const result = await ask([request.slice(0, at), request.slice(at)]);
      expect([at, result && lasting(result)]).toEqual([at, whole]);
    }
    const drops = await ask(request.split(''));
    expect(drops && lasting(drops)).toEqual(whole);
  });
});

test('responds to pipelined requests in order, also many in one packet', async () => {
  const caller = new Caller();
  const many = 1500;
  const ids = Array.from({ length: many }, (_, at) => `r${at}`);
  await caller.write(
    ids
      .map((id, at) =>
        at % 100 === 7
          ? requestOf(`POST ${INFER}`, [`x-request-id: ${id}`], BODY)
          : requestOf('GET /nowhere', [`x-request-id: ${id}`]),
      )
      .join(''),
  );
  for (const [at, id] of ids.entries()) {
    const result = await caller.answer();
    expect([result?.headers['x-request-id'], result?.status]).toEqual([id, at % 100 === 7 ? 200 : 404]);
  }
  caller.end();
});

describe('a large body', () => {
  const LONG = 300_000;
  /** JSON allows any whitespace. */
  const body = BODY + ' '.repeat(LONG - BODY.length);

  test('in pieces, with the next request in the last one', async () => {
    const requests =
      requestOf(`POST ${INFER}`, ['x-request-id: one'], body) +
      requestOf(`POST ${INFER}`, ['x-request-id: two'], body.replace('[1,2]}', '[5,2]}')) +
      requestOf(`POST ${INFER}`, ['x-request-id: three'], BODY);
    for (const size of [requests.length, 70_001, 9973]) {
      const caller = new Caller();
      for (let at = 0; at < requests.length; at += size) await caller.write(requests.slice(at, at + size));
      for (const id of ['one', 'two', 'three']) {
        const result = await caller.answer();
        expect([size, result?.headers['x-request-id'], result?.status]).toEqual([size, id, 200]);
        expect(JSON.parse(result!.body)).toMatchObject({ outputs: [{ data: [id === 'two' ? 7 : 3] }] });
      }
      caller.end();
    }
  });

  test('is read like Node reads it', async () => {
    for (const request of [
      requestOf(`POST ${INFER}`, ['content-type: application/json'], body),
      requestOf(`POST ${INFER}`, [], body.replace('}', '')),
      requestOf('GET /v2/models/sum', [], body),
      requestOf('POST /v2/repository/index', [], `{}${' '.repeat(LONG)}`),
    ]) {
      const [lane, node] = [await ask([request]), await ask([request], TO_NODE)];
      if (lane === undefined || node === undefined) throw new Error('no answer');
      expect(lasting(lane)).toEqual(lasting(node));
    }
  });

  test('that will not be read is rejected early, and its data is no request', async () => {
    for (const [path, status, length] of [
      ['/v2/models/nobody/infer', 404, LONG],
      ['/nowhere', 404, LONG],
      [INFER, 413, 900_000_000],
    ] as const) {
      const caller = new Caller();
      await caller.write(requestOf(`POST ${path}`, [`content-length: ${length}`]));
      const result = await caller.answer();
      expect([result?.status, result?.headers['connection']]).toEqual([status, 'close']);
      await caller.write(requestOf('GET /livez') + ' '.repeat(LONG));
      expect(await caller.answer()).toBeUndefined();
    }
    expect((await ask([requestOf(`POST ${INFER}`, [], body)]))?.status).toBe(200);
  });
});

test('rejects ambiguous requests, which hide no second request', async () => {
  const hidden = requestOf('GET /livez');
  const smuggled: readonly (readonly string[])[] = [
    ['content-length: 0', `content-length: ${hidden.length}`],
    ['content-length: 5', 'transfer-encoding: chunked'],
    ['transfer-encoding : chunked'],
    ['transfer-encoding: \u000bchunked'],
    ['x-a: 1', ' content-length: 5'],
    ['content-length: +5'],
    ['content-length: 5, 5'],
    ['content-length: 0x5'],
    ['x-a: 1\nx-b: 2'],
    ['x-a: 1\rx-b: 2'],
    ['x\u0000a: 1'],
  ];
  for (const lines of smuggled) {
    const caller = new Caller();
    await caller.write(`${requestOf(`POST ${INFER}`, lines)}${hidden}`);
    const first = await caller.answer();
    const second = first === undefined ? undefined : await Promise.race([caller.answer(), never(200)]);
    expect([lines, second?.body === 'ok\n', first?.body === 'ok\n']).toEqual([lines, false, false]);
    caller.end();
  }
});

test('closes connections with headers that arrive slowly and never end', async () => {
  const caller = new Caller();
  const drip = setInterval(() => void caller.write('x'), 100);
  await caller.write('POST / HTTP/1.1\r\nx-a: ');
  await caller.ended();
  clearInterval(drip);
  expect((await caller.answer())?.status ?? 408).toBe(408);
});

test('a client that disconnects during a response causes no error, and the next one is served', async () => {
  const caller = new Caller();
  await caller.write(requestOf('POST /v2/models/gated/infer', [], BODY));
  await expect.poll(() => world.engine.waiting.length).toBe(1);
  caller.end();
  for (const go of world.engine.waiting.splice(0)) go();
  expect((await ask([requestOf(`POST ${INFER}`, [], BODY)]))?.status).toBe(200);
});

test('a body that was partly discarded before it was requested is never returned with a gap', async () => {
  const exchanges: HttpExchange[] = [];
  const patience = { headers: 5000, request: 5000, reader: 5000, linger: 1000, timeoutCheck: 1000 };
  const memory = new BufferPool(systemClock, 1024 * 1024);
  const handle = (exchange: HttpExchange) => void exchanges.push(exchange);
  const lane = new HttpLane({ handle, node: new EventEmitter(), patience, keepAliveMs: 5000, memory });
  const received: Socket[] = [];
  const server = createServer((socket) => {
    received.push(socket);
    lane.accept(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
  socket.on('error', () => {});
  const length = 200_000;
  const head = `POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`;
  socket.write(head);
  await expect.poll(() => exchanges.length).toBe(1);
  socket.write(Buffer.alloc(100_000, 1));
  await expect.poll(() => received[0]?.bytesRead).toBe(head.length + 100_000);
  expect(() => exchanges[0]?.body(length)).toThrow('after a part of it had been discarded');
  socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

async function never(ms: number): Promise<undefined> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return undefined;
}
