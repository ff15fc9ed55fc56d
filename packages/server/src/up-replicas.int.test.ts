import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerNode } from '@dais/api/access';
import type { ExecutionLog } from '@dais/api/executions';
import { readPredictionId } from '@dais/api/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { executionClient } from './testing/execution-client.ts';
import { isServing, servingClient } from './testing/serving-client.ts';

let folder: string;
let server: TestDatabase;
let database: ConnectionOptions;
const started: DaisProcess[] = [];

function launch(name: string, role: string): DaisProcess {
  const dais = startDaisProcess({
    role,
    data: join(folder, name),
    // All of them seal with the same keys.
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
    'node.join': 'open',
    'database.url': `postgres://${database.user}@/${database.database}?host=${encodeURIComponent(database.host)}`,
  });
  started.push(dais);
  return dais;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-replicas-'));
  server = await startTestDatabase([]);
  database = await server.emptyDatabase();
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGTERM');
  await Promise.all(started.map((dais) => dais.ended));
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

let two: Promise<string[]> | undefined;
/** The URLs of a node that does everything and of one that serves requests; they run to the end of the file. */
const twoNodes = async (): Promise<string[]> =>
  await (two ??= Promise.all([launch('left', 'all'), launch('right', 'api')].map(async (dais) => await dais.ready)));

const channel = (name: string) => ({
  apiVersion: 'dais.dev/v1',
  kind: 'AlertChannel',
  metadata: { name },
  spec: { send: { type: 'webhook', url: 'https://alerts.example.com/' } },
});

test('replicas on one database share the work, and another controller takes over after a crash', async () => {
  // Both migrate the empty database at the same time: one does it, the other waits.
  const [api, controller] = [launch('api', 'api'), launch('controller', 'controller')];
  const [url, controllerUrl] = await Promise.all([api.ready, controller.ready]);
  const leads = async (at: string) => /^dais_sequencer_leader 1$/m.test(await (await fetch(`${at}/metrics`)).text());
  await expect.poll(() => leads(controllerUrl)).toBe(true);
  expect(await leads(url)).toBe(false);
  expect((await fetch(`${controllerUrl}/api/v1/projects`)).status).toBe(404);
  expect((await fetch(`${controllerUrl}/readyz`)).status).toBe(200);

  const nodes = async () => {
    const { items } = (await (await fetch(`${url}/api/v1/nodes`)).json()) as { items: ServerNode[] };
    return items.map(({ role, state, gateway, leases }) => ({ role, state, gateway, leads: leases.length > 0 }));
  };
  const both = await nodes();
  expect(both.map(({ gateway }) => gateway).toSorted((a, b) => a - b)).toEqual([0, 1]);
  expect(both).toContainEqual(expect.objectContaining({ role: 'controller', state: 'ready', leads: true }));
  expect(both).toContainEqual(expect.objectContaining({ role: 'api', state: 'ready' }));

  const watch = await fetch(`${url}/api/v1/alertchannels?watch=true`);
  const reader = watch.body!.pipeThrough(new TextDecoderStream()).getReader();
  let seen = '';
  const until = async (pattern: RegExp) => {
    while (!pattern.test(seen)) seen += (await reader.read()).value ?? '';
  };
  const create = async (name: string) =>
    await fetch(`${url}/api/v1/alertchannels`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(channel(name)),
    });
  expect((await create('first')).status).toBe(201);
  await until(/"added".*"first"/);

  controller.process.kill('SIGKILL');
  await controller.ended;
  const next = launch('next', 'controller');
  const nextUrl = await next.ready;
  expect((await create('second')).status).toBe(201);
  // Numbered by the next controller once the lease of the dead one is over.
  await until(/"added".*"second"/);
  await expect.poll(() => leads(nextUrl)).toBe(true);
  await reader.cancel();
});

test('the parts of an artifact can arrive through any replica, and any of them assembles it, once', async () => {
  const urls = await twoNodes();
  const [left = '', right = ''] = urls;
  const post = async (url: string, body: object) => {
    const headers = { 'content-type': 'application/json' };
    return await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  };
  const uploads = '/api/v1/tracking/artifact-uploads';
  const begun = (await (await post(`${left}${uploads}`, { path: 'a/file', parts: 2 })).json()) as Record<
    string,
    string
  >;
  const parts = await Promise.all(
    urls.map(async (url, index) => {
      const headers = { 'dais-ticket': begun['ticket'] ?? '' };
      const at = `${url}${begun['url']}/${index + 1}`;
      const answer = await fetch(at, { method: 'PUT', headers, body: `part ${index} `.repeat(50_000) });
      return { number: index + 1, etag: answer.headers.get('etag') ?? '' };
    }),
  );
  const ends = [left, right, left, right].map(async (url) => {
    const answer = await post(`${url}${uploads}/${begun['id']}/complete`, { parts });
    return { status: answer.status, text: await answer.text() };
  });
  const [first, ...others] = await Promise.all(ends);
  expect(first?.status).toBe(200);
  for (const other of others) expect(other).toEqual(first);
  const whole = `${'part 0 '.repeat(50_000)}${'part 1 '.repeat(50_000)}`;
  for (const url of urls) {
    const read = await fetch(`${url}/api/v1/tracking/artifacts/content?path=a/file`);
    expect((await read.text()) === whole).toBe(true);
  }
});

test('the live log of a step and its cancellation work through every node', async () => {
  const [left = '', right = ''] = await twoNodes();
  // Only the left node runs steps.
  const client = executionClient(() => right);
  const run = await client.submit({
    main: { command: ['sh', '-c', 'echo from the step; exec sleep 300'], isolation: 'none' },
  });
  const logs = async (url: string) => {
    const { text } = (await (await fetch(`${url}/api/v1/executions/${run.id}/logs`)).json()) as ExecutionLog;
    return text;
  };
  for (const url of [left, right]) await expect.poll(() => logs(url)).toBe('from the step\n');
  await client.cancel(run.id);
  expect((await client.ended(run.id)).state).toBe('canceled');
  for (const url of [left, right]) expect(await logs(url)).toBe('from the step\n');
});

test('every node serves an endpoint, and all of them show the predictions of each', async () => {
  const urls = await twoNodes();
  const [left = '', right = ''] = urls;
  const client = servingClient(left);
  const version = await client.register('doubled', 2);
  const endpoint = {
    apiVersion: 'dais.dev/v1',
    kind: 'Endpoint',
    metadata: { name: 'doubled' },
    spec: { model: `models:/doubled/${version}`, capture: { policy: 'ack' } },
  };
  expect(
    (await client.call('POST', '/api/v1/apply', { sources: [{ file: 'e', text: JSON.stringify(endpoint) }] })).status,
  ).toBe(200);
  await client.settled('doubled', isServing);
  const infer = async (url: string) => {
    const answer = await fetch(`${url}/v2/models/doubled/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [3]}]}',
    });
    return { status: answer.status, gateway: gatewayOf(answer.headers.get('dais-prediction-id') ?? '') };
  };
  await expect.poll(async () => (await infer(right)).status).toBe(200);
  const gateways = new Set((await Promise.all([infer(left), infer(right)])).map(({ gateway }) => gateway));
  // The number is part of the id: predictions of two gateways never have the same.
  expect(gateways.size).toBe(2);
  for (const url of urls) {
    const seen = async () => {
      const { body } = await servingClient(url).call('POST', '/api/v1/predictions/endpoints/doubled/query', {
        sql: 'select distinct prediction_id from predictions',
      });
      return new Set((body as { rows: [string][] }).rows.map(([id]) => gatewayOf(id)));
    };
    await expect.poll(seen).toEqual(gateways);
  }
});

const gatewayOf = (id: string) => readPredictionId(id)?.gateway;
