/** One process tree of each role on one database: each does its part, and new ones join with a token. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NodeToken, ServerNode } from '@dais/api/access';
import { readPredictionId } from '@dais/api/gateway';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ConnectionOptions } from '#engines/database/contract.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { executionClient } from './testing/execution-client.ts';
import { isServing, servingClient } from './testing/serving-client.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

let folder: string;
let server: TestDatabase;
let database: ConnectionOptions;
const started: DaisProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-roles-'));
  server = await startTestDatabase([]);
  database = await server.emptyDatabase();
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGTERM');
  await Promise.all(started.map((dais) => dais.ended));
  await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

function launch(role: string, more: Record<string, unknown> = {}): DaisProcess {
  const dais = startDaisProcess({
    role,
    data: join(folder, role),
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
    'database.url': `postgres://${database.user}@/${database.database}?host=${encodeURIComponent(database.host)}`,
    ...more,
  });
  started.push(dais);
  return dais;
}

interface Problem {
  readonly code?: string;
  readonly detail?: string;
}

interface Posted extends Problem {
  readonly token?: string;
  readonly entry?: NodeToken;
}

async function post(url: string, body: object): Promise<{ status: number; body: Posted }> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Posted };
}

async function get<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

test('a node of each role does its part, and new nodes join with a token', async () => {
  // The first node of an installation needs no token.
  const api = await launch('api').ready;
  const readiness = async () => {
    const { checks } = await get<{ checks: { name: string; ok: boolean; detail: string }[] }>(`${api}/readyz`);
    return checks.find(({ name }) => name === 'steps');
  };
  const runs = executionClient(() => api);
  const run = await runs.submit({ main: { command: ['sh', '-c', 'pwd'], isolation: 'none' } });
  expect(await readiness()).toMatchObject({
    ok: true,
    detail: 'no ready node has the role all or worker, so no node runs steps; 1 step waits',
  });

  const created = await post(`${api}/api/v1/node-tokens`, {
    roles: ['controller', 'gateway', 'worker'],
    uses: 3,
  });
  expect(created.status).toBe(201);
  const { token = '', entry } = created.body;
  const stranger = launch('worker', { data: join(folder, 'stranger') });
  const joining = ['controller', 'gateway', 'worker'].map((role) => launch(role, { 'node.joinToken': token }));
  expect(await stranger.ended).not.toBe(0);
  expect(stranger.output()).toContain('it has no token');
  expect(stranger.output()).toContain('dais admin create-node-token --role worker');
  const [controller = '', gateway = '', worker = ''] = await Promise.all(joining.map(async ({ ready }) => await ready));

  const { items: nodes } = await get<{ items: ServerNode[] }>(`${api}/api/v1/nodes`);
  expect(nodes.map(({ role }) => role).toSorted()).toEqual(['api', 'controller', 'gateway', 'worker']);
  expect((await get<{ items: NodeToken[] }>(`${api}/api/v1/node-tokens`)).items).toEqual([]);
  const joins = async () => {
    const events = await get<{ items: { type: string; data: Record<string, unknown> }[] }>(
      `${api}/api/v1/organization/events?type=node.joined`,
    );
    return events.items.map(({ data }) => [data['role'], data['token'], data['tokenBy']].join(' ')).toSorted();
  };
  // Events are listed once they have their place in the order.
  await expect
    .poll(joins, PATIENCE)
    .toEqual(
      ['api  ', ...['controller', 'gateway', 'worker'].map((role) => `${role} ${entry?.id} user:owner`)].toSorted(),
    );
  for (const dais of started) expect(dais.output()).not.toContain(token);

  // The job waited for the worker, whose data folder has the step.
  expect(await runs.ended(run.id)).toMatchObject({ state: 'succeeded' });
  const [attempt] = await runs.attempts(run.id, 'main');
  expect((await runs.log(run.id, attempt?.id ?? '')).toString()).toContain(join(folder, 'worker'));
  await expect.poll(readiness, PATIENCE).toBeUndefined();

  // A version is tested at a gateway, although the controller has none.
  const serving = servingClient(api);
  const version = await serving.register('doubled', 2);
  const spec = { model: `models:/doubled/${version}`, capture: { policy: 'ack' } };
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Endpoint', metadata: { name: 'doubled' }, spec });
  expect((await serving.call('POST', '/api/v1/apply', { sources: [{ file: 'e', text }] })).status).toBe(200);
  await serving.settled('doubled', isServing);
  const infer = async () => {
    const answer = await fetch(`${gateway}/v2/models/doubled/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [3]}]}',
    });
    return { status: answer.status, id: answer.headers.get('dais-prediction-id') ?? '' };
  };
  await expect.poll(async () => (await infer()).status, PATIENCE).toBe(200);
  const { id } = await infer();
  const { gateway: number } = nodes.find(({ role }) => role === 'gateway') ?? {};
  expect(readPredictionId(id)?.gateway).toBe(number);
  const captured = async () => {
    const { body } = await serving.call('POST', '/api/v1/predictions/endpoints/doubled/query', {
      sql: `select prediction_id from predictions where prediction_id = '${id}'`,
    });
    return (body as { rows?: unknown[] }).rows;
  };
  await expect.poll(captured, PATIENCE).toEqual([[id]]);

  // What a node does not serve names the nodes that do.
  for (const [url, served] of [
    [gateway, 'predictions'],
    [controller, 'its own steps'],
    [worker, 'its own steps'],
  ] as const) {
    for (const path of ['/', '/api/v1/projects', '/experiments']) {
      const answer = await fetch(`${url}${path}`);
      const { code, detail } = (await answer.json()) as Problem;
      expect([answer.status, code]).toEqual([404, 'route_not_found']);
      expect(detail).toContain(`serves only ${served}, `);
      expect(detail).toContain('Send the request to a node with the role `all` or `api`');
    }
    for (const path of ['/livez', '/readyz', '/metrics']) expect((await fetch(`${url}${path}`)).status).toBe(200);
  }
  expect((await fetch(`${worker}/v2/models/doubled`)).status).toBe(404);

  const drain = async (role: string) => {
    const node = nodes.find((one) => one.role === role);
    return (await post(`${api}/api/v1/nodes/${node?.id}/drain`, {})).body.detail ?? '';
  };
  expect(await drain('worker')).toContain('no other ready node runs steps.');
  expect(await drain('controller')).toContain('no other ready node runs background work.');
  expect(await drain('api')).toContain('no other ready node serves the API.');

  // A second start needs no token, and the node keeps its id.
  const before = await readFile(join(folder, 'worker', 'node.json'), 'utf8');
  const last = started.find((dais) => dais === joining[2]);
  const from = performance.now();
  last?.process.kill('SIGTERM');
  await last?.ended;
  // It has no gateway to wait for: the grace period is 25 s.
  expect(performance.now() - from).toBeLessThan(25_000);
  await launch('worker').ready;
  const nodeId = (file: string) => (JSON.parse(file) as { id: string }).id;
  expect(nodeId(await readFile(join(folder, 'worker', 'node.json'), 'utf8'))).toBe(nodeId(before));
});
