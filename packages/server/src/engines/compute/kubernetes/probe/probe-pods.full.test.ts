/** A probe with pods on a real node: whether network policies are enforced, and which optional features work. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { AGENT_IMAGE, writeAgentImage } from '../../../../../../../conformance/kubernetes/agent-image.ts';
import { startNodeCluster, type NodeCluster } from '../../../../../../../conformance/kubernetes/node-cluster.ts';
import { SHELL_IMAGE } from '../../../../../../../conformance/kubernetes/node-images.ts';
import { HOST_ADDRESS, NODE_ADDRESS, POD_RANGE } from '../../../../../../../conformance/kubernetes/node-namespaces.ts';
import { testClient } from '../../../../../../../conformance/kubernetes/test-client.ts';
import { openTestTarget, type TestTarget } from '../target.testing.ts';

const NAMESPACE = 'dais-probe-00000000';
/** A probe ends within this time. */
const PROBE_MS = 120_000;

let cluster: NodeCluster;
let admin: ClusterClient;
let opened: TestTarget;

beforeAll(async () => {
  cluster = await startNodeCluster();
  const images = mkdtempSync(join(tmpdir(), 'dais-agent-'));
  await writeAgentImage(join(images, 'agent.tar'));
  await cluster.runtime.importImage(join(images, 'agent.tar'));
  rmSync(images, { recursive: true });
  admin = await testClient(cluster.controlPlane.kubeconfig);
  opened = await openTestTarget({
    kubeconfig: () => cluster.controlPlane.kubeconfig,
    address: HOST_ADDRESS,
    pods: { agentImage: AGENT_IMAGE, baseImage: SHELL_IMAGE },
  });
}, 300_000);
afterAll(async () => {
  await opened?.end();
  admin?.close();
  await cluster?.stop();
}, 120_000);

const probe = async (pods: boolean) => await opened.target.probe({ pods, signal: new AbortController().signal });

async function jobsLeft(): Promise<number> {
  const jobs = { group: 'batch', version: 'v1', resource: 'jobs', namespace: NAMESPACE };
  return (await admin.list(jobs)).items.length;
}

test(
  'a network plugin that ignores policies is reported, with what a step reached',
  { timeout: PROBE_MS + 30_000 },
  async () => {
    const report = await probe(true);
    expect(report).toMatchObject({ problems: [], nodes: 1 });
    expect(report.features).not.toContain('network-policies');
    expect(report.warnings).toEqual([
      expect.stringMatching(
        /^Network policies are not enforced in this cluster: a step without network access connected to the API server at 10\.96\.0\.1:443\./,
      ),
    ]);
    await expect.poll(jobsLeft, { timeout: 30_000, interval: 500 }).toBe(0);
    // What pods showed is known until the next probe with pods.
    expect((await probe(false)).warnings).toEqual(report.warnings);
  },
);

test('connections that do not arrive show that policies are enforced', { timeout: PROBE_MS + 30_000 }, async () => {
  // As an enforcing plugin does for pods that no policy permits to reach the API server.
  const rule = ['INPUT', '-s', POD_RANGE, '-d', NODE_ADDRESS, '-p', 'tcp', '-j', 'DROP'];
  await cluster.node.run('iptables', '-I', ...rule);
  try {
    const report = await probe(true);
    expect(report).toMatchObject({ problems: [], warnings: [] });
    expect(report.features).toContain('network-policies');
  } finally {
    await cluster.node.run('iptables', '-D', ...rule);
  }
});

test('a task that does not reach Dais is explained', { timeout: PROBE_MS + 30_000 }, async () => {
  const away = await openTestTarget({
    kubeconfig: () => cluster.controlPlane.kubeconfig,
    installation: 'one',
    address: HOST_ADDRESS,
    agentUrl: `http://${HOST_ADDRESS}:9`,
    pods: { agentImage: AGENT_IMAGE, baseImage: SHELL_IMAGE },
  });
  try {
    const { problems } = await away.target.probe({ pods: true, signal: new AbortController().signal });
    expect(problems).toEqual([
      expect.stringContaining(`Check that pods can connect to http://${HOST_ADDRESS}:9 (\`spec.agent.url\`)`),
    ]);
    await expect.poll(jobsLeft, { timeout: 30_000, interval: 500 }).toBe(0);
  } finally {
    await away.end();
  }
});
