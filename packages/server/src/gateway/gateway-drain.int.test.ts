/** How a gateway stops while clients send requests: what it has received is answered, and clients learn in time to use another gateway. */
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, credentials, Metadata, type ChannelOptions, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeCertificates } from '#lib/crypto/certificates.testing.ts';
import { bytesField, messageOf, numberField } from '#lib/formats/protobuf-writer.ts';
import { KeptConnection, postBytes } from '#testing/kept-connection.ts';
import { endpoint, model, snapshot, startWorld, sumsBody, type GatewayWorld } from './testing/gateway-world.ts';

const PATH = '/v2/models/sum/infer';
const GATED = '/v2/models/gated/infer';
const BODY = sumsBody([[1, 2]]);
const INFER = '/inference.GRPCInferenceService/ModelInfer';
const STREAM = '/inference.GRPCInferenceService/ModelStreamInfer';
/** Far beyond what each test takes, so that a drain that waits for it fails the test. */
const DEADLINE_MS = 20_000;
const same = (bytes: Uint8Array) => Buffer.from(bytes);

let world: GatewayWorld;
const worlds: GatewayWorld[] = [];
const clients: Client[] = [];

async function open(): Promise<GatewayWorld> {
  const opened = await startWorld();
  worlds.push(opened);
  const names = ['sum', 'gated'];
  const endpoints = names.map((name) => endpoint(name, [['stable', name, 10_000]]));
  await opened.gateway.swap(
    snapshot(
      1,
      names.map((name) => model(name)),
      endpoints,
    ),
  );
  return opened;
}

beforeEach(async () => {
  world = await open();
});
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  for (const one of worlds.splice(0)) await one.stop();
});

const kept = async () => await KeptConnection.open(`http://127.0.0.1:${world.gateway.port}`);
const drain = async (noticeMs: number) => await world.gateway.drain({ noticeMs, deadlineMs: DEADLINE_MS });

function grpcClient(address = `127.0.0.1:${world.gateway.grpcPort}`, options: ChannelOptions = {}): Client {
  const client = new Client(address, credentials.createInsecure(), options);
  clients.push(client);
  return client;
}

/** `ModelInferRequest` with one row. */
function request(name: string): Buffer {
  const values = Buffer.from(new Float32Array([1, 2]).buffer);
  const tensor = messageOf(bytesField(1, 'x'), bytesField(2, 'FP32'), numberField(3, 1), numberField(3, 2));
  return Buffer.from(messageOf(bytesField(1, name), bytesField(5, tensor), bytesField(7, values)));
}

/** Returns the status code; 0 is a response. */
async function infer(client: Client, name: string): Promise<string> {
  return await new Promise((resolve) => {
    const done = (error: ServiceError | null) => resolve(error === null ? 'ok' : `${error.code} ${error.details}`);
    client.makeUnaryRequest(INFER, same, same, request(name), new Metadata(), done);
  });
}

describe('HTTP', () => {
  test('requests during the notice are answered, and end their connections', async () => {
    const connection = await kept();
    const before = await connection.post(PATH, BODY);
    expect([before.status, before.headers.get('connection')]).toEqual([200, 'keep-alive']);
    const drained = drain(300);
    expect((await world.ask('/readyz')).status).toBe(503);
    const during = await connection.post(PATH, BODY);
    expect([during.status, during.headers.get('connection')]).toEqual([200, 'close']);
    expect((await world.sums('sum', [[1, 2]])).status).toBe(200);
    await drained;
  });

  test('a connection that was opened before the end has its first request answered', async () => {
    const connection = await kept();
    const drained = drain(0);
    const { status, headers } = await connection.post(PATH, BODY);
    expect([status, headers.get('connection')]).toEqual([200, 'close']);
    await drained;
  });

  test('a connection without any request does not delay the end', async () => {
    await kept();
    const from = performance.now();
    await drain(0);
    expect(performance.now() - from).toBeLessThan(DEADLINE_MS / 4);
  });

  test('a request of which a part has arrived is answered', async () => {
    const connection = await kept();
    expect((await connection.post(PATH, BODY)).status).toBe(200);
    const bytes = postBytes(PATH, BODY);
    connection.write(bytes.slice(0, -20));
    await delay(50);
    const drained = drain(0);
    connection.write(bytes.slice(-20));
    expect((await connection.read()).status).toBe(200);
    await drained;
  });

  test('a request that follows a running one on the same connection is answered', async () => {
    const connection = await kept();
    connection.write(postBytes(GATED, BODY));
    await expect.poll(() => world.engine.waiting.length).toBe(1);
    connection.write(postBytes(PATH, BODY));
    const drained = drain(300);
    world.engine.waiting.shift()?.();
    const first = await connection.read();
    expect([first.status, first.headers.get('connection')]).toEqual([200, 'close']);
    await drained;
  });
});

test('HTTPS: requests during the notice are answered, and end their connections', async () => {
  const { ca, cert, key } = await makeCertificates();
  const secure = await startWorld({ listen: { tls: { cert, key } } });
  worlds.push(secure);
  const served = endpoint('sum', [['stable', 'sum', 10_000]]);
  await secure.gateway.swap(snapshot(1, [model('sum')], [served]));
  // As the supervisor passes its connections.
  const listener = createServer((socket) => secure.gateway.accept(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca });
  const post = async () =>
    await new Promise<readonly [number | undefined, string | undefined]>((resolve, reject) => {
      const sent = httpsRequest({ host: '127.0.0.1', port, path: PATH, method: 'POST', agent }, (answer) => {
        answer.resume().once('end', () => resolve([answer.statusCode, answer.headers.connection]));
      });
      sent.once('error', reject);
      sent.end(BODY);
    });
  expect(await post()).toEqual([200, 'keep-alive']);
  const drained = secure.gateway.drain({ noticeMs: 300, deadlineMs: DEADLINE_MS });
  expect(await post()).toEqual([200, 'close']);
  await drained;
  agent.destroy();
  listener.close();
});

describe('gRPC', () => {
  test('running calls finish', async () => {
    const called = infer(grpcClient(), 'gated');
    await expect.poll(() => world.engine.waiting.length).toBe(1);
    const drained = drain(0);
    await delay(200);
    world.engine.waiting.shift()?.();
    expect(await called).toBe('ok');
    await drained;
  });

  test('no call fails while one of two gateways drains', async () => {
    const other = await open();
    const addresses = [world, other].map(({ gateway }) => `127.0.0.1:${gateway.grpcPort}`);
    const balanced = {
      'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }),
      // Subchannels would be shared between the clients.
      'grpc.use_local_subchannel_pool': 1,
    };
    const results: string[] = [];
    const sending = { isOn: true };
    const loads = Array.from({ length: 8 }, async () => {
      const client = grpcClient(`ipv4:${addresses.join(',')}`, balanced);
      while (sending.isOn) results.push(await infer(client, 'sum'));
    });
    await expect.poll(() => results.length).toBeGreaterThan(200);
    const ran = () => world.engine.runs.length;
    expect(ran()).toBeGreaterThan(0);
    await drain(200);
    const [at, ranAt] = [results.length, ran()];
    await expect.poll(() => results.length).toBeGreaterThan(at + 100);
    sending.isOn = false;
    await Promise.all(loads);
    expect(results.filter((result) => result !== 'ok')).toEqual([]);
    expect(ran()).toBe(ranAt);
  });

  test('a stream gets the responses to its messages, and then ends, long before the deadline', async () => {
    const stream = grpcClient().makeBidiStreamRequest(STREAM, same, same);
    let answers = 0;
    stream.on('data', () => (answers += 1));
    const failed = once(stream, 'error');
    stream.write(request('sum'));
    await expect.poll(() => answers).toBe(1);
    stream.write(request('gated'));
    await expect.poll(() => world.engine.waiting.length).toBe(1);
    const from = performance.now();
    const drained = drain(0);
    await delay(200);
    world.engine.waiting.shift()?.();
    const [error] = (await failed) as [ServiceError];
    expect([answers, error.code, error.details]).toEqual([2, 14, 'The gateway is shutting down.']);
    await drained;
    expect(performance.now() - from).toBeLessThan(DEADLINE_MS / 4);
  });

  test('watchers of the health learn of the end, and do not delay it', async () => {
    const watch = grpcClient().makeServerStreamRequest('/grpc.health.v1.Health/Watch', same, same, Buffer.alloc(0));
    const states: number[] = [];
    watch.on('data', (bytes: Buffer) => states.push(bytes[1] ?? 0));
    watch.on('error', () => {});
    await expect.poll(() => states).toEqual([1]);
    const from = performance.now();
    await drain(0);
    await expect.poll(() => states).toEqual([1, 2]);
    expect(performance.now() - from).toBeLessThan(DEADLINE_MS / 4);
  });
});
