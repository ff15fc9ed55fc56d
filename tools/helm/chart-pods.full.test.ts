/** The Helm chart in a real cluster: the profile `trial` with the image of the Containerfile, in a pod that is `restricted`, on volumes. */
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChartCluster } from './chart-cluster.testing.ts';

const IMAGE_USER = 7070;
/** A start on a volume that another pod used waits 15 s for the lock of that pod. */
const PATIENCE = { timeout: 300_000, interval: 500 };

let folder: string;
let data: string;
let keys: string;
let cluster: ChartCluster;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dais-helm-pods-'));
  cluster = await ChartCluster.start(folder, 'trial');
  data = await cluster.createVolume('data', '20Gi', 'data-dais-0');
  keys = await cluster.createVolume('keys', '1Gi', 'keys-dais-0');
}, 1_800_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}, 300_000);

/** Waits until the pod is ready, and returns its uid: it is not the one in `replaced`. */
async function ready(replaced = ''): Promise<string> {
  const state = async () => {
    const path = '--output=jsonpath={.metadata.uid} {.status.conditions[?(@.type=="Ready")].status}';
    const [uid = '', isReady] = (await cluster.kubectl('get', 'pod', 'dais-0', '--ignore-not-found', path)).split(' ');
    return uid !== replaced && isReady === 'True' ? uid : undefined;
  };
  await expect.poll(state, PATIENCE).toBeDefined();
  return (await state()) ?? '';
}

const dais = async (...args: readonly string[]) =>
  await cluster.kubectl('exec', 'dais-0', '--container=dais', '--', 'dais', ...args);

test('becomes ready, and serves through its Service', async () => {
  await cluster.release('install', { profile: 'trial' });
  await ready();
  const address = await cluster.kubectl('get', 'service', 'dais', '--output=jsonpath={.spec.clusterIP}');
  const response = await fetch(`http://${address}:7070/readyz`);
  expect(await response.json()).toMatchObject({ status: 'ready' });
  // docs/guide/isolation.md says so of the default seccomp profile. Dais probes it after its start.
  const boundary = async () => await (await fetch(`http://${address}:7070/readyz`)).text();
  await expect.poll(boundary, PATIENCE).toContain('isolated by Landlock');
});

test('invites the first administrator, and runs a job', async () => {
  expect(await dais('user', 'invite', 'you@example.com', '--admin')).toContain('http://localhost:7070/invitation#');
  expect(await dais('run', '--no-code', '--no-network', '--', 'sh', '-c', 'echo from the job')).toContain(
    'from the job',
  );
  // Nobody else reads the database and the keys, although the volumes belong to a group.
  const modes = ['postgres/cluster', 'owner-token'].map((path) => statSync(join(data, path)));
  expect(modes.map(({ mode, uid }) => [mode & 0o077, uid])).toEqual([
    [0, IMAGE_USER],
    [0, IMAGE_USER],
  ]);
  expect(readdirSync(join(keys, 'keys')).length).toBe(1);
});

test('keeps everything when its pod is replaced, and when the release is upgraded', async () => {
  const invited = async () => await dais('user', 'list', '--output', 'json');
  const users = await invited();
  expect(users).toContain('you@example.com');
  let pod = await ready();
  await cluster.kubectl('delete', 'pod', 'dais-0', '--timeout=120s');
  pod = await ready(pod);
  expect(await invited()).toBe(users);
  // A pod that is killed leaves its locks.
  await cluster.kubectl('delete', 'pod', 'dais-0', '--force', '--grace-period=0');
  pod = await ready(pod);
  expect(await invited()).toBe(users);
  await cluster.release('upgrade', { profile: 'trial', values: { config: { log: { level: 'debug' } } } });
  await ready(pod);
  expect(await dais('config', 'view')).toContain('debug');
  expect(await invited()).toBe(users);
});
