/** Dais in a pod, installed by its chart, runs steps as pods of the same cluster with the same image. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ChartCluster } from './chart-cluster.testing.ts';

const NAMESPACE = 'trial';
const PATIENCE = { timeout: 300_000, interval: 500 };

let folder: string;
let cluster: ChartCluster;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dais-helm-targets-'));
  cluster = await ChartCluster.start(folder, NAMESPACE);
  await cluster.createVolume('data', '20Gi', 'data-dais-0');
  await cluster.createVolume('keys', '1Gi', 'keys-dais-0');
}, 1_800_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}, 300_000);

const dais = async (...args: readonly string[]) =>
  await cluster.kubectl('exec', 'dais-0', '--container=dais', '--', 'dais', ...args);

async function apply(manifest: object): Promise<void> {
  const text = JSON.stringify(manifest);
  const script = `cat > /tmp/manifest.yaml && dais apply -f /tmp/manifest.yaml`;
  await cluster.kubectl('exec', 'dais-0', '--container=dais', '--', 'sh', '-c', `printf %s '${text}' | (${script})`);
}

const server = async <T>(path: string): Promise<T> => {
  const script = `fetch('http://127.0.0.1:7070${path}', {headers: {authorization: 'Bearer ' + require('fs').readFileSync('/var/lib/dais/owner-token', 'utf8').trim()}})`;
  const print = `${script}.then((r) => r.text()).then((t) => console.log(t))`;
  return JSON.parse(await cluster.kubectl('exec', 'dais-0', '--container=dais', '--', 'node', '-e', print)) as T;
};

test('a target without permissions names each missing rule', { timeout: 400_000 }, async () => {
  await cluster.release('install', { profile: 'trial', values: { rbac: { create: true, mode: 'cluster' } } });
  await cluster.kubectl('rollout', 'status', 'statefulset/dais', '--timeout=300s');
  const address = await cluster.kubectl('get', 'service', 'dais', '--output=jsonpath={.spec.clusterIP}');
  // The cluster has no DNS, so the Service is reached by its address.
  const peers = [{ namespaceLabels: { 'kubernetes.io/metadata.name': NAMESPACE }, ports: [7070] }];
  const spec = { type: 'kubernetes', cluster: { inCluster: true }, agent: { url: `http://${address}:7070`, peers } };
  await apply({ apiVersion: 'dais.dev/v1', kind: 'Target', metadata: { name: 'here' }, spec });
  const problems = async () =>
    (await server<{ status: { problems?: string[] } }>('/api/v1/targets/here')).status.problems?.join('\n') ?? '';
  await expect.poll(problems, PATIENCE).toContain('resources: ["networkpolicies"], verbs: ["get", "create", "patch"]}');
  expect(await problems()).not.toContain('jobs');
});

test('with them, steps run as pods', { timeout: 400_000 }, async () => {
  const rbac = { create: true, mode: 'cluster', projectObjects: true };
  await cluster.release('upgrade', { profile: 'trial', values: { rbac } });
  const isReady = async () => (await server<{ status: { used?: boolean } }>('/api/v1/targets/here')).status.used;
  await expect.poll(isReady, PATIENCE).toBe(true);
  const output = await dais(
    'run',
    '--no-code',
    '--target',
    'here',
    '--',
    'sh',
    '-c',
    'hostname; python3 -c "print(6 * 7)"',
  );
  expect(output).toContain('42');
  expect(output).toMatch(/dais-[0-9a-f-]+-r1-0/);
  // What Dais set up for the project.
  const labels = await cluster.kubectl('get', 'namespace', 'dais-default', '--output=jsonpath={.metadata.labels}');
  expect(JSON.parse(labels)).toMatchObject({ 'pod-security.kubernetes.io/enforce': 'restricted' });
});
