/**
 * Endpoints whose models another server serves: a complete Dais in accounts mode, and a gateway with its own tokens as the
 * server of the models.
 */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Snapshot } from '@dais/api/gateway';
import { endpoint, model, snapshot, startWorld, type GatewayWorld } from '#gateway/testing/gateway-world.ts';
import {
  childrenOf,
  commandOf,
  controlOf,
  isAlive,
  killProcess,
  startDaisProcess,
  type DaisProcess,
} from '#testing/dais-process.ts';
import { isServing, servingClient, type SeenStatus, type ServingClient } from '#testing/serving-client.ts';

const START_MS = 600_000;
/** The status must report a server within 10 s; more for a busy machine. */
const REPORTED_MS = 30_000;
const TOKEN = 'token-of-the-model-server';
const MODELS = ['sum', 'sum-next', 'gated'];

let folder: string;
let dais: DaisProcess;
let url: string;
let client: ServingClient;
let owner: string;
let world: GatewayWorld;
let port: number;

async function startServer(on = 0): Promise<void> {
  const listen = { port: on };
  if (world === undefined) world = await startWorld({ listen });
  else await world.restart({ listen });
  port = world.gateway.port ?? 0;
  const access: Snapshot['access'] = {
    mode: 'tokens',
    tokens: [
      {
        hash: createHash('sha256').update(TOKEN).digest('hex'),
        principal: 'user/dais',
        endpoints: MODELS.map((name) => `default/${name}`),
      },
    ],
    offlineMs: START_MS,
  };
  const models = MODELS.map((name) => model(name));
  const endpoints = MODELS.map((name) => endpoint(name, [['stable', name, 10_000]]));
  await world.gateway.swap(snapshot(Date.now(), models, endpoints, access));
}

const secret = (value: string) => ({
  apiVersion: 'dais.dev/v1',
  kind: 'Secret',
  metadata: { name: 'far' },
  spec: { data: { token: value } },
});
const manifest = (name: string, spec: object) => ({
  apiVersion: 'dais.dev/v1',
  kind: 'Endpoint',
  metadata: { name },
  spec: {
    servers: [{ name: 'far', url: `http://127.0.0.1:${port}`, credentials: { secret: 'far', key: 'token' } }],
    rollout: { bakeSeconds: 0, minimumRequests: 0 },
    ...spec,
  },
});
const put = async (name: string, spec: object) => {
  const seen = await client.call('GET', `/api/v1/endpoints/${name}`);
  const answer =
    seen.status === 404
      ? await client.call('POST', '/api/v1/endpoints', manifest(name, spec))
      : await client.call('PUT', `/api/v1/endpoints/${name}`, manifest(name, spec));
  expect(answer).toMatchObject({ status: seen.status === 404 ? 201 : 200 });
};
const readyOf = ({ conditions }: SeenStatus) =>
  conditions?.find(({ type }) => type === 'Ready') as
    | { readonly status: string; readonly reason: string; readonly message: string }
    | undefined;
const serves = (reference: string) => (status: SeenStatus) =>
  isServing(status) && status.variants?.some((one) => one.name === 'stable' && one.model === reference) === true;

async function infer(
  name: string,
  rows: readonly number[],
  headers: Readonly<Record<string, string>> = {},
  base = url,
) {
  const body = { inputs: [{ name: 'x', datatype: 'FP32', shape: [rows.length / 2, 2], data: rows }] };
  const response = await fetch(`${base}/v2/models/${name}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${owner}`, ...headers },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, variant: response.headers.get('dais-variant'), text };
}

beforeAll(async () => {
  await startServer();
  folder = await mkdtemp(join(tmpdir(), 'dais-remote-'));
  const data = join(folder, 'data');
  dais = startDaisProcess({
    data,
    'keys.folder': join(folder, 'keys'),
    'authentication.mode': 'accounts',
    'outbound.allowHosts': ['127.0.0.1'],
  });
  url = await dais.ready;
  owner = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  client = servingClient(url, { authorization: `Bearer ${owner}` });
}, START_MS);
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  await world.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

test('explains what is wrong with a manifest', async () => {
  const wrong = await client.call('POST', '/api/v1/endpoints', {
    ...manifest('wrong', {
      model: 'remote:/near/sum',
      servers: [
        {
          name: 'far',
          url: 'https://user:pass@triton.example.com/v2',
          credentials: { secret: 'far', key: 'token', header: 'Host' },
        },
        { name: 'far', url: 'http://triton.example.com?x=1' },
      ],
      variants: [{ name: 'b', model: 'remote:far', weight: 1 }],
    }),
  });
  expect(wrong.status).toBe(422);
  const text = JSON.stringify(wrong.body);
  for (const part of [
    'names the server \\"near\\"',
    'remote:/SERVER/MODEL',
    'contains credentials',
    'a second time',
    'a query',
    'x-api-key',
  ])
    expect(text).toContain(part);
});

test('waits for the credentials and then serves, also after they change', async () => {
  expect(await client.call('POST', '/api/v1/secrets', secret('wrong'))).toMatchObject({ status: 201 });
  await put('sums', { model: 'remote:/far/sum' });
  const away = await client.settled(
    'sums',
    (status) => readyOf(status)?.message.includes('rejects') === true,
    REPORTED_MS,
  );
  expect(readyOf(away)).toMatchObject({
    status: 'False',
    message: expect.stringMatching(
      new RegExp(`^remote:/far/sum is not ready\\. .*http://127\\.0\\.0\\.1:${port} rejects the credentials \\(401\\)`),
    ),
  });
  expect(await client.call('PUT', '/api/v1/secrets/far', secret(TOKEN))).toMatchObject({ status: 200 });
  const ready = await client.settled('sums', serves('remote:/far/sum'));
  expect(ready.variants).toMatchObject([{ name: 'stable', state: 'ready', engine: 'remote', weight: 100 }]);
  expect(ready.variants?.[0]).not.toHaveProperty('instances');
  expect(await infer('sums', [1, 2, 3, 4])).toMatchObject({
    status: 200,
    text: expect.stringContaining('"data":[3,7]'),
  });
  const { body } = await client.call('GET', '/api/v1/serving/endpoints/sums/contract');
  expect(body).toMatchObject({ model: 'remote:/far/sum', ready: true, inputs: [{ name: 'x', datatype: 'FP32' }] });
});

test('captures predictions under a name that no registered model has, and lineage shows no version', async () => {
  await put('sums', {
    model: 'remote:/far/sum',
    variants: [{ name: 'b', model: 'remote:/far/sum-next/1', weight: 0 }],
  });
  await client.settled(
    'sums',
    (status) => status.variants?.some(({ name, state }) => name === 'b' && state === 'ready') === true,
  );
  await infer('sums', [20, 22]);
  await infer('sums', [40, 2], { 'dais-variant': 'b' });
  const sql =
    'select variant, model, version, status, out_y from predictions where in_x[1] in (20, 40) order by in_x[1]';
  const read = await client.call('POST', '/api/v1/predictions/endpoints/sums/query', { sql });
  expect(read.body['rows']).toEqual([
    ['stable', 'far:sum', null, 200, 42],
    ['b', 'far:sum-next', '1', 200, 42],
  ]);
  const { body } = await client.call('GET', '/api/v1/endpoints/sums');
  const uid = (body['metadata'] as { readonly uid: string }).uid;
  const graph = await client.call('GET', `/api/v1/lineage?node=endpoint:${uid}&direction=upstream`);
  expect(graph.body['edges']).toEqual([]);
});

test('callers need the permission of the endpoint, not that of the server', async () => {
  const account = { apiVersion: 'dais.dev/v1', kind: 'ServiceAccount', metadata: { name: 'stranger' }, spec: {} };
  expect(await client.call('POST', '/api/v1/serviceaccounts', account)).toMatchObject({ status: 201 });
  const { body } = await client.call('POST', '/api/v1/serviceaccounts/stranger/tokens', { title: 'x', days: 1 });
  const answers = await Promise.all(
    [String(body['token']), TOKEN].map(
      async (token) => await infer('sums', [1, 2], { authorization: `Bearer ${token}` }),
    ),
  );
  expect(answers.map(({ status }) => status)).toEqual([403, 401]);
});

test('rolls out another model of the server, and one that is not there waits', async () => {
  expect(
    await client.call('POST', '/api/v1/serving/endpoints/sums/deploy', { model: 'remote:/far/sum-next/1' }),
  ).toMatchObject({ status: 202 });
  const sending = { on: true };
  const statuses = new Set<number>();
  const requests = (async () => {
    while (sending.on) statuses.add((await infer('sums', [1, 2])).status);
  })();
  await client.settled('sums', serves('remote:/far/sum-next/1')).finally(() => (sending.on = false));
  await requests;
  expect([...statuses]).toEqual([200]);
  expect(await client.lastRollout('sums')).toMatchObject({
    state: 'promoted',
    from: 'remote:/far/sum',
    to: 'remote:/far/sum-next/1',
  });
  await client.call('POST', '/api/v1/serving/endpoints/sums/deploy', { model: 'remote:/far/none' });
  const waiting = await client.settled(
    'sums',
    ({ rollout }) => (rollout as { readonly message: string } | undefined)?.message.includes('status 404') === true,
    REPORTED_MS,
  );
  expect(readyOf(waiting)).toMatchObject({ status: 'True', reason: 'Serving' });
  expect(await infer('sums', [1, 2])).toMatchObject({ status: 200, variant: 'stable' });
  await client.call('POST', '/api/v1/serving/endpoints/sums/rollout/abort', {});
  await put('sums', { model: 'remote:/far/sum-next/1' });
  await client.settled('sums', serves('remote:/far/sum-next/1'));
});

test('reports a server that stops during requests, and recovers by itself', async () => {
  await put('slow', { model: 'remote:/far/gated', timeoutSeconds: 2 });
  await client.settled('slow', serves('remote:/far/gated'));
  // The server does not respond within the time limit of the endpoint.
  expect((await infer('slow', [1, 2])).status).toBe(504);
  for (const release of world.engine.waiting.splice(0)) release();
  const running = Array.from({ length: 8 }, async () => await infer('sums', [1, 2]));
  await world.gateway.drain({ noticeMs: 0, deadlineMs: 0 });
  for (const { status } of await Promise.all(running)) expect([200, 503]).toContain(status);
  const stopped = await client.settled('sums', (status) => readyOf(status)?.status === 'False', REPORTED_MS);
  expect(readyOf(stopped)).toMatchObject({
    reason: 'ServerNotReady',
    message: expect.stringMatching(
      new RegExp(`^remote:/far/sum-next/1 is not ready\\. .*http://127\\.0\\.0\\.1:${port} refuses the connection\\.$`),
    ),
  });
  expect(stopped.variants).toMatchObject([
    { state: 'failed', message: expect.stringContaining('refuses the connection') },
  ]);
  const refused = await infer('sums', [1, 2]);
  expect(refused.status).toBe(503);
  expect(refused.text).toContain('refuses the connection');
  await startServer(port);
  await client.settled('sums', serves('remote:/far/sum-next/1'), REPORTED_MS);
  expect(await infer('sums', [1, 2])).toMatchObject({ status: 200 });
}, 120_000);

test('a gateway keeps its credentials while the control process restarts, and a restarted gateway gets them again', async () => {
  const documents = [
    { kind: 'ServiceAccount', metadata: { name: 'caller' }, spec: {} },
    { kind: 'RoleBinding', metadata: { name: 'caller' }, spec: { role: 'operator', serviceAccounts: ['caller'] } },
  ];
  const text = documents.map((one) => JSON.stringify({ apiVersion: 'dais.dev/v1', ...one })).join('\n---\n');
  expect(await client.call('POST', '/api/v1/apply', { sources: [{ file: 'caller.yaml', text }] })).toMatchObject({
    status: 200,
  });
  const issued = await client.call('POST', '/api/v1/serviceaccounts/caller/tokens', { title: 'x', days: 1 });
  const headers = { authorization: `Bearer ${String(issued.body['token'])}` };
  const contract = await client.call('GET', '/api/v1/serving/endpoints/sums/contract');
  const gateway = `http://127.0.0.1:${contract.body.port}`;
  const ask = async () => (await infer('sums', [1, 2], headers, gateway)).status;
  await expect.poll(ask, { timeout: REPORTED_MS }).toBe(200);

  const sending = { on: true };
  const statuses = new Set<number>();
  const requests = (async () => {
    while (sending.on) statuses.add(await ask());
  })();
  const supervisor = dais.process.pid ?? 0;
  const control = controlOf(supervisor) ?? 0;
  killProcess(control);
  await expect.poll(() => isAlive(control)).toBe(false);
  const isReady = async () => (await fetch(`${url}/readyz`).catch(() => undefined))?.status;
  await expect.poll(isReady, { timeout: START_MS }).toBe(200);
  // The new control process has published a snapshot.
  await put('sums', { model: 'remote:/far/sum-next/1', description: 'after a restart' });
  await client.settled('sums', serves('remote:/far/sum-next/1'));
  sending.on = false;
  await requests;
  expect([...statuses]).toEqual([200]);

  const gatewayOf = () => childrenOf(supervisor).find((pid) => commandOf(pid).includes('gateway-process'));
  const killed = gatewayOf();
  killProcess(killed);
  await expect.poll(() => gatewayOf() ?? killed, { timeout: START_MS }).not.toBe(killed);
  await expect.poll(async () => await ask().catch(() => 0), { timeout: REPORTED_MS }).toBe(200);
}, 120_000);

test('refuses a server that redirects, or that Dais may not call', async () => {
  let reached = 0;
  const other = createServer((_request, response) => {
    reached += 1;
    response.end('{}');
  });
  const listening = async (server: Server) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  };
  const target = await listening(other);
  const redirecting = createServer((request, response) =>
    response.writeHead(302, { location: `${target}${request.url ?? ''}` }).end(),
  );
  const servers = [
    { name: 'redirecting', url: await listening(redirecting) },
    { name: 'metadata', url: 'http://169.254.169.254' },
  ];
  try {
    await put('redirected', { servers, model: 'remote:/redirecting/sum' });
    await put('internal', { servers, model: 'remote:/metadata/sum' });
    const redirected = await client.settled(
      'redirected',
      (status) => readyOf(status)?.message.includes('redirects') === true,
      REPORTED_MS,
    );
    expect(readyOf(redirected)?.message).toContain(`redirects to ${target} (302)`);
    const internal = await client.settled('internal', (status) => readyOf(status)?.reason === 'NotLoaded', REPORTED_MS);
    expect(readyOf(internal)?.message).toMatch(/169\.254\.169\.254 is .*outbound\.allowHosts/);
    expect(reached).toBe(0);
  } finally {
    for (const name of ['redirected', 'internal']) await client.call('DELETE', `/api/v1/endpoints/${name}`);
    for (const server of [other, redirecting]) server.close();
  }
});

test('the credentials are in no file and in no output', async () => {
  // A running gateway and its control process replace these files.
  dais.process.kill('SIGTERM');
  await dais.ended;
  const entries = await readdir(join(folder, 'data', 'serving'), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  expect(files.some((file) => file.endsWith('snapshot.json'))).toBe(true);
  for (const file of files) expect(await readFile(file, 'utf8')).not.toContain(TOKEN);
  expect(dais.output()).not.toContain(TOKEN);
});
