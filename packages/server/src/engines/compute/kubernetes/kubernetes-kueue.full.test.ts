/** The engine with a real Kueue, a real control plane and simulated nodes, with the permissions of Dais only. Its agents are simulated. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import { silentLog } from '#lib/log.ts';
import { startControlPlane, type ControlPlane } from '../../../../../../conformance/kubernetes/control-plane.ts';
import { startKueue, type Kueue } from '../../../../../../conformance/kubernetes/kueue-manager.ts';
import {
  startSimulatedNodes,
  type SimulatedNodes,
  type SimulatedPod,
} from '../../../../../../conformance/kubernetes/simulated-nodes.ts';
import { testClient } from '../../../../../../conformance/kubernetes/test-client.ts';
import type { Compute, TaskSpec, TaskState } from '../contract.ts';
import { never, shell } from '../suite.ts';
import { openTestEngine, type OpenedEngine } from './engine.testing.ts';
import { applyQueues, createUrgentClass, KUEUE, permitDais } from './kueue.testing.ts';
import { ANNOTATIONS, attemptOf, jobName } from './plan/names.ts';
import { CLUSTER_PERMISSIONS, QUEUE_PERMISSIONS, SETUP_PERMISSIONS, TASK_PERMISSIONS } from './plan/permissions.ts';
import { simulateAgent } from './simulated-agent.testing.ts';

const NODES = 8;
/** Limit for what people must learn. */
const NOTE_MS = 10_000;
const TASK_MS = 60_000;
/** A task that nobody holds. */
const SHORT_MS = 300;

/** One CPU for tasks, and the request of one agent. */
const ONE = `
apiVersion: ${KUEUE}/v1beta2
kind: ResourceFlavor
metadata: { name: simulated }
spec: { nodeLabels: { dais.dev/simulated: "true" } }
---
apiVersion: ${KUEUE}/v1beta2
kind: ClusterQueue
metadata: { name: one }
spec:
  namespaceSelector: {}
  preemption: { withinClusterQueue: LowerPriority }
  resourceGroups:
    - coveredResources: [cpu, memory, ephemeral-storage]
      flavors:
        - name: simulated
          resources:
            - { name: cpu, nominalQuota: 1100m }
            - { name: memory, nominalQuota: 64Gi }
            - { name: ephemeral-storage, nominalQuota: 200Gi }
---
apiVersion: ${KUEUE}/v1beta2
kind: LocalQueue
metadata: { name: one, namespace: dais-one }
spec: { clusterQueue: one }
---
apiVersion: ${KUEUE}/v1beta2
kind: LocalQueue
metadata: { name: one, namespace: dais-urgent }
spec: { clusterQueue: one }
`;

let controlPlane: ControlPlane;
let nodes: SimulatedNodes;
let admin: ClusterClient;
let kueue: Kueue;
const engines = new Map<string, OpenedEngine>();
/** Attempts whose commands were started, in this order. */
const starts: string[] = [];
/** Attempts whose agents have reported an end. */
const finished = new Set<string>();
const held = new Map<string, PromiseWithResolvers<void>>();
/** Attempts whose image is still pulled: no agent starts. */
const slow = new Set<string>();
/** The first pod of each attempt. */
const pods = new Map<string, SimulatedPod>();
const problems: string[] = [];

beforeAll(async () => {
  controlPlane = await startControlPlane({ controllers: true });
  admin = await testClient(controlPlane.kubeconfig);
  nodes = await startSimulatedNodes(controlPlane.kubeconfig, { count: NODES, started: (pod) => void runPod(pod) });
  await permitDais(admin, RULES);
  await createUrgentClass(admin);
  const kubeconfig = await controlPlane.certificates.kubeconfig('dais', controlPlane.url);
  const open = async (project: string, queue: string, priorityClass?: string) => {
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
        kueueQueue: queue,
        ...(priorityClass !== undefined && { priorityClass }),
      },
      log: silentLog,
    });
    engines.set(project, engine);
  };
  await open('one', 'one');
  await open('urgent', 'one', 'urgent');
  await open('vision', 'gpu');
  await open('speech', 'gpu');
}, 900_000);
afterAll(async () => {
  for (const { resolve } of held.values()) resolve();
  for (const engine of engines.values()) await engine.end();
  await nodes?.stop();
  admin?.close();
  await kueue?.stop();
  await controlPlane?.stop();
  if (problems.length > 0) throw new Error(`Simulated agents failed: ${problems.join('; ')}`);
}, 120_000);

const RULES = [...CLUSTER_PERMISSIONS, ...TASK_PERMISSIONS, ...SETUP_PERMISSIONS, ...QUEUE_PERMISSIONS];

async function runPod(pod: SimulatedPod): Promise<void> {
  const of = attemptOf(pod.metadata) ?? '';
  if (!pods.has(of)) pods.set(of, pod);
  if (slow.has(of)) return;
  const ends = async (attempt: string) => {
    starts.push(attempt);
    await (held.get(attempt)?.promise ?? new Promise<void>((resolve) => void setTimeout(resolve, SHORT_MS)));
  };
  try {
    const attempt = await simulateAgent(admin, pod, { ends });
    if (attempt !== undefined) finished.add(attempt);
    await nodes.finish(pod, { exitCode: 0 });
  } catch (error) {
    problems.push(String(error));
  }
}

function computeOf(project: string): Compute & { note(attempt: string): string | undefined } {
  const engine = engines.get(project);
  if (engine === undefined) throw new Error(`There is no engine of ${project}.`);
  return engine.compute;
}

/** A task of one CPU. */
const task = (changes: Partial<TaskSpec> = {}): TaskSpec => ({
  ...shell('exit 0', { resources: { cpu: 1 } }),
  isolation: 'required',
  ...changes,
});

/** A task whose command runs until `release`. */
function heldTask(): TaskSpec {
  const spec = task();
  held.set(spec.attempt, Promise.withResolvers<void>());
  return spec;
}

function release({ attempt }: TaskSpec): void {
  held.get(attempt)?.resolve();
}

async function untilStarted({ attempt }: TaskSpec): Promise<void> {
  await expect.poll(() => starts.includes(attempt), { timeout: TASK_MS, interval: 50 }).toBe(true);
}

async function untilNoted(project: string, { attempt }: TaskSpec, note: string, timeout = NOTE_MS): Promise<void> {
  await expect.poll(() => computeOf(project).note(attempt), { timeout, interval: 100 }).toBe(note);
}

async function endOf(project: string, { attempt }: TaskSpec): Promise<TaskState | undefined> {
  return await computeOf(project).wait(attempt, AbortSignal.any([never, AbortSignal.timeout(TASK_MS)]));
}

const SUCCESS = { phase: 'ended', end: 'exit', code: 0 };

async function setStopPolicy(resource: 'clusterqueues' | 'localqueues', stopPolicy: string): Promise<void> {
  const reference = { group: KUEUE, version: 'v1beta2', resource, name: 'one' };
  const of = resource === 'localqueues' ? { ...reference, namespace: 'dais-one' } : reference;
  await admin.patch(of, { merge: { spec: { stopPolicy } } });
}

async function jobOf(project: string, { attempt }: TaskSpec): Promise<KubernetesObject> {
  const jobs = { group: 'batch', version: 'v1', resource: 'jobs', namespace: `dais-${project}` };
  return await admin.get({ ...jobs, name: jobName(attempt, 1) });
}

async function workloadsOf(project: string): Promise<readonly string[]> {
  const workloads = { group: KUEUE, version: 'v1beta2', resource: 'workloads', namespace: `dais-${project}` };
  const { items } = await admin.list(workloads);
  return items.map(({ metadata }) => metadata.name);
}

test('a task waits until Kueue is installed and has its queue, and says so', async () => {
  const spec = task();
  await computeOf('one').submit(spec);
  await untilNoted(
    'one',
    spec,
    'waits in the queue `one`. Kueue is not installed in the cluster: install it, or remove `spec.kueue` of the target',
  );
  kueue = await startKueue(controlPlane);
  const missing =
    'waits for the LocalQueue `one`, which does not exist in namespace `dais-one`: create it, or change `spec.kueue.queue` of the target';
  await untilNoted('one', spec, missing, TASK_MS);
  await applyQueues(admin, ONE);
  expect(await endOf('one', spec)).toMatchObject(SUCCESS);
  await computeOf('one').forget(spec.attempt);
}, 240_000);

test('a second task waits for the quota, with the reason, and runs after the first', { timeout: 180_000 }, async () => {
  const [first, second, large] = [heldTask(), task(), task({ resources: { cpu: 2 } })];
  await computeOf('one').submit(first);
  await untilStarted(first);
  await computeOf('one').submit(second);
  await untilNoted(
    'one',
    second,
    'waits in the queue `one`: the quota for cpu in flavor `simulated` is in use, 1 more is needed',
  );
  await computeOf('one').submit(large);
  await untilNoted(
    'one',
    large,
    'waits in the queue `one`: it requests 2.05 of cpu, more than the whole quota of 1.1 in flavor `simulated`',
  );
  expect(starts).not.toContain(second.attempt);
  // The Job of a canceled task remains until it is forgotten; its place in the queue does not.
  await computeOf('one').cancel(large.attempt);
  expect(await endOf('one', large)).toMatchObject({ end: 'canceled' });
  await expect.poll(async () => (await workloadsOf('one')).length, { timeout: NOTE_MS }).toBe(2);
  release(first);
  expect(await endOf('one', first)).toMatchObject(SUCCESS);
  expect(await endOf('one', second)).toMatchObject(SUCCESS);
  for (const { attempt } of [first, second, large]) await computeOf('one').forget(attempt);
  await expect.poll(async () => await workloadsOf('one'), { timeout: NOTE_MS }).toEqual([]);
});

test('a task that a task of higher priority stops is lost, and its retry runs', { timeout: 180_000 }, async () => {
  const [victim, urgent] = [heldTask(), heldTask()];
  await computeOf('one').submit(victim);
  await untilStarted(victim);
  await computeOf('urgent').submit(urgent);
  expect(await endOf('one', victim)).toEqual({
    phase: 'lost',
    reason: 'Kueue stopped it for a task of higher priority in its queue.',
  });
  // The quota is free although the lost attempt was not forgotten yet.
  await untilStarted(urgent);
  const retry = task();
  await computeOf('one').submit(retry);
  await untilNoted(
    'one',
    retry,
    'waits in the queue `one`: the quota for cpu in flavor `simulated` is in use, 1 more is needed',
  );
  await computeOf('one').forget(victim.attempt);
  release(urgent);
  expect(await endOf('urgent', urgent)).toMatchObject(SUCCESS);
  expect(await endOf('one', retry)).toMatchObject(SUCCESS);
  expect(starts.filter((attempt) => attempt === victim.attempt)).toHaveLength(1);
  await computeOf('urgent').forget(urgent.attempt);
  await computeOf('one').forget(retry.attempt);
});

test('a task that is stopped before its command starts waits again, and runs once', { timeout: 180_000 }, async () => {
  const [spec, urgent] = [task(), heldTask()];
  slow.add(spec.attempt);
  await computeOf('one').submit(spec);
  const waiting = await jobOf('one', spec);
  await expect.poll(() => pods.has(spec.attempt), { timeout: TASK_MS }).toBe(true);
  expect((await templateOf(spec))['nodeSelector']).toBeDefined();
  const pod = pods.get(spec.attempt) as SimulatedPod;
  // The node ends its pod late.
  nodes.silence(pod.spec.nodeName ?? '');
  await computeOf('urgent').submit(urgent);
  await untilStarted(urgent);
  await untilNoted(
    'one',
    spec,
    'waits again in the queue `one`: the quota for cpu in flavor `simulated` is in use, 1 more is needed',
  );
  // Kueue restores the pod, and nothing else.
  const stopped = await jobOf('one', spec);
  expect(stopped['spec']).toEqual(waiting['spec']);
  for (const name of [ANNOTATIONS.order, ANNOTATIONS.spec]) {
    expect(stopped.metadata.annotations?.[name]).toBe(waiting.metadata.annotations?.[name]);
  }
  expect(stopped.metadata.finalizers).toEqual(waiting.metadata.finalizers);
  // An agent that starts in this moment gets no command.
  expect(await simulateAgent(admin, pod)).toBeUndefined();
  expect((await jobOf('one', spec)).metadata.annotations?.[ANNOTATIONS.begun]).toBeUndefined();
  await nodes.restore(pod.spec.nodeName ?? '');
  slow.delete(spec.attempt);
  release(urgent);
  expect(await endOf('one', spec)).toMatchObject(SUCCESS);
  expect(starts.filter((attempt) => attempt === spec.attempt)).toHaveLength(1);
  await computeOf('urgent').forget(urgent.attempt);
  await computeOf('one').forget(spec.attempt);
});

async function templateOf(spec: TaskSpec): Promise<Readonly<Record<string, unknown>>> {
  const { spec: job } = (await jobOf('one', spec)) as unknown as {
    readonly spec: { readonly template: { readonly spec: Readonly<Record<string, unknown>> } };
  };
  return job.template.spec;
}

test('a stopped queue holds tasks, with the reason, until it continues', { timeout: 180_000 }, async () => {
  await setStopPolicy('clusterqueues', 'Hold');
  const spec = task();
  await computeOf('one').submit(spec);
  await untilNoted(
    'one',
    spec,
    'waits in the queue `one`, whose ClusterQueue `one` is not active: its condition `Active` shows why',
  );
  await setStopPolicy('localqueues', 'Hold');
  await untilNoted('one', spec, 'waits in the queue `one`, which is stopped: its `stopPolicy` is `Hold`');
  expect(starts).not.toContain(spec.attempt);
  await setStopPolicy('clusterqueues', 'None');
  await setStopPolicy('localqueues', 'None');
  expect(await endOf('one', spec)).toMatchObject(SUCCESS);
  await computeOf('one').forget(spec.attempt);
});

test('a drained queue stops a task, whose retry waits', { timeout: 180_000 }, async () => {
  const spec = heldTask();
  await computeOf('one').submit(spec);
  await untilStarted(spec);
  await setStopPolicy('clusterqueues', 'HoldAndDrain');
  expect(await endOf('one', spec)).toEqual({
    phase: 'lost',
    reason: 'Kueue stopped it because its ClusterQueue was stopped with `stopPolicy: HoldAndDrain`.',
  });
  const retry = task();
  await computeOf('one').submit(retry);
  await computeOf('one').forget(spec.attempt);
  await setStopPolicy('clusterqueues', 'None');
  expect(await endOf('one', retry)).toMatchObject(SUCCESS);
  await computeOf('one').forget(retry.attempt);
});

test('while Kueue is away, tasks continue, and their ends are recorded later', { timeout: 180_000 }, async () => {
  const [spec, refused, later] = [heldTask(), task(), task()];
  await computeOf('one').submit(spec);
  await untilStarted(spec);
  await kueue.kill();
  // Its webhooks decide about every change of a Job.
  await expect(computeOf('one').submit(refused)).rejects.toThrow(
    'an admission webhook does not respond. Dais retries; check the webhook.',
  );
  release(spec);
  await expect.poll(() => finished.has(spec.attempt), { timeout: TASK_MS }).toBe(true);
  expect(await computeOf('one').status(spec.attempt)).toMatchObject({ phase: 'running' });
  await kueue.start();
  expect(await endOf('one', spec)).toMatchObject(SUCCESS);
  await computeOf('one').submit(later);
  expect(await endOf('one', later)).toMatchObject(SUCCESS);
  for (const { attempt } of [spec, refused, later]) await computeOf('one').forget(attempt);
});

test('without the permission to read queues, tasks run, and their notes name it', { timeout: 120_000 }, async () => {
  const reopen = async () => {
    await engines.get('one')?.compute.close();
    await engines.get('one')?.reopen();
  };
  await permitDais(admin, [...CLUSTER_PERMISSIONS, ...TASK_PERMISSIONS, ...SETUP_PERMISSIONS]);
  await reopen();
  await setStopPolicy('clusterqueues', 'Hold');
  const spec = task();
  await computeOf('one').submit(spec);
  const note = () => computeOf('one').note(spec.attempt);
  await expect
    .poll(note, { timeout: NOTE_MS })
    .toMatch(
      /^waits in the queue `one`\. The cluster does not permit `dais` to list (?:workloads|localqueues) .*kueue\.x-k8s\.io/,
    );
  await setStopPolicy('clusterqueues', 'None');
  expect(await endOf('one', spec)).toMatchObject(SUCCESS);
  await computeOf('one').forget(spec.attempt);
  await permitDais(admin, RULES);
  await reopen();
});

test('two teams share their GPUs by the queues of the guide', { timeout: 300_000 }, async () => {
  await applyQueues(admin, guideManifests());
  const reasons: string[] = [];
  const projects = new Map<string, string>();
  /** As the caller of the engine does: a lost attempt is no failure. */
  const run = async (project: string, first: TaskSpec) => {
    for (let spec = first; ; spec = task()) {
      const { attempt } = spec;
      projects.set(attempt, project);
      await computeOf(project).submit({ ...spec, resources: { cpu: 1, 'nvidia.com/gpu': 1 } });
      const end = await computeOf(project).wait(attempt, never);
      await computeOf(project).forget(attempt);
      if (end?.phase !== 'lost') return end;
      reasons.push(end.reason);
    }
  };
  const begin = starts.length;
  const startsOf = (project: string) =>
    starts.slice(begin).filter((attempt) => projects.get(attempt) === project).length;
  const untilStarts = async (project: string, count: number) => {
    await expect.poll(() => startsOf(project), { timeout: TASK_MS, interval: 20 }).toBeGreaterThanOrEqual(count);
  };
  const tasks = (project: string, specs: readonly TaskSpec[]) => specs.map(async (spec) => await run(project, spec));
  const list = (count: number, create: () => TaskSpec) => Array.from({ length: count }, create);
  // More than its own two GPUs: those of the other team are free.
  const borrowing = list(4, heldTask);
  const vision = tasks('vision', borrowing);
  await untilStarts('vision', 4);
  const before = starts.length;
  vision.push(...tasks('vision', list(6, task)));
  const speech = tasks('speech', list(10, task));
  await untilStarts('speech', 2);
  for (const spec of borrowing) release(spec);
  const ends = await Promise.all([...vision, ...speech]);
  expect(ends.map((end) => end?.phase === 'ended' && end.code)).toEqual(Array.from({ length: 20 }, () => 0));
  expect(reasons.length).toBeGreaterThanOrEqual(2);
  expect(new Set(reasons)).toEqual(
    new Set(['Kueue stopped it because another queue needs the quota that it had borrowed.']),
  );
  // Nobody waits for the end of the other team.
  const order = starts.slice(before).map((attempt) => projects.get(attempt));
  expect(order.slice(0, 10).filter((project) => project === 'speech').length).toBeGreaterThanOrEqual(4);
  expect(order.slice(0, 12).filter((project) => project === 'vision').length).toBeGreaterThanOrEqual(2);
});

/** The queues of the guide, as people apply them. */
function guideManifests(): string {
  const guide = new URL('../../../../../../docs/guide/compute-quotas.md', import.meta.url);
  const [, block] = /```yaml\n# queues\.yaml\n(.*?)```/s.exec(readFileSync(guide, 'utf8')) ?? [];
  if (block === undefined) throw new Error('The guide has no block `queues.yaml`.');
  return block;
}
