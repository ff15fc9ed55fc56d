/** 1,000 tasks on 1,000 simulated nodes, with a real control plane and the permissions of Dais only. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLog } from '#lib/log.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { startControlPlane, type ControlPlane } from '../../../../../../conformance/kubernetes/control-plane.ts';
import {
  startSimulatedNodes,
  type SimulatedNodes,
  type SimulatedPod,
} from '../../../../../../conformance/kubernetes/simulated-nodes.ts';
import { testClient } from '../../../../../../conformance/kubernetes/test-client.ts';
import { never, shell } from '../suite.ts';
import { openTestEngine, whenAvailable, type OpenedEngine } from './engine.testing.ts';
import { simulateAgent } from './simulated-agent.testing.ts';
import { CLUSTER_PERMISSIONS, SETUP_PERMISSIONS, TASK_PERMISSIONS } from './plan/permissions.ts';

const TASKS = 1000;
const AT_ONCE = 20;
/** Create, start, begin and end of the Job; its deletion, and the removal of its finalizer. */
const MAX_WRITES = 8;
const WRITES = new Set(['create', 'update', 'patch', 'delete', 'deletecollection']);

let folder: string;
let controlPlane: ControlPlane;
let nodes: SimulatedNodes;
let admin: ClusterClient;
let engine: OpenedEngine;
const commands = new Map<string, number>();
const problems: string[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dais-kubernetes-scale-'));
  const policy = join(folder, 'audit-policy.json');
  const rules = [{ level: 'Metadata', users: ['dais'], omitStages: ['RequestReceived'] }, { level: 'None' }];
  writeFileSync(policy, JSON.stringify({ apiVersion: 'audit.k8s.io/v1', kind: 'Policy', rules }));
  const apiServerFlags = [`--audit-policy-file=${policy}`, `--audit-log-path=${join(folder, 'audit.log')}`];
  controlPlane = await startControlPlane({ controllers: true, apiServerFlags });
  admin = await testClient(controlPlane.kubeconfig);
  const kubeconfig = await controlPlane.certificates.kubeconfig('dais', controlPlane.url);
  await permit(admin);
  nodes = await startSimulatedNodes(controlPlane.kubeconfig, {
    count: TASKS,
    capacity: { cpu: '1', memory: '4Gi', pods: '10', 'ephemeral-storage': '100Gi' },
    started: (pod) => void runPod(pod),
  });
  engine = await openTestEngine({
    kubeconfig,
    address: '127.0.0.1',
    target: {
      namespace: 'dais-scale',
      agentImage: 'localhost/agent:1',
      baseImage: 'localhost/base:1',
      userNamespaces: false,
      imageVolumes: false,
    },
    tasks: 2 * TASKS,
    log: silentLog,
  });
}, 600_000);
afterAll(async () => {
  await engine.end();
  await nodes.stop();
  admin.close();
  await controlPlane.stop();
  rmSync(folder, { recursive: true });
});

async function permit(client: ClusterClient): Promise<void> {
  const group = 'rbac.authorization.k8s.io';
  const rules = [...CLUSTER_PERMISSIONS, ...TASK_PERMISSIONS, ...SETUP_PERMISSIONS];
  const collection = (resource: string) => ({ group, version: 'v1', resource });
  const apiVersion = `${group}/v1`;
  await client.create(collection('clusterroles'), {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name: 'dais' },
    rules,
  });
  await client.create(collection('clusterrolebindings'), {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name: 'dais' },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name: 'dais' },
    subjects: [{ apiGroup: group, kind: 'User', name: 'dais' }],
  });
}

async function runPod(pod: SimulatedPod): Promise<void> {
  try {
    const attempt = await simulateAgent(admin, pod);
    if (attempt !== undefined) commands.set(attempt, (commands.get(attempt) ?? 0) + 1);
    await nodes.finish(pod, { exitCode: 0 });
  } catch (error) {
    problems.push(String(error));
  }
}

/** Calls `work` for each item, a few at a time. */
async function each<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = [...items];
  const worker = async () => {
    for (let item = rest.shift(); item !== undefined; item = rest.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

test('all tasks end, none runs twice, and each needs at most 8 writes to the API server', async () => {
  const specs = Array.from({ length: TASKS }, () => shell('exit 0', { resources: { cpu: 0.9 } }));
  const ends: string[] = [];
  await each(specs, async (spec) => {
    await whenAvailable(async () => await engine.compute.submit({ ...spec, isolation: 'required' }));
  });
  await Promise.all(
    specs.map(async ({ attempt }) => {
      const state = await engine.compute.wait(attempt, never);
      ends.push(state?.phase === 'ended' ? `${state.end} ${state.code}` : JSON.stringify(state));
    }),
  );
  expect(problems).toEqual([]);
  expect(new Set(ends)).toEqual(new Set(['exit 0']));
  expect([commands.size, new Set(commands.values())]).toEqual([TASKS, new Set([1])]);
  await each(specs, async ({ attempt }) => {
    await whenAvailable(async () => await engine.compute.forget(attempt));
  });

  const audit = readFileSync(join(folder, 'audit.log'), 'utf8').trimEnd().split('\n');
  const calls = audit.map((line) => JSON.parse(line) as AuditEntry);
  const refused = calls.filter(({ responseStatus }) => responseStatus?.code === 403);
  expect(refused).toEqual([]);
  const writes = calls.filter(({ verb }) => WRITES.has(verb));
  const perTask = writes.length / TASKS;
  process.stdout.write(`writes to the API server per task: ${perTask}, of ${calls.length / TASKS} calls\n`);
  expect(perTask).toBeLessThanOrEqual(MAX_WRITES);
}, 900_000);

interface AuditEntry {
  readonly verb: string;
  readonly responseStatus?: { readonly code: number };
}
