/** 100 tasks of three projects that share ten GPUs in a queue of a real Kueue, which is restarted in between. Agents and nodes are simulated. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { silentLog } from '#lib/log.ts';
import { startControlPlane, type ControlPlane } from '../../../../../../conformance/kubernetes/control-plane.ts';
import { startKueue, type Kueue } from '../../../../../../conformance/kubernetes/kueue-manager.ts';
import {
  startSimulatedNodes,
  type SimulatedNodes,
  type SimulatedPod,
} from '../../../../../../conformance/kubernetes/simulated-nodes.ts';
import { testClient } from '../../../../../../conformance/kubernetes/test-client.ts';
import type { TaskSpec, TaskState } from '../contract.ts';
import { never, shell } from '../suite.ts';
import { openTestEngine, whenAvailable, type OpenedEngine } from './engine.testing.ts';
import { applyQueues, createUrgentClass, KUEUE, permitDais } from './kueue.testing.ts';
import { CLUSTER_PERMISSIONS, QUEUE_PERMISSIONS, SETUP_PERMISSIONS, TASK_PERMISSIONS } from './plan/permissions.ts';
import { simulateAgent } from './simulated-agent.testing.ts';

const QUOTA = 10;
/** Tasks of each project. Those of `urgent` have a higher priority. */
const TASKS = { vision: 40, speech: 40, urgent: 20 } as const;
type Project = keyof typeof TASKS;
const PROJECTS = Object.keys(TASKS) as readonly Project[];
/** Of a command that nobody holds. */
const SHORT_MS = 300;
const STEP_MS = 120_000;

const QUEUES = `
apiVersion: ${KUEUE}/v1beta2
kind: ResourceFlavor
metadata: { name: simulated }
spec: { nodeLabels: { dais.dev/simulated: "true" } }
---
apiVersion: ${KUEUE}/v1beta2
kind: ClusterQueue
metadata: { name: shared }
spec:
  namespaceSelector: {}
  preemption: { withinClusterQueue: LowerPriority }
  resourceGroups:
    - coveredResources: [cpu, memory, ephemeral-storage, nvidia.com/gpu]
      flavors:
        - name: simulated
          resources:
            - { name: cpu, nominalQuota: 100 }
            - { name: memory, nominalQuota: 1Ti }
            - { name: ephemeral-storage, nominalQuota: 2Ti }
            - { name: nvidia.com/gpu, nominalQuota: ${QUOTA} }
${PROJECTS.map(
  (project) => `---
apiVersion: ${KUEUE}/v1beta2
kind: LocalQueue
metadata: { name: shared, namespace: dais-${project} }
spec: { clusterQueue: shared }
`,
).join('')}`;

let controlPlane: ControlPlane;
let nodes: SimulatedNodes;
let admin: ClusterClient;
let kueue: Kueue;
const engines = new Map<Project, OpenedEngine>();
const projectOf = new Map<string, Project>();
/** Attempts whose commands were started, in this order. */
const starts: string[] = [];
const { promise: released, resolve: release } = Promise.withResolvers<void>();
let isHeld = true;
const problems: string[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane({ controllers: true });
  admin = await testClient(controlPlane.kubeconfig);
  nodes = await startSimulatedNodes(controlPlane.kubeconfig, { count: QUOTA + 2, started: (pod) => void runPod(pod) });
  await permitDais(admin, [...CLUSTER_PERMISSIONS, ...TASK_PERMISSIONS, ...SETUP_PERMISSIONS, ...QUEUE_PERMISSIONS]);
  await createUrgentClass(admin);
  kueue = await startKueue(controlPlane);
  const kubeconfig = await controlPlane.certificates.kubeconfig('dais', controlPlane.url);
  for (const project of PROJECTS) {
    const engine = await openTestEngine({
      kubeconfig,
      address: '127.0.0.1',
      project,
      target: {
        namespace: `dais-${project}`,
        agentImage: 'localhost/agent:1',
        baseImage: 'localhost/base:1',
        userNamespaces: false,
        imageVolumes: false,
        kueueQueue: 'shared',
        ...(project === 'urgent' && { priorityClass: 'urgent' }),
      },
      log: silentLog,
    });
    engines.set(project, engine);
  }
  await applyQueues(admin, QUEUES);
}, 900_000);
afterAll(async () => {
  release();
  for (const engine of engines.values()) await engine.end();
  await nodes?.stop();
  admin?.close();
  await kueue?.stop();
  await controlPlane?.stop();
}, 120_000);

async function runPod(pod: SimulatedPod): Promise<void> {
  try {
    await simulateAgent(admin, pod, {
      ends: async (attempt) => {
        starts.push(attempt);
        await (isHeld ? released : new Promise((resolve) => void setTimeout(resolve, SHORT_MS)));
      },
    });
    await nodes.finish(pod, { exitCode: 0 });
  } catch (error) {
    // The pod of a stopped task is gone.
    if (!/404|NotFound|not found/i.test(String(error))) problems.push(String(error));
  }
}

interface Outcome {
  readonly project: Project;
  readonly end: TaskState | undefined;
  /** Of lost attempts. */
  readonly reasons: readonly string[];
}

/** Runs a task until it ends, with a new attempt for each lost one. */
async function runTask(project: Project): Promise<Outcome> {
  const { compute } = engines.get(project) as OpenedEngine;
  const reasons: string[] = [];
  for (;;) {
    const spec: TaskSpec = {
      ...shell('exit 0', { resources: { cpu: 1, 'nvidia.com/gpu': 1 } }),
      isolation: 'required',
    };
    projectOf.set(spec.attempt, project);
    await whenAvailable(async () => await compute.submit(spec));
    const end = await compute.wait(spec.attempt, never);
    await whenAvailable(async () => await compute.forget(spec.attempt));
    if (end?.phase !== 'lost') return { project, end, reasons };
    reasons.push(end.reason);
  }
}

const tasksOf = (project: Project) => Array.from({ length: TASKS[project] }, async () => await runTask(project));

async function untilStarted(count: number): Promise<void> {
  await expect.poll(() => starts.length, { timeout: STEP_MS, interval: 50 }).toBeGreaterThanOrEqual(count);
}

test('100 tasks share 10 GPUs: urgent ones stop others, which run later, and Kueue may restart', async () => {
  const first = [...tasksOf('vision'), ...tasksOf('speech')];
  await untilStarted(QUOTA);
  // Nothing ends, so that nothing else may start.
  await new Promise((resolve) => void setTimeout(resolve, 2000));
  expect(starts).toHaveLength(QUOTA);
  const urgent = tasksOf('urgent');
  await untilStarted(2 * QUOTA);
  const stopping = starts.slice(QUOTA, 2 * QUOTA).map((attempt) => projectOf.get(attempt));
  expect(new Set(stopping)).toEqual(new Set(['urgent']));
  isHeld = false;
  release();
  await untilStarted(50);
  await kueue.kill();
  const before = starts.length;
  await new Promise((resolve) => void setTimeout(resolve, 3000));
  // What Kueue had admitted starts; nothing else does.
  expect(starts.length - before).toBeLessThanOrEqual(QUOTA);
  await kueue.start();

  const outcomes = await Promise.all([...first, ...urgent]);
  expect(problems).toEqual([]);
  expect(outcomes).toHaveLength(100);
  const ends = outcomes.map(({ end }) => (end?.phase === 'ended' ? `${end.end} ${end.code}` : JSON.stringify(end)));
  expect(new Set(ends)).toEqual(new Set(['exit 0']));
  const reasons = outcomes.flatMap((outcome) => outcome.reasons);
  expect(reasons.length).toBeGreaterThanOrEqual(QUOTA);
  expect(new Set(reasons)).toEqual(new Set(['Kueue stopped it for a task of higher priority in its queue.']));
  expect(outcomes.filter(({ project, reasons: lost }) => project === 'urgent' && lost.length > 0)).toEqual([]);
  // No command ran twice, and every lost attempt had one retry.
  expect(new Set(starts).size).toBe(starts.length);
  expect(starts).toHaveLength(100 + reasons.length);
  for (const project of PROJECTS) {
    const of = { version: 'v1beta2', group: KUEUE, resource: 'workloads', namespace: `dais-${project}` };
    await expect.poll(async () => (await admin.list(of)).items.length, { timeout: 30_000 }).toBe(0);
  }
}, 600_000);
