import { once } from 'node:events';
import { createServer as createHttpServer, type Server } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CHANNEL_PROTOCOL, ChannelServer, RequestChannel, type ChannelRequest } from './request-channel.ts';

let server: Server;
let received: ChannelRequest[];
let channels: ChannelServer[];
let sockets: Socket[];
let channel: RequestChannel;
let handle: (request: ChannelRequest) => void;

const port = () => (server.address() as AddressInfo).port;
const upgrade = () =>
  `GET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: ${CHANNEL_PROTOCOL}\r\n\r\n`;

beforeEach(async () => {
  received = [];
  channels = [];
  sockets = [];
  handle = (request) => request.respond(200, 'x-a: 1\r\n', request.body);
  server = createHttpServer();
  server.on('upgrade', (_request, socket: Socket, first) => {
    sockets.push(socket);
    channels.push(
      new ChannelServer(socket, first, (request) => {
        received.push(request);
        handle(request);
      }),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  channel = new RequestChannel(() => ({ socket: connect(port(), '127.0.0.1'), upgrade: upgrade() }));
});
afterEach(async () => {
  channel.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => server.close(resolve));
});

interface Sent {
  readonly status: number;
  readonly lines: string;
  readonly body: string;
}

function send(body: string | Buffer, head = 'POST /a HTTP/1.1\r\nhost: h'): Promise<Sent | { failed: boolean }> {
  return new Promise((resolve) => {
    channel.send(head, 'id-1', Buffer.from(body), {
      answered: (status, lines, bytes) => resolve({ status, lines, body: bytes.toString('latin1') }),
      failed: (wasReady) => resolve({ failed: wasReady }),
    });
  });
}

test('a thousand requests share one connection, and each gets its own response', async () => {
  const bodies = Array.from({ length: 1000 }, (_, index) => `body ${index}`);
  // Responses in another order than requests.
  const waiting: ChannelRequest[] = [];
  handle = (request) => waiting.push(request);
  const responses = Promise.all(bodies.map(async (body) => await send(body)));
  await expect.poll(() => waiting.length).toBe(1000);
  for (const request of waiting.toReversed()) request.respond(200, 'x-a: 1\r\n', request.body);
  expect(await responses).toEqual(bodies.map((body) => ({ status: 200, lines: 'x-a: 1\r\n', body })));
  expect(sockets.length).toBe(1);
  expect(received[0]).toMatchObject({ head: 'POST /a HTTP/1.1\r\nhost: h', requestId: 'id-1' });
});

test('long responses arrive whole, interleaved with short ones', async () => {
  const long = Buffer.alloc(20 * 1024 * 1024, 7);
  handle = (request) => request.respond(200, '', request.body.length === 4 ? long : 'é');
  const [first, second] = await Promise.all([send('long'), send('s')]);
  expect((first as Sent).body.length).toBe(long.length);
  expect(Buffer.from((second as Sent).body, 'latin1').toString('utf8')).toBe('é');
});

test('a disconnected caller gets no response, and the handler is notified', async () => {
  const events: string[] = [];
  handle = (request) => request.onClose(() => events.push(`gone: ${request.isGone}`));
  const leave = channel.send('POST / HTTP/1.1', '', Buffer.alloc(0), {
    answered: () => events.push('answered'),
    failed: () => events.push('failed'),
  });
  await expect.poll(() => received.length).toBe(1);
  leave();
  await expect.poll(() => events).toEqual(['gone: true']);
  received[0]?.respond(200, '', 'too late');
  handle = (request) => request.respond(200, '', '');
  await send('next');
  expect(events).toEqual(['gone: true']);
});

test('requests fail when the other side ends, and the next one opens a new connection', async () => {
  handle = () => {};
  const first = send('a');
  await expect.poll(() => received.length).toBe(1);
  const second = send('b');
  await expect.poll(() => received.length).toBe(2);
  sockets[0]?.destroy();
  // The second one was sent over an open channel: a caller may repeat it.
  expect([await first, await second]).toEqual([{ failed: false }, { failed: true }]);
  handle = (request) => request.respond(201, '', '');
  expect(await send('c')).toEqual({ status: 201, lines: '', body: '' });
  expect(sockets.length).toBe(2);
});

test('a handler may give a request up', async () => {
  handle = (request) => request.giveUp();
  expect(await send('a')).toEqual({ failed: false });
});

test('a draining channel ends after its last response', async () => {
  handle = () => {};
  const response = send('a');
  await expect.poll(() => received.length).toBe(1);
  channels[0]?.drain();
  received[0]?.respond(200, '', 'done');
  expect(await response).toMatchObject({ body: 'done' });
  await expect.poll(() => sockets[0]?.destroyed).toBe(true);
});

test('a server that does not agree gets no message', async () => {
  server.removeAllListeners('upgrade');
  const seen: string[] = [];
  const refusing = createServer((socket) => {
    socket.on('data', (bytes) => {
      seen.push(bytes.toString('latin1'));
      socket.write('HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n');
    });
    socket.on('error', () => {});
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  const there = (refusing.address() as AddressInfo).port;
  channel = new RequestChannel(() => ({ socket: connect(there, '127.0.0.1'), upgrade: upgrade() }));
  expect(await send('GET /hidden HTTP/1.1\r\n\r\n')).toEqual({ failed: false });
  expect(seen).toEqual([upgrade()]);
  refusing.close();
});

test.each([
  ['a message without an id', Buffer.from([0, 0, 0, 0, 1, 0, 0, 0])],
  ['a message that is too long', Buffer.from([255, 255, 255, 127, 1, 0, 0, 0])],
  ['a head that is longer than its message', Buffer.from([9, 0, 0, 0, 1, 0, 0, 0, 255, 255, 0, 0, 0])],
  ['a message that is too short for a head', Buffer.from([5, 0, 0, 0, 1, 0, 0, 0, 0])],
])('%s closes only the connection', async (_name, bytes) => {
  const raw = connect(port(), '127.0.0.1');
  raw.on('error', () => {});
  raw.write(upgrade());
  await once(raw, 'data');
  raw.write(bytes);
  await once(raw.resume(), 'close');
  expect(received).toEqual([]);
  expect(await send('a')).toMatchObject({ status: 200 });
});
