/** Clients that are slow on purpose or disappear: each affects only itself. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { makeGenericClientConstructor, credentials } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';
import { endpoint, model, snapshot, startWorld, sumsBody, type GatewayWorld } from '../testing/gateway-world.ts';

const MEBIBYTE = 1024 * 1024;
const LARGE = 48 * MEBIBYTE;
const PATIENCE = { headers: 300, request: 600, reader: 300, linger: 300, timeoutCheck: 50 };
const PATH = '/v2/models/sum/infer';
const BODY = sumsBody([[1, 2]]);

let world: GatewayWorld;
/** As the supervisor hands connections over. */
let broker: Server;
let handedOver: Socket[];
beforeEach(async () => {
  world = await startWorld({ listen: { port: 0, grpcPort: 0, patience: PATIENCE } });
  const names = ['sum', 'identity-UINT8'];
  await world.gateway.swap(
    snapshot(
      1,
      names.map((name) => model(name)),
      names.map((name) => endpoint(name, [['stable', name, 10_000]], { bodyBytes: 2 * LARGE })),
    ),
  );
  handedOver = [];
  broker = createServer((socket) => {
    handedOver.push(socket);
    world.gateway.accept(socket);
  });
  broker.listen(0, '127.0.0.1');
  await once(broker, 'listening');
});
afterEach(async () => {
  broker.close();
  // The next request gets a response in all cases.
  const { status } = await world.sums('sum', [[1, 2]]);
  await world.stop();
  if (status !== 200) throw new Error(`the next request was answered with ${status}`);
});

const PORTS = {
  'its own port': () => Number(world.gateway.port),
  'a connection that is handed over': () => (broker.address() as AddressInfo).port,
};
const ports = Object.entries(PORTS);

function openExchange(port: number, text: string): { readonly socket: Socket; readonly response: Promise<string> } {
  let response = '';
  const socket = connect(port, '127.0.0.1');
  socket.write(text);
  socket.on('data', (bytes) => (response += bytes.toString('latin1')));
  socket.on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  return { socket, response: closed.then(() => response) };
}

const head = (length: number, path = PATH) =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${length}\r\n\r\n`;

test.each(ports)(
  '%s: closes connections without data, or with incomplete headers or bodies, and serves others',
  async (_, port) => {
    const slow = [
      openExchange(port(), ''),
      openExchange(port(), 'POST /v2/models/su'),
      openExchange(port(), head(BODY.length) + BODY.slice(0, 10)),
      openExchange(port(), head(MEBIBYTE) + BODY),
    ];
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
    const [, ...halves] = await Promise.all(slow.map(async ({ response }) => await response));
    expect(halves.map((response) => response.slice(0, 12))).toEqual(['HTTP/1.1 408', 'HTTP/1.1 408', 'HTTP/1.1 408']);
  },
);

test('a body that arrives byte by byte has the usual time limit', async () => {
  const { socket, response } = openExchange(PORTS['a connection that is handed over'](), head(BODY.length));
  const dripping = setInterval(() => socket.write(' '), 20);
  expect(await response).toMatch(/^HTTP\/1\.1 408/);
  clearInterval(dripping);
  expect(world.engine.runs).toEqual([]);
});

test('closes connections whose client does not read a large response', async () => {
  await world.restart({ listen: { port: 0, patience: { ...PATIENCE, request: 600_000 } } });
  const described = JSON.stringify({
    inputs: [{ name: 'INPUT0', shape: [1, LARGE], datatype: 'UINT8', parameters: { binary_data_size: LARGE } }],
    outputs: [{ name: 'OUTPUT0', parameters: { binary_data: true } }],
  });
  const socket = connect(PORTS['a connection that is handed over'](), '127.0.0.1');
  socket.on('error', () => {}).pause();
  const path = '/v2/models/identity-UINT8/infer';
  const length = described.length + LARGE;
  socket.write(
    head(length, path).replace('\r\n\r\n', `\r\nInference-Header-Content-Length: ${described.length}\r\n\r\n`),
  );
  socket.write(described);
  socket.write(Buffer.alloc(LARGE));
  await expect.poll(() => world.engine.runs.length).toBe(1);
  const [taken] = handedOver;
  if (taken?.destroyed === false) await once(taken, 'close');
  expect(taken!.bytesWritten).toBeGreaterThan(0);
  socket.destroy();
});

test('rejects 100 MB too many with an error, and closes the connection of a client that keeps sending', async () => {
  const listen = { port: 0, patience: { ...PATIENCE, request: 600_000, linger: 600_000 } };
  await world.restart({ listen });
  await world.gateway.swap(
    snapshot(2, [model('sum')], [endpoint('sum', [['stable', 'sum', 10_000]], { bodyBytes: MEBIBYTE })]),
  );
  const port = PORTS['a connection that is handed over']();
  const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(MEBIBYTE, 32), Buffer.from('\r\n')]);
  const chunked = `POST ${PATH} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n`;
  // It sends everything before it reads the response, as most clients do.
  const { socket, response } = openExchange(port, chunked);
  socket.allowHalfOpen = true;
  for (let at = 0; at < 100; at++) socket.write(chunk);
  socket.end('0\r\n\r\n');
  expect(await response).toMatch(/^HTTP\/1\.1 413/);

  await world.restart({ listen: { ...listen, patience: { ...PATIENCE, request: 600_000 } } });
  const endless = openExchange(port, chunked);
  endless.socket.allowHalfOpen = true;
  const sending = setInterval(() => endless.socket.write(chunk), 5);
  await endless.response;
  clearInterval(sending);
});

test('assembles a large announced body as it arrives; closes connections that end in its middle or continue after an error', async () => {
  const port = PORTS['a connection that is handed over']();
  const leaving = openExchange(port, head(LARGE) + BODY);
  await expect.poll(() => handedOver.length).toBe(1);
  leaving.socket.end();
  await leaving.response;

  const endless = openExchange(port, head(3 * LARGE) + BODY);
  endless.socket.allowHalfOpen = true;
  const sending = setInterval(() => endless.socket.write(Buffer.alloc(MEBIBYTE)), 5);
  expect(await endless.response).toMatch(/^HTTP\/1\.1 413/);
  clearInterval(sending);
  expect(world.engine.runs).toEqual([]);
  await expect.poll(() => handedOver.filter(({ destroyed }) => !destroyed)).toEqual([]);
});

test('does not read from a stream while its responses are not read', async () => {
  const Client = makeGenericClientConstructor({}, 'inference');
  const client = new Client(`127.0.0.1:${world.gateway.grpcPort}`, credentials.createInsecure());
  const same = (bytes: Uint8Array) => Buffer.from(bytes);
  const stream = client.makeBidiStreamRequest('/inference.GRPCInferenceService/ModelStreamInfer', same, same);
  let answers = 0;
  stream.pause();
  const bytes = 256 * 1024;
  const tensor = messageOf(bytesField(1, 'INPUT0'), bytesField(2, 'UINT8'), numberField(3, 1), numberField(3, bytes));
  const message = messageOf(bytesField(1, 'identity-UINT8'), bytesField(5, tensor), bytesField(7, Buffer.alloc(bytes)));
  const all = 400;
  for (let at = 0; at < all; at++) stream.write(message);
  await expect.poll(() => world.engine.runs.length).toBeGreaterThan(10);
  // Turns in which it would have continued to read.
  for (let at = 0; at < 300; at++) await world.sums('sum', [[1, 2]]);
  const taken = world.engine.runs.filter((run) => run.model === 'identity-UINT8').length;
  expect(taken).toBeLessThan(all / 2);
  stream.on('data', () => (answers += 1));
  stream.resume();
  stream.end();
  await once(stream, 'end');
  expect(answers).toBe(all);
  client.close();
});
