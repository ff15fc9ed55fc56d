/** Models that never end or exhaust memory, deployed next to one that works, in a complete Dais. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onnxFile, onnxGraph } from '#engines/inference/onnx/onnx-files.testing.ts';
import { servingClient, type SeenStatus, type ServingClient } from '#testing/serving-client.ts';
import {
  childrenOf,
  commandOf,
  isAlive,
  killProcess,
  killTree,
  startDaisProcess,
  treeOf,
} from '#testing/dais-process.ts';
import type { DaisProcess } from '#testing/dais-process.ts';

/** Time limit of one batch of the hostile models. */
const LIMIT_SECONDS = 2;
/** Between two requests to the healthy endpoint. */
const NEXT_REQUEST_MS = 20;

let folder: string;
let dais: DaisProcess;
let url: string;
let client: ServingClient;

const gatewayOf = () => childrenOf(dais.process.pid ?? 0).find((pid) => commandOf(pid).includes('gateway-process'));
const modelProcesses = () => treeOf(dais.process.pid ?? 0).filter((pid) => commandOf(pid).includes('onnx-process'));
const isServing = (status: SeenStatus) =>
  status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true &&
  status.rollout === undefined;
const infer = async (endpoint: string, data: readonly number[], rows = 1) => {
  const answer = await fetch(`${url}/v2/models/${endpoint}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: 'x', shape: [rows, 1], datatype: 'FP32', data }] }),
  });
  return { status: answer.status, text: await answer.text(), retryAfter: answer.headers.get('retry-after') };
};
const deploy = async (endpoint: string, model: string) =>
  await client.call('POST', `/api/v1/serving/endpoints/${endpoint}/deploy`, { model });
/** Deploys with short limits. */
const deployLimited = async (endpoint: string, model: string) => {
  await deploy(endpoint, model);
  const rollout = { steps: [100], bakeSeconds: 0, minimumRequests: 0 };
  const spec = { model, timeoutSeconds: LIMIT_SECONDS, resources: { memoryMb: 512 }, rollout };
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Endpoint', metadata: { name: endpoint }, spec };
  expect((await client.call('PUT', `/api/v1/endpoints/${endpoint}`, manifest)).status).toBe(200);
};

/** Runs as many iterations as the first input; without that input, forever. */
function loop(trips: 'endless' | 'of the input'): Buffer {
  const scalar = (name: string, datatype: 'INT64' | 'BOOL') => ({ name, datatype, shape: [] });
  const state = (name: string) => ({ name, datatype: 'FP32' as const, shape: ['rows', 1] });
  const body = onnxGraph({
    nodes: [
      { op: 'Identity', inputs: ['go'], outputs: ['again'] },
      { op: 'Add', inputs: ['before', 'none'], outputs: ['after'] },
    ],
    inputs: [scalar('at', 'INT64'), scalar('go', 'BOOL'), state('before')],
    outputs: [scalar('again', 'BOOL'), state('after')],
    weights: [{ name: 'none', shape: [1], data: new Float32Array([0]) }],
  });
  return onnxFile({
    nodes: [
      { op: 'ReduceMax', inputs: ['x'], outputs: ['most'], attributes: { keepdims: 0 } },
      { op: 'Cast', inputs: ['most'], outputs: ['trips'], attributes: { to: 7 } },
      {
        op: 'Loop',
        inputs: [trips === 'endless' ? '' : 'trips', 'yes', 'x'],
        outputs: ['y'],
        attributes: { body: { graph: body } },
      },
    ],
    inputs: [state('x')],
    outputs: [state('y')],
    weights: [{ name: 'yes', shape: [], data: Uint8Array.of(1), datatype: 'BOOL' }],
  });
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-hostile-'));
  dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') });
  url = await dais.ready;
  client = servingClient(url);
  await client.register('healthy', 2, { example: { inputs: [[1]] } });
  await client.register('m', 3, { example: { inputs: [[1]] } });
  await deploy('healthy', 'models:/healthy/1');
  await deployLimited('hostile', 'models:/m/1');
  await client.settled('healthy', isServing);
  await client.settled('hostile', isServing);
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/**
 * Sends a request to the healthy endpoint about 50 times per second, and returns the failed ones, and whether the gateway
 * stayed alive. Without a pause, the requests take the CPU that the tested processes need.
 */
async function besideHealthy(work: () => Promise<void>) {
  const gateway = gatewayOf();
  const failures: string[] = [];
  const sending = { on: true };
  const load = (async () => {
    while (sending.on) {
      const { status, text } = await infer('healthy', [1]).catch((error: unknown) => ({
        status: 0,
        text: String(error),
      }));
      if (status !== 200) failures.push(text);
      await delay(NEXT_REQUEST_MS);
    }
  })();
  try {
    await work();
  } finally {
    sending.on = false;
    await load;
  }
  return { failures, isSameGateway: gatewayOf() === gateway };
}

test('the rollout of a model that never ends fails with the reason; the previous version and its neighbors keep serving', async () => {
  const version = await client.register('m', 0, { bytes: loop('endless'), example: { inputs: [[1]] } });
  const { failures, isSameGateway } = await besideHealthy(async () => {
    await deploy('hostile', `models:/m/${version}`);
    await client.settled('hostile', (now) => now.quarantined !== undefined && now.rollout === undefined);
    expect((await infer('hostile', [2])).text).toContain('6');
  });
  expect([failures, isSameGateway]).toEqual([[], true]);
  const rollout = await client.lastRollout('hostile');
  expect(rollout).toMatchObject({ state: 'failed', to: `models:/m/${version}`, from: 'models:/m/1' });
  expect(rollout.reason).toMatch(/quarantined.*ended abnormally twice in a row.*time limit of 2 s/);
  const types = async () => {
    const { body } = await client.call('GET', '/api/v1/events?limit=500');
    return (body['items'] as { type: string }[]).map(({ type }) => type);
  };
  await expect.poll(types).toEqual(expect.arrayContaining(['endpoint.model.quarantined', 'endpoint.rollout.failed']));
  expect(modelProcesses()).toEqual([]);
});

test('a version whose process ends twice because of requests is quarantined until it is resumed, also by the next gateway', async () => {
  const version = await client.register('m', 0, { bytes: loop('of the input'), example: { inputs: [[1]] } });
  await deploy('hostile', `models:/m/${version}`);
  const model = `models:/m/${version}`;
  const serves = (now: SeenStatus) => isServing(now) && now.variants?.[0]?.model === model;
  await client.settled('hostile', serves);
  expect(modelProcesses().length).toBeGreaterThan(0);
  const { failures, isSameGateway } = await besideHealthy(async () => {
    for (let time = 0; time < 2; time++) {
      const { status } = await infer('hostile', [9e18]);
      expect([503, 504]).toContain(status);
    }
    await client.settled('hostile', (now) => now.conditions?.some((one) => one.reason === 'ModelQuarantined') === true);
  });
  expect([failures, isSameGateway]).toEqual([[], true]);
  const refused = await infer('hostile', [1]);
  expect([refused.status, refused.retryAfter]).toEqual([503, '60']);
  expect(refused.text).toMatch(/quarantined.*time limit of 2 s/);

  killProcess(gatewayOf());
  await expect.poll(async () => (await infer('healthy', [1]).catch(() => undefined))?.status).toBe(200);
  expect((await infer('hostile', [1])).status).toBe(503);
  const status = await client.settled('hostile', (now) => now.quarantined !== undefined);
  expect(status.quarantined).toMatchObject([{ model, reason: expect.stringContaining('time limit') as string }]);
  expect(modelProcesses()).toEqual([]);

  const resumed = await client.call('POST', '/api/v1/serving/endpoints/hostile/resume', {
    reason: 'the caller is fixed',
  });
  expect(resumed).toMatchObject({ status: 202, body: { endpoint: 'hostile', models: [model] } });
  await client.settled('hostile', (now) => serves(now) && now.quarantined === undefined);
  await expect.poll(async () => (await infer('hostile', [1])).status).toBe(200);
  const again = await client.call('POST', '/api/v1/serving/endpoints/hostile/resume', {});
  expect(again).toMatchObject({
    status: 409,
    body: { detail: expect.stringContaining('nothing to resume') as string },
  });
});

test('rejects too many rows before the model receives them', async () => {
  const rows = 10_001;
  const { failures, isSameGateway } = await besideHealthy(async () => {
    const refused = await infer(
      'hostile',
      Array.from({ length: rows }, () => 1),
      rows,
    );
    expect([refused.status, refused.text]).toEqual([413, expect.stringContaining('accepts 10000')]);
  });
  expect([failures, isSameGateway]).toEqual([[], true]);
});

test('model processes end with the gateway, and with the supervisor', async () => {
  const before = modelProcesses();
  expect(before.length).toBeGreaterThan(0);
  // One of them is computing and does not notice that its client has disconnected.
  const hangs = infer('hostile', [9e18]).catch(() => undefined);
  killProcess(gatewayOf());
  await expect.poll(() => before.filter(isAlive)).toEqual([]);
  await hangs;
  await expect.poll(async () => (await infer('hostile', [1]).catch(() => undefined))?.status).toBe(200);
  expect(modelProcesses().length).toBeGreaterThan(0);
  void infer('hostile', [9e18]).catch(() => undefined);
  await killTree(dais);
});
