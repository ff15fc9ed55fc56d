/** Dais with a certificate of a private authority, installed by its chart: agents in pods trust it, and say so while they do not. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeCertificates, type TestCertificates } from '../../packages/server/src/lib/crypto/certificates.testing.ts';
import { ChartCluster } from './chart-cluster.testing.ts';

const NAMESPACE = 'authority';
const PATIENCE = { timeout: 120_000, interval: 500 };

let folder: string;
let cluster: ChartCluster;
let certificates: TestCertificates;
/** At which agents reach Dais. The cluster has no DNS, so the certificate contains the address of a Service. */
let url: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dais-helm-authority-'));
  cluster = await ChartCluster.start(folder, NAMESPACE);
  await cluster.createVolume('data', '20Gi', 'data-dais-0');
  await cluster.createVolume('keys', '1Gi', 'keys-dais-0');
  await cluster.apply({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'agents' },
    spec: { selector: { 'app.kubernetes.io/component': 'all' }, ports: [{ port: 7070 }] },
  });
  const address = await cluster.kubectl('get', 'service', 'agents', '--output=jsonpath={.spec.clusterIP}');
  url = `https://${address}:7070`;
  certificates = await makeCertificates(['localhost', address]);
  const files = { 'ca.crt': certificates.ca, 'tls.crt': certificates.cert, 'tls.key': certificates.key };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const from = Object.keys(files).map((name) => `--from-file=${join(folder, name)}`);
  await cluster.kubectl('create', 'secret', 'generic', 'dais-tls', ...from);
}, 1_800_000);
afterAll(async () => {
  await cluster?.stop();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}, 300_000);

const dais = async (...args: readonly string[]) =>
  await cluster.kubectl('exec', 'dais-0', '--container=dais', '--', 'dais', ...args);

async function release(command: 'install' | 'upgrade', tls: object): Promise<void> {
  const values = {
    config: { publicUrl: 'https://localhost:7070' },
    tls: { secretName: 'dais-tls', ...tls },
    // Commands in the pod trust it too.
    caBundle: { secret: 'dais-tls' },
    rbac: { create: true, mode: 'cluster', projectObjects: true },
  };
  await cluster.release(command, { profile: 'trial', values });
  await cluster.kubectl('rollout', 'status', 'statefulset/dais', '--timeout=300s');
}

async function applyTarget(agent: object): Promise<void> {
  const peers = [{ namespaceLabels: { 'kubernetes.io/metadata.name': NAMESPACE }, ports: [7070] }];
  const spec = { type: 'kubernetes', cluster: { inCluster: true }, agent: { url, peers, ...agent } };
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Target', metadata: { name: 'here' }, spec });
  // JSON has no newlines of its own, and PEM no quotes.
  const script = `cat > /tmp/target.yaml <<'END'\n${text}\nEND\ndais apply -f /tmp/target.yaml`;
  await cluster.kubectl('exec', 'dais-0', '--container=dais', '--', 'sh', '-c', script);
}

const run = ['run', '--no-code', '--target', 'here'] as const;

test('a task whose agent does not trust Dais says what to change', { timeout: 600_000 }, async () => {
  await release('install', {});
  await applyTarget({});
  await dais(...run, '--no-wait', '--', 'sh', '-c', 'echo never');
  await expect
    .poll(async () => await dais('queue', '--output', 'json'), PATIENCE)
    .toContain(`The certificate of ${url}`);
  const queue = await dais('queue', '--output', 'json');
  expect(queue).toContain('is not trusted');
  expect(queue).toContain('Add its certificate authority, in PEM format, to `spec.agent.ca` of the target');
});

test('agents trust the authority of the target', { timeout: 300_000 }, async () => {
  await applyTarget({ ca: certificates.ca });
  expect(await dais(...run, '--', 'sh', '-c', 'echo trusted $((6 * 7))')).toContain('trusted 42');
});

test('agents trust the authority of the chart', { timeout: 600_000 }, async () => {
  await applyTarget({});
  await release('upgrade', { caKey: 'ca.crt' });
  expect(await dais(...run, '--', 'sh', '-c', 'env; echo chart $((6 * 7))')).toContain('chart 42');
});
