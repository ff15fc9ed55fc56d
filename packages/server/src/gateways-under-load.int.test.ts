/** Gateways that start and stop under load, as pods do: each has a data folder that ends with it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import {
  childrenOf,
  commandOf,
  freePort,
  isAlive,
  killProcess,
  startDaisProcess,
  type DaisProcess,
} from './testing/dais-process.ts';
import { GatewayLoad, type FailedPrediction } from './testing/gateway-load.testing.ts';
import { countsOf } from './testing/serving-kill-rounds.testing.ts';
import { isServing, servingClient, type ServingClient } from './testing/serving-client.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };
const ENDPOINTS = ['doubled', 'other-1', 'other-2'];

interface GatewayNode {
  readonly name: string;
  readonly dais: DaisProcess;
  readonly data: string;
  readonly main: number;
  readonly http: number;
  readonly grpc: number;
}

let folder: string;
let server: TestDatabase;
let shared: Readonly<Record<string, unknown>>;
let client: ServingClient;
const started: DaisProcess[] = [];
let launched = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-gateways-'));
  server = await startTestDatabase([]);
  const { user, database, host } = await server.emptyDatabase();
  shared = {
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
    'node.join': 'open',
    'database.url': `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`,
  };
  const api = startDaisProcess({ ...shared, role: 'all', data: join(folder, 'api') });
  started.push(api);
  client = servingClient(await api.ready);
  for (const name of ENDPOINTS) {
    const version = await client.register(name, 2);
    const spec = { model: `models:/${name}/${version}`, capture: { policy: 'ack', overflow: 'shed' } };
    const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Endpoint', metadata: { name }, spec });
    const applied = await client.call('POST', '/api/v1/apply', { sources: [{ file: 'e', text }] });
    if (applied.status !== 200) throw new Error(JSON.stringify(applied.body));
    await client.settled(name, isServing);
  }
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGTERM');
  await Promise.all(started.map((dais) => dais.ended));
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** Starts a gateway with an empty data folder. */
async function launch(): Promise<GatewayNode> {
  launched += 1;
  const name = `gateway-${launched}`;
  const [main, http, grpc] = await Promise.all([freePort(), freePort(), freePort()]);
  const data = join(folder, name);
  const dais = startDaisProcess({
    ...shared,
    role: 'gateway',
    data,
    port: main,
    'ports.inference': http,
    'ports.inferenceGrpc': grpc,
    'limits.drainNoticeSeconds': 1,
  });
  started.push(dais);
  return { name, dais, data, main, http, grpc };
}

/** As the readiness probe of the chart: the main port decides while the port of the gateway refuses connections. */
async function isReady({ main, http }: GatewayNode): Promise<boolean> {
  const status = async (port: number) => (await fetch(`http://127.0.0.1:${port}/readyz`)).status;
  return (await status(http).catch(async () => await status(main).catch(() => 0))) === 200;
}

async function ready(): Promise<GatewayNode> {
  const node = await launch();
  await expect.poll(async () => await isReady(node), { ...PATIENCE, interval: 10 }).toBe(true);
  return node;
}

const infer = async (node: GatewayNode, name: string) =>
  (
    await fetch(`http://127.0.0.1:${node.http}/v2/models/${name}/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [3]}]}',
    }).catch(() => undefined)
  )?.status;

/** As a pod that is deleted: its folder ends with it. */
async function end({ dais, data }: GatewayNode): Promise<void> {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(data, { recursive: true, force: true });
}

test('a new gateway that is ready serves every endpoint', async () => {
  for (let round = 0; round < 2; round++) {
    const node = await ready();
    expect(await Promise.all(ENDPOINTS.map(async (name) => await infer(node, name)))).toEqual(ENDPOINTS.map(() => 200));
    await end(node);
  }
});

test('kill -9 of the process that serves predictions fails only requests in it, over each kind of connection', async () => {
  const node = await ready();
  const [endpoint = ''] = ENDPOINTS;
  const http = () => ({ host: '127.0.0.1', port: node.http });
  const load = new GatewayLoad({
    endpoint,
    http,
    grpc: { address: `127.0.0.1:${node.grpc}` },
    clients: 4,
    pauseMs: 30,
  });
  let killedAt = 0;
  try {
    await load.goesOn(20);
    const gateway = childrenOf(node.dais.process.pid ?? 0).find((pid) => commandOf(pid).includes('gateway-process'));
    killProcess(gateway);
    await expect.poll(() => isAlive(gateway ?? 0), { interval: 1 }).toBe(false);
    killedAt = performance.now();
    await load.goesOn(20);
  } finally {
    await load.stop();
  }
  // The system closes its connections a moment after its main thread has ended.
  const isOutside = ({ hasResponse, sentAt }: FailedPrediction) => hasResponse || sentAt > killedAt + 500;
  expect(load.failures.filter(isOutside)).toEqual([]);
  expect(load.failures.filter(({ message }) => message.includes('ECONNREFUSED'))).toEqual([]);
  await end(node);
});

test('no prediction fails, and none is lost, while gateways are replaced', async () => {
  const all = [await ready(), await ready(), await ready()];
  const [endpoint = ''] = ENDPOINTS;
  let nodes = all;
  let next = 0;
  const http = () => ({ host: '127.0.0.1', port: nodes[next++ % nodes.length]?.http ?? 0 });
  // gRPC clients know the addresses of all gateways, as with a headless Service.
  const address = `ipv4:${all.map(({ grpc }) => `127.0.0.1:${grpc}`).join(',')}`;
  const options = { 'grpc.service_config': JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] }) };
  const load = new GatewayLoad({ endpoint, http, grpc: { address, options }, clients: 4, pauseMs: 30 });
  try {
    await load.goesOn(50);
    for (const node of all.slice(1)) {
      await load.goesOn(20);
      const ended = end(node);
      // Load balancers learn of the end a moment later.
      await delay(300);
      nodes = nodes.filter((one) => one !== node);
      await ended;
    }
    await load.goesOn(20);
  } finally {
    await load.stop();
  }
  expect(load.failures).toEqual([]);
  expect(load.byGateway.size).toBe(3);
  const missing = async () => {
    const counts = await countsOf(client, endpoint);
    return [...load.ids].filter((id) => counts.get(id) !== 1);
  };
  await expect.poll(missing, { timeout: 40_000, interval: 1000 }).toEqual([]);
  process.stdout.write(`gateways: ${JSON.stringify(load.answered)} answered, all stored once\n`);
});
