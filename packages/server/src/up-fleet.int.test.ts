/** Two nodes on one database: one does everything, and one only serves requests. Both have a gateway. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onnxFile } from '#engines/inference/onnx/onnx-files.testing.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { childrenOf, commandOf, startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { isServing, servingClient, type SeenStatus, type ServingClient } from './testing/serving-client.ts';

let folder: string;
let server: TestDatabase;
/** The one on the left decides. */
let [left, right]: string[] = [];
let client: ServingClient;
const started: DaisProcess[] = [];

const isOnBoth = ({ variants }: SeenStatus) => variants?.[0]?.gateways?.ready === 2;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-fleet-'));
  server = await startTestDatabase([]);
  const { user, database, host } = await server.emptyDatabase();
  const shared = {
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
    'node.join': 'open',
    'database.url': `postgres://${user}@/${database}?host=${encodeURIComponent(host)}`,
  };
  for (const role of ['all', 'api']) started.push(startDaisProcess({ ...shared, role, data: join(folder, role) }));
  [left, right] = await Promise.all(started.map(async (dais) => await dais.ready));
  client = servingClient(left ?? '');
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGTERM');
  await Promise.all(started.map((dais) => dais.ended));
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('a rollout is decided on one node from requests to the other alone', async () => {
  const failing = onnxFile({
    // One row cannot become seven: the model loads, and every request fails.
    nodes: [{ op: 'Reshape', inputs: ['x', 'seven'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['rows', 1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['rows', 1] }],
    weights: [{ name: 'seven', shape: [2], data: BigInt64Array.of(7n, 1n) }],
  });
  for (const factor of [2, 3]) await client.register('shared', factor);
  await client.register('shared', 0, { bytes: failing });
  const deploy = async (version: number) => {
    const manifest = {
      apiVersion: 'dais.dev/v1',
      kind: 'Endpoint',
      metadata: { name: 'shared' },
      spec: {
        model: `models:/shared/${version}`,
        rollout: { steps: [50, 100], bakeSeconds: 1, minimumRequests: 30 },
        capture: { policy: 'off' },
      },
    };
    const { status } = await client.call('POST', '/api/v1/apply', {
      sources: [{ file: 'e', text: JSON.stringify(manifest) }],
    });
    expect(status).toBe(200);
  };
  await deploy(1);
  await client.settled('shared', (status) => isServing(status) && isOnBoth(status));
  const requesting = { on: true };
  const load = (async () => {
    while (requesting.on) {
      const answer = await fetch(`${right}/v2/models/shared/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [3]}]}',
      });
      await answer.arrayBuffer();
    }
  })();
  const ended = async (version: number, state: string) =>
    await expect
      .poll(async () => await client.lastRollout('shared'), { interval: 200 })
      .toMatchObject({ to: `models:/shared/${version}`, state });
  try {
    await deploy(2);
    await ended(2, 'promoted');
    const { steps } = await client.lastRollout('shared');
    expect(steps.at(-1)).toMatchObject({ canary: { failed: 0 } });
    const figures = async () => (await client.call('GET', '/api/v1/serving/endpoints/shared/figures')).body['variants'];
    await expect
      .poll(figures)
      .toMatchObject([{ name: 'stable', model: 'models:/shared/2', p50Ms: expect.any(Number) as number, workers: 2 }]);
    await deploy(3);
    await ended(3, 'rolledBack');
    expect((await client.lastRollout('shared')).reason).toMatch(/requests failed/);
  } finally {
    requesting.on = false;
    await load;
  }
});

test('a new version waits for the gateways of all nodes; one that does not follow leaves readiness until it has it', async () => {
  for (const factor of [2, 3]) await client.register('waited', factor);
  const deploy = async (version: number) => {
    const spec = {
      model: `models:/waited/${version}`,
      rollout: { steps: [100], bakeSeconds: 0, minimumRequests: 0, gatewaySeconds: 15 },
    };
    const manifest = { apiVersion: 'dais.dev/v1', kind: 'Endpoint', metadata: { name: 'waited' }, spec };
    const sources = [
      { file: 'e', text: JSON.stringify({ ...manifest, spec: { ...spec, capture: { policy: 'off' } } }) },
    ];
    expect((await client.call('POST', '/api/v1/apply', { sources })).status).toBe(200);
  };
  const readiness = async (url: string) => {
    const answer = await fetch(`${url}/readyz`);
    const { checks } = (await answer.json()) as { checks: { name: string; ok: boolean; detail: string }[] };
    return { status: answer.status, gateway: checks.find(({ name }) => name === 'gateway')?.detail };
  };
  const figures = async () =>
    (await client.call('GET', '/api/v1/serving/endpoints/waited/figures')).body['variants'] as { workers: number }[];
  await deploy(1);
  await client.settled('waited', isServing);
  await expect.poll(async () => (await figures())[0]?.workers).toBe(2);
  const gateway = childrenOf(started.at(-1)?.process.pid ?? 0).find((pid) =>
    commandOf(pid).includes('gateway-process'),
  );
  process.kill(gateway ?? 0, 'SIGSTOP');
  try {
    await deploy(2);
    const waiting = (status: SeenStatus) => JSON.stringify(status.rollout ?? {}).includes('1 of 2 gateways ready');
    expect((await client.settled('waited', waiting)).variants).toMatchObject([
      { name: 'stable', model: 'models:/waited/1', weight: 100 },
      { name: 'canary', model: 'models:/waited/2', weight: 0, gateways: { ready: 1, live: 2 } },
    ]);
    const serves = (status: SeenStatus) => isServing(status) && status.variants?.[0]?.model === 'models:/waited/2';
    const served = await client.settled('waited', serves);
    expect(served.variants).toMatchObject([{ name: 'stable', gateways: { ready: 1, live: 2 } }]);
    await expect
      .poll(() => readiness(right ?? ''))
      .toMatchObject({ status: 503, gateway: expect.stringContaining('models:/') });
    expect(await readiness(left ?? '')).toEqual({ status: 200, gateway: undefined });
  } finally {
    process.kill(gateway ?? 0, 'SIGCONT');
  }
  await expect.poll(() => readiness(right ?? '')).toEqual({ status: 200, gateway: undefined });
  await client.settled('waited', isOnBoth);
});
