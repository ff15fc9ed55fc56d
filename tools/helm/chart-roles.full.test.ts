/** The profile `production` of the Helm chart in a real cluster: a pod of each role, an external PostgreSQL, and a server that speaks S3. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { HOST_ADDRESS } from '../../conformance/kubernetes/node-namespaces.ts';
import { startMotoServer, type MotoServer } from '../../conformance/s3/moto-server.ts';
import { startTestDatabase, type TestDatabase } from '../../packages/server/src/engines/database/testing.ts';
import { ChartCluster } from './chart-cluster.testing.ts';
import type { RenderOptions } from './chart.testing.ts';

const PATIENCE = { timeout: 300_000, interval: 500 };
const PASSWORD = 'secret-of-the-test';
const ROLES = ['api', 'controller', 'gateway', 'worker'] as const;

let folder: string;
let cluster: ChartCluster;
let database: TestDatabase | undefined;
let store: MotoServer | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dais-helm-roles-'));
  cluster = await ChartCluster.start(folder, 'roles');
  database = await startTestDatabase([], { tcp: { address: HOST_ADDRESS, clients: '0.0.0.0/0' } });
  await database.asAdmin(`alter role dais password '${PASSWORD}'`);
  const { database: name } = await database.emptyDatabase();
  store = await startMotoServer(0, HOST_ADDRESS);
  await fetch(`${store.url}/dais-content`, { method: 'PUT' });
  const url = `postgres://dais:${PASSWORD}@${HOST_ADDRESS}:${database.connection.port}/${name}?sslmode=disable`;
  await secret('dais-database', { url });
  await secret('dais-keys', { keys: `k1:${Buffer.alloc(32, 1).toString('base64')}` });
  await secret('dais-blobs', { 'access-key-id': 'test', 'secret-access-key': 'test' });
  await cluster.createVolume('backup', '100Gi', 'dais-backup');
}, 1_800_000);
afterAll(async () => {
  await cluster?.stop();
  await store?.stop();
  await database?.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}, 300_000);

async function secret(name: string, values: Readonly<Record<string, string>>): Promise<void> {
  const literals = Object.entries(values).map(([key, value]) => `--from-literal=${key}=${value}`);
  await cluster.kubectl('create', 'secret', 'generic', name, ...literals);
}

function options(worker: object = {}): RenderOptions {
  const resources = { requests: { cpu: '50m', memory: '512Mi' } };
  const small = { replicas: 1, resources };
  return {
    profile: 'production',
    values: {
      config: {
        publicUrl: 'http://dais.example.com',
        insecureHttp: true,
        blobs: { type: 's3', bucket: 'dais-content', endpoint: store?.url, pathStyle: true },
      },
      database: { secret: { name: 'dais-database' } },
      keys: { secret: { name: 'dais-keys' } },
      blobs: { secret: { name: 'dais-blobs' } },
      roles: { api: small, controller: small, gateway: small, worker: { ...small, ...worker } },
      backup: { enabled: true, resources },
    },
  };
}

/** Runs a command of Dais in the pod of the API. */
async function dais(...args: readonly string[]): Promise<string> {
  return await cluster.kubectl('exec', 'deployment/dais-api', '--container=dais', '--', 'dais', ...args);
}

interface Node {
  readonly role: string;
  readonly state: string;
}

async function rolesInState(state: string): Promise<readonly string[]> {
  const nodes = JSON.parse(await dais('admin', 'nodes', '--output', 'json')) as {
    readonly items?: readonly Node[];
  } & readonly Node[];
  return (nodes.items ?? nodes)
    .filter((node) => node.state === state)
    .map(({ role }) => role)
    .toSorted();
}

test('a pod of each role becomes ready, and joins the installation', async () => {
  await cluster.release('install', options());
  for (const role of ROLES) await cluster.kubectl('rollout', 'status', `deployment/dais-${role}`, '--timeout=300s');
  await expect.poll(async () => await rolesInState('ready'), PATIENCE).toEqual([...ROLES]);
});

test('a job runs on the worker', async () => {
  expect(await dais('run', '--no-code', '--no-network', '--', 'sh', '-c', 'echo from the job')).toContain(
    'from the job',
  );
});

test('a backup is in the volume', async () => {
  await cluster.kubectl('create', 'job', '--from=cronjob/dais-backup', 'first');
  await cluster.kubectl('wait', '--for=condition=Complete', '--timeout=300s', 'job/first');
  expect(await cluster.kubectl('logs', 'job/first')).toMatch(/\/backup\/\S+ contains [\d,]+ rows of \d+ tables/);
});

test('a worker that is replaced waits for its steps', async () => {
  // The only pod of the API accepts its own owner token.
  const token = await cluster.kubectl(
    'exec',
    'deployment/dais-api',
    '--container=dais',
    '--',
    'cat',
    '/var/lib/dais/owner-token',
  );
  await secret('dais-drain', { token: token.trim() });
  await cluster.release('upgrade', options({ drain: { secret: 'dais-drain', timeLimitSeconds: 120 } }));
  await cluster.kubectl('rollout', 'status', 'deployment/dais-worker', '--timeout=300s');
  const job = dais(
    'run',
    '--no-code',
    '--no-network',
    '--',
    'sh',
    '-c',
    'echo started; sleep 30; echo ended in $(hostname)',
  );
  const names = async () =>
    await cluster.kubectl('get', 'pods', '--selector=app.kubernetes.io/component=worker', '--output=name');
  const [before] = (await names()).split('\n');
  const running = async () =>
    await cluster.kubectl('exec', before ?? '', '--', 'sh', '-c', 'cat /proc/[0-9]*/cmdline | tr "\\0" " "');
  await expect.poll(running, PATIENCE).toContain('sleep 30');
  await cluster.kubectl('rollout', 'restart', 'deployment/dais-worker');
  const output = await job;
  expect(output).toContain(`ended in ${before?.replace('pod/', '')}`);
  expect(output.match(/started/g)?.length).toBe(1);
  await expect.poll(names, PATIENCE).not.toContain(before);
});
