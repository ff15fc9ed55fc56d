/** A node that only decides, and one that only serves, with connections between them: tests at its gateway, and its snapshot. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { ServerNode } from '@dais/api/access';
import { snapshotSchema, type Snapshot } from '@dais/api/gateway';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openFileKeys } from '#engines/keys/file/file-keys.ts';
import type { KeyStore } from '#engines/keys/contract.ts';
import type { Database } from '#engines/database/contract.ts';
import { openDatabase } from '#engines/database/database.ts';
import { startTestDatabase, type TestDatabase } from '#engines/database/testing.ts';
import { issueNodeTls } from '#ledgers/nodes/certificates/authority.ts';
import { sealerOf } from '#ledgers/nodes/certificates/node-sealer.testing.ts';
import { NOTHING_RECENT } from '#ledgers/serving/fleet/gateway-view.ts';
import { openTestGateway } from '#ledgers/serving/fleet/test-gateways.ts';
import { internalRoutes } from '#ledgers/serving/publishing/internal-routes.ts';
import { PublishedSnapshot } from '#ledgers/serving/publishing/published-snapshot.ts';
import { systemClock } from '#lib/clock.ts';
import { createAuthority, issueCertificate, nodeName, type NodeTls } from '#lib/node-tls/certificates.ts';
import { requestNode, type NodeAddress, type NodeRequest } from '#lib/node-tls/node-client.ts';
import type { GatewayLink } from '#compose/endpoints.ts';
import { startDaisProcess, type DaisProcess } from './testing/dais-process.ts';
import { isServing, servingClient, type ServingClient } from './testing/serving-client.ts';

let folder: string;
let server: TestDatabase;
let database: Database;
let keys: KeyStore;
let url: string;
let client: ServingClient;
/** The node with a port for others, and the one that connects to it. */
let [serving, deciding]: ServerNode[] = [];
let tls: NodeTls;
let isStopped = false;
/** Starts a node and returns its URL. */
let launch: (role: 'api' | 'controller', name?: string) => Promise<string>;
const started: DaisProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-connections-'));
  server = await startTestDatabase([]);
  const connection = await server.emptyDatabase();
  const { user, host } = connection;
  const shared = {
    'keys.folder': join(folder, 'keys'),
    'blobs.folder': join(folder, 'blobs'),
    'node.join': 'open',
    'database.url': `postgres://${user}@/${connection.database}?host=${encodeURIComponent(host)}`,
  };
  launch = (role, name = role) => {
    const dais = startDaisProcess({
      ...shared,
      role,
      data: join(folder, name),
      ...(role === 'api' && { 'node.internalPort': 0 }),
    });
    started.push(dais);
    return dais.ready;
  };
  [url] = await Promise.all([launch('api'), launch('controller')]);
  client = servingClient(url);
  database = openDatabase(connection);
  const dataFolder = join(folder, 'data');
  keys = await openFileKeys({ folder: join(folder, 'keys'), dataFolder, now: Date.now, announce: () => {} });
  const isAnnounced = async () => expect((await nodes()).map(({ internal }) => internal?.host)).toContain('127.0.0.1');
  await vi.waitFor(isAnnounced, { timeout: 60_000 });
  serving = (await nodes()).find(({ role }) => role === 'api');
  deciding = (await nodes()).find(({ role }) => role === 'controller');
  tls = await ofNode(deciding?.id ?? '');
});
afterAll(async () => {
  for (const dais of started) dais.process.kill('SIGTERM');
  await Promise.all(started.map((dais) => dais.ended));
  await keys.close();
  if (!isStopped) await server.stop();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** The alert of TLS, or its connection that the server closes with it. */
const REFUSED = /alert|socket hang up|ECONNRESET|EPIPE/;
const nodes = async () =>
  ((await client.call('GET', '/api/v1/nodes')).body as unknown as { readonly items: ServerNode[] }).items;

/** What the control process of a node has. */
async function ofNode(node: string): Promise<NodeTls> {
  const made = await issueNodeTls({ database, sealer: sealerOf(() => keys), clock: systemClock }, { node, hosts: [] });
  return made.tls;
}

async function call(
  path: string,
  { with: used = tls, etag }: { readonly with?: Partial<NodeTls>; etag?: string } = {},
) {
  const { internal, id = '' } = serving ?? {};
  return await new Promise<{ status: number; etag: string; bytes: Buffer }>((resolve, reject) => {
    httpsRequest(
      {
        host: internal?.host,
        port: internal?.port,
        path,
        agent: false,
        servername: nodeName(id),
        ca: [...(used.ca ?? [])],
        cert: used.cert,
        key: used.key,
        headers: etag === undefined ? {} : { 'if-none-match': etag },
      },
      (answer) => {
        const { statusCode: status = 0, headers } = answer;
        buffer(answer).then((bytes) => resolve({ status, etag: headers.etag ?? '', bytes }), reject);
      },
    )
      .once('error', reject)
      .end();
  });
}

async function deploy(version: number): Promise<void> {
  const spec = {
    model: `models:/tested/${version}`,
    rollout: {
      steps: [100],
      bakeSeconds: 0,
      minimumRequests: 0,
      gates: { loadTest: { requests: 20, connections: 2, seconds: 60, maxP99Ms: 60_000, maxErrors: 0 } },
    },
    capture: { policy: 'off' },
  };
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Endpoint', metadata: { name: 'tested' }, spec };
  const sources = [{ file: 'e', text: JSON.stringify(manifest) }];
  expect((await client.call('POST', '/api/v1/apply', { sources })).status).toBe(200);
  const label = `models:/tested/${version}`;
  await client.settled('tested', (status) => isServing(status) && status.variants?.[0]?.model === label);
}

/** The snapshot without the version before, whose files are removed with it. */
async function settledSnapshot(): Promise<Snapshot> {
  const read = async () => snapshotSchema.parse(JSON.parse((await call('/internal/snapshot')).bytes.toString('utf8')));
  await expect.poll(async () => (await read()).models.length).toBe(1);
  return await read();
}

const example = { inputs: [[3]] };

test('a node without a gateway sends test requests and load tests to the gateway of another node', async () => {
  for (const factor of [2, 3]) await client.register('tested', factor, { example });
  await deploy(1);
  const { internal, id: node = '', host = '' } = serving ?? {};
  const address = { node, host: internal?.host ?? '', port: internal?.port ?? 0 };
  const view = { node, host, address, isOwn: false, figures: undefined, files: {}, recent: NOTHING_RECENT };
  const connections = { request: async (to: NodeAddress, sent: NodeRequest) => await requestNode(tls, to, sent) };
  const remote = openTestGateway(view, { gateway: {} as GatewayLink, connections });
  expect(remote.host).toBe(host);
  const headers = { 'content-type': 'application/json', 'dais-capture': 'off' };
  const path = '/p/default/endpoints/tested/invocations';
  const body = JSON.stringify(example);
  expect(await remote.request(path, headers, body)).toMatchObject({ status: 200, body: expect.stringContaining('6') });
  const target = { project: 'default', endpoint: 'tested', variant: undefined, body };
  const signal = new AbortController().signal;
  const seen = await remote.load(target, { requests: 20, connections: 2, durationMs: 60_000 }, signal);
  expect(seen).toMatchObject({ requests: 20, failed: 0 });
  await expect(remote.request('/metrics', headers, body)).rejects.toThrow('returned 400');
});

test('the snapshot of a node has an ETag, and a request waits for the next revision', async () => {
  const first = await call('/internal/snapshot');
  const snapshot = snapshotSchema.parse(JSON.parse(first.bytes.toString('utf8')));
  expect(first).toMatchObject({ status: 200, etag: `"${snapshot.revision}"` });
  expect(await call('/internal/snapshot', { etag: first.etag })).toMatchObject({ status: 304, etag: first.etag });
  const next = call('/internal/snapshot?wait=30', { etag: first.etag });
  await deploy(2);
  expect((await next).status).toBe(200);
  expect((await next).etag).not.toBe(first.etag);
  const latest = await settledSnapshot();
  const current = latest.models[0]?.files.find(({ path }) => path === 'model.onnx');
  const content = await call(`/internal/content/${current?.digest}`);
  expect(content.status).toBe(200);
  expect(createHash('sha256').update(content.bytes).digest('hex')).toBe(current?.digest);
  expect((await call(`/internal/content/${'0'.repeat(64)}`)).status).toBe(404);
  expect((await call('/internal/snapshot?wait=1000')).status).toBe(400);
});

test('a node loads a model from another node when the object store has lost it', async () => {
  const { models } = await settledSnapshot();
  const stored = await readdir(join(folder, 'blobs'), { recursive: true });
  for (const digest of new Set(models.flatMap(({ files }) => files.map((file) => file.digest)))) {
    const name = stored.find((path) => path.endsWith(digest.slice(4)));
    expect(name).toBeDefined();
    await rm(join(folder, 'blobs', name ?? ''));
  }
  const next = await launch('api', 'next');
  const infer = async () => {
    const answer = await fetch(`${next}/v2/models/tested/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"inputs": [{"name": "x", "shape": [1, 1], "datatype": "FP32", "data": [3]}]}',
    });
    return `${answer.status} ${await answer.text()}`;
  };
  await expect.poll(infer, { interval: 200 }).toMatch(/^200 .*"data":\[9\]/);
});

test('every address refuses callers without a certificate of this installation', async () => {
  const gateway = {} as GatewayLink;
  const addresses = internalRoutes({ published: new PublishedSnapshot(), gateway, models: '' });
  const other = await createAuthority('Dais certificate authority 1', Date.now());
  const forged = await issueCertificate(other, { node: deciding?.id ?? '', hosts: [], now: Date.now() });
  expect(addresses.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /internal/snapshot',
    'GET /internal/content/:id',
    'POST /internal/gateway/request',
    'POST /internal/gateway/load',
  ]);
  for (const { path } of addresses) {
    await expect(call(path, { with: { ca: tls.ca } })).rejects.toThrow(REFUSED);
    await expect(call(path, { with: { ...forged, ca: tls.ca } })).rejects.toThrow(REFUSED);
    // Nothing of it is on the port for everybody.
    expect((await fetch(`${url}${path}`)).status).toBe(404);
  }
  const unknown = await ofNode('00000000-0000-4000-8000-000000000000');
  expect((await call('/internal/snapshot', { with: unknown })).status).toBe(403);
});

test('a rotation needs no restart; a node serves its snapshot while the database is away', async () => {
  expect((await client.call('POST', '/api/v1/node-authority/rotate', {})).body).toMatchObject({ generation: 2 });
  await expect.poll(async () => (await nodes()).map(({ internal }) => internal?.authority)).toContain(2);
  await client.register('tested', 4, { example });
  await deploy(3);
  expect((await client.lastRollout('tested')).steps[0]).toMatchObject({ status: 'passed' });
  const renewed = await ofNode(deciding?.id ?? '');
  expect((await call('/internal/snapshot', { with: renewed })).status).toBe(200);
  await database.close();
  await server.stop();
  isStopped = true;
  expect((await call('/internal/snapshot', { with: renewed })).status).toBe(200);
});
