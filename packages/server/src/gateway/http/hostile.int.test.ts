/** Malformed requests over raw sockets. */
import { connect, type Socket } from 'node:net';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endpoint, model, snapshot, startWorld, sumsBody, type GatewayWorld } from '../testing/gateway-world.ts';

let world: GatewayWorld;
beforeEach(async () => {
  world = await startWorld();
  const variants = [['stable', 'sum', 10_000]] as const;
  await world.gateway.swap(
    snapshot(1, [model('sum')], [endpoint('sum', variants), endpoint('small', variants, { bodyBytes: 1000 })]),
  );
});
afterEach(async () => {
  // The next request gets a response in all cases.
  const { status } = await world.sums('sum', [[1, 2]]);
  await world.stop();
  if (status !== 200) throw new Error(`the next request was answered with ${status}`);
});

const PATH = '/v2/models/sum/infer';
const BODY = sumsBody([[1, 2]]);

/**
 * Writes the parts one after the other, and returns all data until the other side closes, or until it contains
 * `enough`.
 */
async function speak(parts: readonly (string | Buffer)[], enough?: string): Promise<string> {
  return await new Promise((resolve, reject) => {
    let reported = '';
    const socket: Socket = connect(Number(world.gateway.port), '127.0.0.1', () => {
      for (const part of parts) socket.write(part);
    });
    socket.on('data', (bytes) => {
      reported += bytes.toString('latin1');
      if (enough !== undefined && reported.includes(enough)) socket.destroy();
    });
    socket.on('close', () => resolve(reported));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
  });
}

const head = (lines: readonly string[], path = PATH) =>
  [`POST ${path} HTTP/1.1`, 'host: localhost', ...lines, '', ''].join('\r\n');

test("no Content-Type, as Triton's client sends", async () => {
  expect((await world.ask(PATH, { body: BODY })).status).toBe(200);
});

test.each([['-1'], ['0x10'], ['1e2'], ['99999999999999999999'], ['5000']])(
  'rejects Inference-Header-Content-Length %s',
  async (length) => {
    const { status, json } = await world.ask(PATH, {
      body: BODY,
      headers: { 'inference-header-content-length': length },
    });
    expect([status, json]).toMatchObject([400, { error: expect.stringContaining('Inference-Header-Content-Length') }]);
  },
);

test('responds to a single binary tensor in binary', async () => {
  const { status, headers, bytes } = await world.ask(PATH, {
    body: Buffer.from(Float32Array.of(1, 2).buffer),
    headers: { 'inference-header-content-length': '0', 'content-type': 'application/octet-stream' },
  });
  expect([status, headers['content-type']]).toEqual([200, 'application/octet-stream']);
  expect(bytes.readFloatLE(Number(headers['inference-header-content-length']))).toBe(3);
});

test('compressed bodies, corrupt ones, and a decompression bomb', async () => {
  for (const [encoding, pack] of [
    ['gzip', gzipSync],
    ['deflate', deflateSync],
  ] as const) {
    const send = async (body: Buffer, path = PATH) =>
      await world.ask(path, { body, headers: { 'content-encoding': encoding } });
    expect((await send(pack(BODY))).status).toBe(200);
    expect((await send(Buffer.from(BODY))).status).toBe(400);
    // 20 MB of spaces in 20 kB.
    expect((await send(pack(Buffer.alloc(20 << 20, 32)))).status).toBe(413);
  }
  const { status, json } = await world.ask(PATH, { body: BODY, headers: { 'content-encoding': 'br' } });
  expect([status, json]).toMatchObject([400, { error: expect.stringContaining('gzip, deflate') }]);
});

test('rejects a body that is too large before reading it, with or without an announced length', async () => {
  const announced = await speak([head(['content-length: 100000000'], '/v2/models/small/infer')]);
  expect(announced).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
  const chunk = `1000\r\n${'x'.repeat(4096)}\r\n`;
  const streamed = await speak([head(['transfer-encoding: chunked'], '/v2/models/small/infer'), chunk, chunk]);
  expect(streamed).toMatch(/^HTTP\/1\.1 413/);
});

test('sends no 100 Continue for a body that it will not read', async () => {
  const lines = ['expect: 100-continue', `content-length: ${BODY.length}`];
  expect(await speak([head(lines, '/v2/models/nobody/infer')], '"error"')).toMatch(/^HTTP\/1\.1 404/);
  const result = await speak([head(lines), BODY], '"outputs"');
  expect(result).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
});

test('chunked bodies, pipelined requests, and two lengths', async () => {
  const chunked = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
  expect(await speak([head(['transfer-encoding: chunked']), chunked], '"outputs"')).toMatch(/^HTTP\/1\.1 200/);
  const one = head([`content-length: ${BODY.length}`]) + BODY;
  const last = head([`content-length: ${BODY.length}`, 'connection: close']) + BODY;
  expect((await speak([one + one + last])).match(/HTTP\/1\.1 200/g)).toHaveLength(3);
  const two = head([`content-length: ${BODY.length}`, 'transfer-encoding: chunked']) + chunked;
  expect(await speak([two])).toMatch(/^HTTP\/1\.1 400/);
});

test('a truncated body affects no other request', async () => {
  const socket = connect(Number(world.gateway.port), '127.0.0.1');
  await new Promise<void>((resolve) => {
    socket.write(head(['content-length: 1000']), () => resolve());
  });
  socket.destroy();
  expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
});

test('unknown paths', async () => {
  for (const path of [
    '/v2/models/%zz/infer',
    '/v2/models//infer',
    '/v2/models/a/b/c',
    '/p/%zz/v2/models/sum/infer',
    '//v2',
    '/p/x',
  ]) {
    const { status, json } = await world.ask(path, { body: BODY });
    expect([path, status, json]).toMatchObject([path, 404, { error: expect.any(String) }]);
  }
  expect((await world.ask(PATH)).status).toBe(404);
});

test("scoring errors have MLflow's format", async () => {
  const send = async (body: string, type: string) =>
    await world.ask('/endpoints/sum/invocations', { body, headers: { 'content-type': type } });
  expect((await send('{"inputs": [[1, 2]]}', 'application/json')).json).toEqual({ predictions: [3] });
  expect((await send('a,b\n1,2\n', 'text/csv; charset=UTF-8')).json).toEqual({ predictions: [3] });
  expect(await send('{}', 'application/json')).toMatchObject({ status: 400, json: { error_code: 'BAD_REQUEST' } });
  for (const type of ['text/plain', 'application/json; format=pandas-split', 'application/json; charset=latin1']) {
    const { status, headers } = await send('{}', type);
    expect([status, headers['content-type']]).toEqual([415, 'text/plain; charset=utf-8']);
  }
  expect(await world.ask('/endpoints/nobody/ping')).toMatchObject({
    status: 404,
    json: { error_code: 'RESOURCE_DOES_NOT_EXIST' },
  });
  expect((await world.ask('/endpoints/sum/version')).bytes.toString()).toMatch(/^\d+\.\d+\.\d+$/);
  expect((await world.ask('/v1/models/sum:predict', { body: '{"instances": [[1, 2], [3, 4]]}' })).json).toEqual({
    predictions: [3, 7],
  });
});
