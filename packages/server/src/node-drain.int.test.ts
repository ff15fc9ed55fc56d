/** Two process trees on one database: one drains, and the other does its work. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerNode } from '@dais/api/access';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { freePort, startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { executionClient } from './testing/execution-client.ts';
import { isServing, servingClient } from './testing/serving-client.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

interface Tree {
  readonly name: string;
  readonly dais: DaisProcess;
  readonly url: string;
  readonly gateway: string;
  readonly id: string;
}

let folder: string;
let server: TestDatabase;
let database: ConnectionOptions;
const started: DaisProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-drain-'));
  server = await startTestDatabase([]);
  database = await server.emptyDatabase();
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGTERM');
  await Promise.all(started.map((dais) => dais.ended));
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

async function launch(name: string): Promise<Tree> {
  const port = await freePort();
  const data = join(folder, name);
  const dais = startDaisProcess({
    data,
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
    'ports.inference': port,
    'node.join': 'open',
    'database.url': `postgres://${database.user}@/${database.database}?host=${encodeURIComponent(database.host)}`,
  });
  started.push(dais);
  const url = await dais.ready;
  const { id } = JSON.parse(await readFile(join(data, 'node.json'), 'utf8')) as { id: string };
  return { name, dais, url, gateway: `http://127.0.0.1:${port}`, id };
}

async function nodeOf({ url }: Tree, id: string): Promise<ServerNode | undefined> {
  const { items } = (await (await fetch(`${url}/api/v1/nodes`)).json()) as { items: ServerNode[] };
  return items.find((node) => node.id === id);
}

async function post(url: string, body: object): Promise<{ status: number; body: { code?: string; detail?: string } }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as { code?: string } };
}

const drain = async (by: Tree, of: Tree, body: object = {}) =>
  await post(`${by.url}/api/v1/nodes/${of.id}/drain`, body);
const resume = async (by: Tree, of: Tree) => await post(`${by.url}/api/v1/nodes/${of.id}/resume`, {});
const statusOf = async (url: string) => (await fetch(url)).status;
const infer = async ({ url }: { readonly url: string }) =>
  await post(`${url}/v2/models/doubled/infer`, {
    inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [3] }],
  });

test('a drained node finishes its steps, gives up its leases, and is not ready, but answers; the other node does the work', async () => {
  // The first one migrates the empty database.
  const first = await launch('first');
  const second = await launch('second');
  await expect.poll(async () => (await nodeOf(second, first.id))?.leases.length, PATIENCE).toBeGreaterThan(0);
  const serving = servingClient(second.url);
  const version = await serving.register('doubled', 2);
  const endpoint = {
    apiVersion: 'dais.dev/v1',
    kind: 'Endpoint',
    metadata: { name: 'doubled' },
    spec: { model: `models:/doubled/${version}` },
  };
  const text = JSON.stringify(endpoint);
  expect((await serving.call('POST', '/api/v1/apply', { sources: [{ file: 'e', text }] })).status).toBe(200);
  await serving.settled('doubled', isServing);
  await expect.poll(async () => (await infer(first)).status, PATIENCE).toBe(200);
  await expect.poll(async () => await statusOf(`${first.gateway}/readyz`), PATIENCE).toBe(200);

  // Each prints its folder, which is in the data folder of its node.
  const runs = executionClient(() => second.url);
  const step = (seconds: number): Parameters<typeof runs.submit>[0] => ({
    main: { command: ['sh', '-c', `pwd; sleep ${seconds}`], isolation: 'none' },
  });
  const before = await Promise.all([1, 2, 3, 4].map(async () => await runs.submit(step(4))));
  await expect.poll(async () => (await runs.get(before[0]!.id)).state, PATIENCE).toBe('running');

  expect((await drain(second, first, { timeLimitSeconds: 60 })).status).toBe(200);
  expect(await nodeOf(second, first.id)).toMatchObject({ state: expect.stringMatching(/^drain(ing|ed)$/) });
  await expect.poll(async () => await statusOf(`${first.url}/readyz`), PATIENCE).toBe(503);
  await expect.poll(async () => (await nodeOf(second, first.id))?.state, PATIENCE).toBe('drained');
  expect(await nodeOf(second, first.id)).toMatchObject({ drain: { jobs: 0, steps: 0 } });
  // Each loop releases its lease before its next iteration: up to two seconds later.
  await expect.poll(async () => (await nodeOf(second, first.id))?.leases, PATIENCE).toEqual([]);
  for (const { id } of before) expect(await runs.ended(id)).toMatchObject({ state: 'succeeded' });

  // It answers, and takes no work.
  expect(await statusOf(`${first.url}/api/v1/projects`)).toBe(200);
  expect(await statusOf(`${first.gateway}/readyz`)).toBe(503);
  expect(await statusOf(`${second.gateway}/readyz`)).toBe(200);
  expect((await infer(first)).status).toBe(200);
  const after = await Promise.all([1, 2, 3, 4].map(async () => await runs.submit(step(0))));
  for (const { id } of after) {
    expect(await runs.ended(id)).toMatchObject({ state: 'succeeded' });
    const [attempt] = await runs.attempts(id, 'main');
    expect((await runs.log(id, attempt?.id ?? '')).toString()).not.toContain(join(folder, 'first'));
  }

  // The last ready node is not drained, and a drained node can be removed while it runs.
  const refused = await drain(first, second);
  expect(refused).toMatchObject({ status: 409, body: { code: 'invalid_state' } });
  expect(refused.body.detail).toContain(
    'no other ready node runs background work, runs steps, serves the API, or serves predictions',
  );

  // It stays drained after a restart.
  first.dais.process.kill('SIGTERM');
  await first.dais.ended;
  const restarted = await launch('first');
  expect(restarted.id).toBe(first.id);
  expect(await statusOf(`${restarted.url}/readyz`)).toBe(503);
  expect(await nodeOf(second, first.id)).toMatchObject({ state: 'drained', leases: [] });
  expect((await resume(second, restarted)).status).toBe(200);
  await expect.poll(async () => await statusOf(`${restarted.url}/readyz`), PATIENCE).toBe(200);
  await expect.poll(async () => await statusOf(`${restarted.gateway}/readyz`), PATIENCE).toBe(200);

  // Now the other way around: all leases move to the node that was resumed.
  expect((await drain(restarted, second)).status).toBe(200);
  await expect.poll(async () => (await nodeOf(restarted, second.id))?.state, PATIENCE).toBe('drained');
  await expect.poll(async () => (await nodeOf(restarted, restarted.id))?.leases, PATIENCE).toContain('sequencer');
  expect(await statusOf(`${restarted.url}/readyz`)).toBe(200);
  expect((await fetch(`${restarted.url}/api/v1/nodes/${second.id}`, { method: 'DELETE' })).status).toBe(200);
  expect(await nodeOf(restarted, second.id)).toBeUndefined();
});
