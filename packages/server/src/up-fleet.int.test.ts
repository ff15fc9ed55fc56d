/** Two nodes on one database: one does everything, and one only serves requests. Both have a gateway. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onnxFile } from '#engines/inference/onnx/onnx-files.testing.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { isServing, servingClient, type ServingClient } from './testing/serving-client.ts';

let folder: string;
let server: TestDatabase;
/** The one on the left decides. */
let [left, right]: string[] = [];
let client: ServingClient;
const started: DaisProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-fleet-'));
  server = await startTestDatabase([]);
  const { user, database, host } = await server.emptyDatabase();
  const shared = {
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
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
  const onBoth = (status: object) => JSON.stringify(status).includes('"gateways":{"ready":2,"live":2');
  await client.settled('shared', (status) => isServing(status) && onBoth(status));
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
  const ended = async (state: string) =>
    await expect.poll(async () => await client.lastRollout('shared'), { interval: 200 }).toMatchObject({ state });
  try {
    await deploy(2);
    await ended('promoted');
    const { steps } = await client.lastRollout('shared');
    expect(steps.at(-1)).toMatchObject({ canary: { failed: 0 } });
    const figures = async () =>
      (await client.call('GET', '/api/v1/serving/endpoints/shared/figures')).body['variants'];
    await expect
      .poll(figures)
      .toMatchObject([{ name: 'stable', model: 'models:/shared/2', p50Ms: expect.any(Number) as number, workers: 2 }]);
    await deploy(3);
    await ended('rolledBack');
    expect((await client.lastRollout('shared')).reason).toMatch(/requests failed/);
  } finally {
    requesting.on = false;
    await load;
  }
});
