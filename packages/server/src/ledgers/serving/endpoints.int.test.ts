import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  childrenOf,
  commandOf,
  controlOf,
  isAlive,
  killProcess,
  startDaisProcess,
  type DaisProcess,
} from '#testing/dais-process.ts';
import { run } from '#lib/process.ts';
import { KeptConnection, postBytes, type RawResponse } from '#testing/kept-connection.ts';
import { runCli } from '#testing/cli.ts';
import { onnxFile } from '#engines/inference/onnx/onnx-files.testing.ts';
import { servingClient, type SeenStatus, type ServingClient } from '#testing/serving-client.ts';

let folder: string;
let dais: DaisProcess;
let url: string;
let client: ServingClient;
let gatewayUrl: string;

const child = (name: string) => childrenOf(dais.process.pid ?? 0).find((pid) => commandOf(pid).includes(name));
const infer = async (base: string, x: number, headers: Readonly<Record<string, string>> = {}) => {
  const body = { inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [x] }] };
  const answer = await fetch(`${base}/v2/models/scaled/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });
  const text = await answer.text();
  const variant = answer.headers.get('dais-variant');
  if (answer.status !== 200) return { status: answer.status, variant, y: undefined, text };
  return { status: 200, variant, y: (JSON.parse(text) as { outputs: { data: number[] }[] }).outputs[0]?.data[0], text };
};
/** Uses a new connection: a kept one that was closed unnoticed would count as active in the killed process. */
const callOnce = async (base: string) =>
  await new Promise<number>((resolve, reject) => {
    const sent = request(`${base}/v2/models/scaled/infer`, { method: 'POST', agent: false }, (answer) => {
      answer
        .resume()
        .once('end', () => resolve(answer.statusCode ?? 0))
        .once('error', reject);
    });
    sent.once('error', reject);
    sent.end('{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [1]}]}');
  });
const isServing = (status: SeenStatus) =>
  status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true &&
  status.rollout === undefined;
const variantOf = (status: SeenStatus, name: string) => status.variants?.find((one) => one.name === name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-endpoints-'));
  dais = startDaisProcess({ data: join(folder, 'data'), 'keys.folder': join(folder, 'keys') });
  url = await dais.ready;
  client = servingClient(url);
});
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('without an endpoint no gateway runs; the first one starts it, and both ports serve', async () => {
  expect(child('gateway-process')).toBeUndefined();
  expect(await client.register('m', 2, { example: { inputs: [[1]] } })).toBe(1);
  await client.call('PUT', '/api/v1/registry/models/m/aliases/champion', { version: '1' });
  const deployed = await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', {
    model: 'models:/m@champion',
  });
  expect(deployed).toMatchObject({ status: 202, body: { endpoint: 'scaled', created: true } });
  const status = await client.settled('scaled', isServing);
  expect(status.variants).toMatchObject([
    { name: 'stable', model: 'models:/m/1', weight: 100, state: 'ready', engine: 'onnx' },
  ]);
  expect(child('gateway-process')).toBeDefined();
  const first = await client.lastRollout('scaled');
  expect(first).toMatchObject({ state: 'promoted', to: 'models:/m/1', cause: 'deploy', startedBy: 'user:owner' });
  expect(first.steps[0]?.message).toBe('The version is loaded and returned a prediction for its input example.');
  const { body } = await client.call('GET', '/api/v1/serving/endpoints/scaled/contract');
  expect(body).toMatchObject({ model: 'models:/m/1', ready: true, example: { inputs: [[1]] } });
  expect(body['inputs']).toMatchObject([{ name: 'x', datatype: 'FP32' }]);
  gatewayUrl = `http://127.0.0.1:${body.port}`;
  expect(await infer(url, 21)).toMatchObject({ status: 200, y: 42, variant: 'stable' });
  expect(await infer(gatewayUrl, 21)).toMatchObject({ status: 200, y: 42, variant: 'stable' });
  expect(await infer(`${url}/p/default`, 2)).toMatchObject({ y: 4 });
});

test('`dais endpoint url` prints where the gateway serves the endpoint', async () => {
  const printed = await runCli(url, 'endpoint', 'url', 'scaled');
  expect(printed).toEqual({ code: 0, out: `${gatewayUrl}/p/default/v2/models/scaled/infer\n`, err: '' });
  const { out } = await runCli(url, 'endpoint', 'url', 'scaled', '--protocol', 'mlflow');
  const answer = await fetch(out.trim(), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"inputs": [[21]]}',
  });
  expect(await answer.json()).toEqual({ predictions: [[42]] });
});

const INFER = '/v2/models/scaled/infer';
const bodyOf = (x: unknown) => JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [x] }] });
/** What must be equal for both ways through the main port. */
const compared = ({ status, headers, body }: RawResponse) => {
  const own = new Set(['date', 'connection', 'keep-alive', 'content-length']);
  const ids = ['x-request-id', 'dais-prediction-id'].map((name) => headers.get(name) ?? '');
  const withoutIds = (text: string) => ids.reduce((rest, id) => (id === '' ? rest : rest.replaceAll(id, 'ID')), text);
  const named = [...headers].filter(([name]) => !own.has(name)).map((header) => withoutIds(header.join(': ')));
  return { status, headers: named.toSorted(), body: withoutIds(body) };
};

test.each<readonly [string, string, string, readonly string[]]>([
  ['a prediction', INFER, bodyOf(21), []],
  ['a prediction of a project', `/p/default${INFER}`, bodyOf(21), []],
  ['a prediction for a scoring client', '/endpoints/scaled/invocations', '{"inputs": [[21]]}', []],
  ['a prediction in the format of KServe V1', '/v1/models/scaled:predict', '{"instances": [[21]]}', []],
  ['a pinned variant', INFER, bodyOf(21), ['dais-variant: stable']],
  ['an id of the caller', INFER, bodyOf(21), ['x-request-id: mine']],
  ['a compressed response', INFER, JSON.stringify(manyRows()), ['accept-encoding: gzip']],
  ['an invalid body', INFER, '{"inputs": []}', []],
  ['no body', INFER, '', []],
  ['an unknown version', '/v2/models/scaled/versions/99/infer', bodyOf(1), []],
  ['an unknown endpoint', '/v2/models/nothing/infer', bodyOf(1), []],
  ['an unknown project', `/p/nowhere${INFER}`, bodyOf(1), []],
  ['two projects', `/p/default${INFER}`, bodyOf(1), ['dais-project: other']],
  ['another host', INFER, bodyOf(1), ['host: evil.example.com']],
  ['a wrong token', INFER, bodyOf(1), ['authorization: Bearer dais_own_wrong']],
  ['an identity that only Dais may set', INFER, bodyOf(1), ['dais-on-behalf-of: user/eve']],
])('the main port treats %s alike with and without the HTTP framework', async (_name, path, body, lines) => {
  const [fast, framework] = [await KeptConnection.open(url), await KeptConnection.open(url)];
  try {
    // A cookie is for the routes.
    const [one, other] = [
      await fast.post(path, body, lines),
      await framework.post(path, body, [...lines, 'cookie: a=b']),
    ];
    expect(compared(one)).toEqual(compared(other));
    // The connection stays usable.
    expect((await fast.post(INFER, bodyOf(2))).body).toContain('"data":[4]');
  } finally {
    fast.close();
    framework.close();
  }
});

/** More than 1 KiB of responses. */
function manyRows() {
  return {
    inputs: [{ name: 'x', shape: [500, 1], datatype: 'FP32', data: Array.from({ length: 500 }, (_, at) => at) }],
  };
}

test('a kept connection of the main port serves predictions, other requests, pipelined ones and slow ones', async () => {
  const count = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    const lines = text
      .split('\n')
      .filter((line) => line.startsWith('dais_http_request_duration_seconds_count{operation="endpoint.invoke"'));
    return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  };
  const before = await count();
  const connection = await KeptConnection.open(url);
  try {
    // Two requests in one packet, then one whose body comes later, byte by byte.
    connection.write(postBytes(INFER, bodyOf(1)) + postBytes(INFER, bodyOf(2)));
    expect([(await connection.read()).body, (await connection.read()).body]).toEqual([
      expect.stringContaining('"data":[2]'),
      expect.stringContaining('"data":[4]'),
    ]);
    const bytes = postBytes(INFER, bodyOf(3));
    const half = bytes.length - 10;
    connection.write(bytes.slice(0, half));
    await new Promise((resolve) => setImmediate(resolve));
    connection.write(bytes.slice(half));
    expect((await connection.read()).body).toContain('"data":[6]');
    expect(await count()).toBe(before + 3);
    // Another request moves the connection to the routes, and predictions follow there.
    connection.write('GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n');
    expect((await connection.read()).status).toBe(200);
    expect((await connection.post(INFER, bodyOf(4))).body).toContain('"data":[8]');
  } finally {
    connection.close();
  }
});

test.runIf(process.geteuid?.() === 0)('another user of the machine needs the token at the main port', async () => {
  const program = `const socket = require('node:net').connect(${new URL(url).port}, '127.0.0.1');
    socket.write(${JSON.stringify(postBytes(INFER, bodyOf(1)))});
    socket.on('data', (bytes) => { console.log(String(bytes).slice(9, 12)); socket.destroy(); });`;
  const { stdout } = await run(process.execPath, ['-e', program], { uid: 65_534, gid: 65_534, env: {} });
  expect(stdout.toString('utf8').trim()).toBe('401');
});

test('a kept connection of the main port survives a restart of the gateway', async () => {
  const connection = await KeptConnection.open(url);
  try {
    expect((await connection.post(INFER, bodyOf(1))).status).toBe(200);
    killProcess(child('gateway-process') ?? 0);
    const statuses: number[] = [];
    await expect
      .poll(async () => {
        const { status } = await connection.post(INFER, bodyOf(1));
        statuses.push(status);
        return status;
      })
      .toBe(200);
    // Meanwhile: 503 with the reason.
    expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
  } finally {
    connection.close();
  }
});

test('a canary gets its share until it is promoted, a pin selects it, and a rollback restores the previous version', async () => {
  await client.register('m', 3, { example: { inputs: [[1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/2', canary: 10 });
  await client.settled('scaled', (status) => variantOf(status, 'canary')?.weight === 10);
  const counts = { stable: 0, canary: 0 };
  for (let at = 0; at < 200; at++) {
    const { variant, y } = await infer(gatewayUrl, 1);
    expect(y).toBe(variant === 'canary' ? 3 : 2);
    counts[variant as 'stable' | 'canary']++;
  }
  // 10 % of 200 by chance: results outside these limits occur once in many millions.
  expect(counts.canary).toBeGreaterThan(1);
  expect(counts.canary).toBeLessThan(60);
  expect(await infer(url, 1, { 'dais-variant': 'canary' })).toMatchObject({ y: 3, variant: 'canary' });
  await expect
    .poll(async () => (await client.call('GET', '/api/v1/serving/endpoints/scaled/figures')).body)
    .toMatchObject({ live: true, variants: [{ name: 'stable' }, { name: 'canary', failed: 0 }] });
  const promoted = await client.call('POST', '/api/v1/serving/endpoints/scaled/rollout/promote', { reason: 'better' });
  expect(promoted).toMatchObject({ status: 200, body: { state: 'promoted', reason: 'better', endedBy: 'user:owner' } });
  const isPromoted = (now: SeenStatus) => variantOf(now, 'stable')?.model === 'models:/m/2' && isServing(now);
  expect(variantOf(await client.settled('scaled', isPromoted), 'stable')).toMatchObject({ weight: 100 });
  await expect.poll(async () => (await infer(gatewayUrl, 1)).y).toBe(3);
  expect((await client.call('POST', '/api/v1/serving/endpoints/scaled/rollout/promote', {})).status).toBe(409);
  await client.call('POST', '/api/v1/serving/endpoints/scaled/revert', { reason: 'gates complained' });
  const back = await client.settled(
    'scaled',
    (now) => variantOf(now, 'stable')?.model === 'models:/m/1' && isServing(now),
  );
  expect(back.conditions?.find((one) => one.type === 'Current')).toMatchObject({ reason: 'HeldBack' });
  await expect.poll(async () => (await infer(gatewayUrl, 1)).y).toBe(2);
});

test('a shadow receives copies and is listed as one; the stable model stays', async () => {
  const deploy = async (body: unknown, name = 'scaled') =>
    await client.call('POST', `/api/v1/serving/endpoints/${name}/deploy`, body);
  const named = async () => (await client.call('GET', '/api/v1/endpoints/scaled')).body['spec'] as object;
  const shadow = { model: 'models:/m/2', shadow: true };
  expect(await deploy(shadow, 'nothing')).toMatchObject({ status: 404, body: { code: 'not_found' } });
  const before = await named();
  const rollout = await client.lastRollout('scaled');
  expect(await deploy(shadow)).toMatchObject({ status: 202, body: { created: false } });
  const status = await client.settled('scaled', (now) => variantOf(now, 'shadow')?.state === 'ready');
  expect(status.variants).toMatchObject([
    { name: 'stable', role: 'variant', model: 'models:/m/1', weight: 100 },
    { name: 'shadow', role: 'shadow', model: 'models:/m/2', weight: 100 },
  ]);
  expect(await named()).toEqual({ ...before, shadow: [{ name: 'shadow', model: 'models:/m/2' }] });
  expect(await client.lastRollout('scaled')).toEqual(rollout);
  expect(await infer(url, 2)).toMatchObject({ y: 4, variant: 'stable' });
  const sql = `select variant, out_y from predictions where shadow_of is not null`;
  const copies = async () =>
    (await client.call('POST', '/api/v1/predictions/endpoints/scaled/query', { sql })).body['rows'];
  await expect.poll(copies).toEqual([['shadow', 6]]);
  // The stable model needs no copies.
  expect(await deploy({ model: 'models:/m/2', canary: 10 })).toMatchObject({ status: 202 });
  const taken = await client.settled('scaled', (now) => variantOf(now, 'canary')?.weight === 10);
  expect(variantOf(taken, 'shadow')).toBeUndefined();
  await client.call('POST', '/api/v1/serving/endpoints/scaled/rollout/abort', { reason: 'test only' });
  await client.settled('scaled', (now) => variantOf(now, 'canary') === undefined);
});

test('a moved alias starts a rollout; a version that cannot be loaded is rolled back with the reason', async () => {
  const spec = {
    model: 'models:/m@champion',
    // A busy machine must not look like a slow model.
    rollout: { steps: [50, 100], bakeSeconds: 0, minimumRequests: 5, latencyMs: 600_000 },
  };
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Endpoint', metadata: { name: 'scaled' }, spec };
  expect((await client.call('PUT', '/api/v1/endpoints/scaled', manifest)).status).toBe(200);
  await client.settled('scaled', (status) => isServing(status));
  const version = await client.register('m', 5, { example: { inputs: [[1]] } });
  await client.call('PUT', '/api/v1/registry/models/m/aliases/champion', { version: String(version) });
  const requesting = { on: true };
  const failures: string[] = [];
  const load = (async () => {
    while (requesting.on) {
      const { status, text } = await infer(gatewayUrl, 1).catch((error: unknown) => ({
        status: 0,
        text: String(error),
      }));
      if (status !== 200) failures.push(text);
    }
  })();
  let broken = 0;
  try {
    await client.settled(
      'scaled',
      (now) => variantOf(now, 'stable')?.model === `models:/m/${version}` && isServing(now),
    );
    const rollout = await client.lastRollout('scaled');
    expect(rollout).toMatchObject({ state: 'promoted', cause: 'alias', from: 'models:/m/1', startedBy: 'system:dais' });
    expect(rollout.steps.map((step) => [step.weight, step.status])).toEqual([
      [0, 'passed'],
      [50, 'passed'],
      [100, 'passed'],
    ]);
    broken = await client.register('m', 7, { bytes: Buffer.from('no model') });
    await client.call('PUT', '/api/v1/registry/models/m/aliases/champion', { version: String(broken) });
    await client.settled('scaled', (now) => now.conditions?.some((one) => one.reason === 'HeldBack') === true);
  } finally {
    requesting.on = false;
    await load;
  }
  expect(failures).toEqual([]);
  const ended = await client.lastRollout('scaled');
  expect(ended).toMatchObject({ state: 'rolledBack', to: `models:/m/${broken}`, endedBy: 'system:dais' });
  expect(ended.reason).toContain('could not be loaded');
  expect((await infer(gatewayUrl, 1)).y).toBe(5);
});

test('kill -9 of the control process fails no request at the gateway, and kill -9 of the gateway only its own', async () => {
  const results: { readonly at: 'gateway' | 'main'; readonly status: number | string }[] = [];
  const requesting = { on: true };
  const ask = async (at: 'gateway' | 'main', base: string) => {
    while (requesting.on) {
      const status = await callOnce(base).catch((error: unknown) => String(error));
      results.push({ at, status });
    }
  };
  const loads = [ask('gateway', gatewayUrl), ask('gateway', gatewayUrl)];
  const control = controlOf(dais.process.pid!) ?? 0;
  killProcess(control);
  await expect.poll(() => isAlive(control)).toBe(false);
  await expect.poll(async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status).toBe(200);
  expect(results.filter(({ status }) => status !== 200)).toEqual([]);
  const before = results.length;
  await expect.poll(() => results.length).toBeGreaterThan(before + 50);

  const gateway = child('gateway-process') ?? 0;
  killProcess(gateway);
  const killedAt = performance.now();
  await expect.poll(() => child('gateway-process') ?? gateway).not.toBe(gateway);
  await expect.poll(async () => (await infer(gatewayUrl, 1).catch(() => undefined))?.status).toBe(200);
  // The next gateway keeps requests for 3 s while it loads the model; on a busy machine, it then returns 503.
  const isSlow = performance.now() - killedAt > 3000;
  const after = results.length;
  await expect.poll(() => results.length).toBeGreaterThan(after + 50);
  requesting.on = false;
  await Promise.all(loads);
  // Two clients: at most one active request each; later ones waited for the next gateway.
  const failed = results.filter(({ status }) => status !== 200 && !(isSlow && status === 503));
  expect(failed.length).toBeLessThanOrEqual(2);
});

test('a version that fails each request is rolled back automatically with the reason; the stable one keeps serving', async () => {
  const failing = onnxFile({
    // One row cannot become seven: the model loads, and every request fails.
    nodes: [{ op: 'Reshape', inputs: ['x', 'seven'], outputs: ['y'] }],
    inputs: [{ name: 'x', datatype: 'FP32', shape: ['rows', 1] }],
    outputs: [{ name: 'y', datatype: 'FP32', shape: ['rows', 1] }],
    weights: [{ name: 'seven', shape: [2], data: BigInt64Array.of(7n, 1n) }],
  });
  const version = await client.register('m', 0, { bytes: failing });
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: `models:/m/${version}` });
  const requesting = { on: true };
  const failures: (string | null)[] = [];
  const load = (async () => {
    while (requesting.on) {
      const { status, variant, text } = await infer(gatewayUrl, 1);
      if (status !== 200) failures.push(variant ?? text);
    }
  })();
  try {
    const rolledBack = { state: 'rolledBack', to: `models:/m/${version}`, endedBy: 'system:dais' };
    await expect
      .poll(async () => await client.lastRollout('scaled'), { timeout: 150_000, interval: 100 })
      .toMatchObject({ ...rolledBack, reason: expect.stringMatching(/requests failed/) });
  } finally {
    requesting.on = false;
    await load;
  }
  expect(failures.length).toBeGreaterThan(0);
  const { body } = await client.call('GET', '/api/v1/serving/endpoints/scaled/rollouts?limit=1');
  const [{ analysis }] = body['items'] as [{ analysis: { checks: object[]; canary: { failed: number } } }];
  expect(analysis.checks[0]).toMatchObject({ check: 'errors', status: 'failing', threshold: 200 });
  const status = await runCli(url, 'rollout', 'status', 'scaled');
  expect(status.out).toMatch(/Comparison of \d+ requests with \d+ of the active version/);
  expect(status.out).toMatch(/Error rate increase +failing +\d+(\.\d+)? points/);
  await expect.poll(async () => await infer(gatewayUrl, 1)).toMatchObject({ status: 200, variant: 'stable', y: 5 });
});

test('rejects an unknown model, a missing version, a shadow that is a canary, and an unknown endpoint', async () => {
  const deploy = async (body: unknown) => await client.call('POST', '/api/v1/serving/endpoints/other/deploy', body);
  expect(await deploy({ model: 'models:/nothing/1' })).toMatchObject({ status: 404, body: { code: 'not_found' } });
  expect((await deploy({ model: 'models:/m' })).body.detail).toContain('models:/m@ALIAS');
  expect((await deploy({ model: 'models:/m/1', shadow: true, canary: 5 })).status).toBe(400);
  expect((await client.call('POST', '/v2/models/nothing/infer', {})).status).toBe(404);
  expect((await client.call('GET', '/api/v1/serving/endpoints/nothing/figures')).status).toBe(404);
  const wrong = await client.call('POST', '/v2/models/scaled/infer', { inputs: [] });
  expect(wrong.status).toBe(400);
});
