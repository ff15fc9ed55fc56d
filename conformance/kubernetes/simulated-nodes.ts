/**
 * Nodes that run no containers: they report themselves ready, renew their leases, and report the states of pods. The scheduler and all controllers
 * of the control plane treat them like real nodes. Annotations of a pod or the test decide how the pod ends.
 */
import { ClusterClient } from '../../packages/server/src/lib/kubernetes/cluster-client.ts';
import { readKubeconfig } from '../../packages/server/src/lib/kubernetes/kubeconfig.ts';
import type { KubernetesObject, ObjectReference } from '../../packages/server/src/lib/kubernetes/kubernetes-object.ts';
import { Reflector } from '../../packages/server/src/lib/kubernetes/reflector.ts';
import { systemClock } from '../../packages/server/src/lib/clock.ts';
import { silentLog } from '../../packages/server/src/lib/log.ts';

export interface SimulatedNodesOptions {
  readonly count: number;
  /** Of each node. Default 16 CPUs, 64 GiB, 250 pods and one GPU. */
  readonly capacity?: Readonly<Record<string, string>>;
  /** Called when a pod runs. Without the annotation `DURATION`, the pod runs until `finish`. */
  readonly started?: (pod: SimulatedPod) => void;
}

/** Annotation of a pod: after this time (ms) it ends with the code in the annotation `EXIT_CODE`, default 0. */
export const DURATION = 'simulated.dais.dev/duration-ms';
export const EXIT_CODE = 'simulated.dais.dev/exit-code';

export interface SimulatedPod extends KubernetesObject {
  readonly spec: {
    readonly nodeName?: string;
    readonly containers: readonly { readonly name: string; readonly image: string }[];
    readonly initContainers?: readonly { readonly name: string; readonly image: string }[];
  };
  readonly status?: { readonly phase?: string };
}

export interface PodResult {
  readonly exitCode: number;
  /** Of the containers, for example `OOMKilled`. Default `Completed` or `Error`. */
  readonly reason?: string;
}

const CAPACITY = { cpu: '16', memory: '64Gi', pods: '250', 'ephemeral-storage': '200Gi', 'nvidia.com/gpu': '1' };
const PREFIX = 'simulated-';
const ZONES = 3;
const LEASE_MS = 25_000;
const LEASE_SECONDS = 40;
const AT_ONCE = 16;
const CONDITIONS = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];

export async function startSimulatedNodes(kubeconfig: string, options: SimulatedNodesOptions): Promise<SimulatedNodes> {
  const config = await readKubeconfig(kubeconfig, { fail: (detail) => new Error(detail) });
  const client = new ClusterClient({ config, clock: systemClock, environment: {}, writesPerSecond: 2000 });
  const nodes = new SimulatedNodes(client, options);
  await nodes.start();
  return nodes;
}

export class SimulatedNodes {
  readonly #client: ClusterClient;
  readonly #options: SimulatedNodesOptions;
  readonly #names: readonly string[];
  readonly #silent = new Set<string>();
  readonly #seen = new Set<string>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #work = new Set<Promise<void>>();
  #pods: Reflector<SimulatedPod> | undefined;
  #isStopped = false;

  constructor(client: ClusterClient, options: SimulatedNodesOptions) {
    this.#client = client;
    this.#options = options;
    this.#names = Array.from({ length: options.count }, (_, number) => `${PREFIX}${number}`);
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Resolves when all nodes are ready. */
  async start(): Promise<void> {
    await this.#each(async (name) => await this.#createNode(name));
    await this.#renewLeases();
    this.#repeat(async () => await this.#renewLeases(), LEASE_MS);
    this.#pods = new Reflector<SimulatedPod>(this.#client, {
      collection: { version: 'v1', resource: 'pods' },
      project: (object) => object as SimulatedPod,
      changed: (_key, pod) => {
        if (pod !== undefined) this.#track(this.#change(pod));
      },
      clock: systemClock,
      random: Math.random,
      log: silentLog,
    });
    await this.#pods.synced;
  }

  /** The node stops renewing its lease and reporting pods, as if it had lost its power or its network. */
  silence(name: string): void {
    this.#silent.add(name);
  }

  /** The node is back, with the pods that it had. */
  async restore(name: string): Promise<void> {
    this.#silent.delete(name);
    await this.#renewLease(name);
    for (const pod of this.#pods?.cache.values() ?? []) if (pod.spec.nodeName === name) this.#track(this.#change(pod));
  }

  /** Reports that all containers of a running pod have ended. */
  async finish(pod: SimulatedPod, { exitCode, reason }: PodResult): Promise<void> {
    const finishedAt = new Date().toISOString();
    const word = reason ?? (exitCode === 0 ? 'Completed' : 'Error');
    const state = { terminated: { exitCode, reason: word, startedAt: finishedAt, finishedAt } };
    await this.#report(pod, {
      phase: exitCode === 0 ? 'Succeeded' : 'Failed',
      conditions: [{ type: 'Ready', status: 'False', reason: 'PodCompleted', lastTransitionTime: finishedAt }],
      ...containerStatuses(pod, { state, ready: false, started: false }),
    });
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#pods?.close();
    await Promise.all(this.#work);
    this.#client.close();
  }

  async #change(pod: SimulatedPod): Promise<void> {
    const { nodeName = '' } = pod.spec;
    if (!nodeName.startsWith(PREFIX) || this.#silent.has(nodeName)) return;
    if (pod.metadata.deletionTimestamp !== undefined) return await this.#remove(pod);
    const { uid = '', annotations = {} } = pod.metadata;
    if (pod.status?.phase !== 'Pending' || this.#seen.has(uid)) return;
    this.#seen.add(uid);
    const startedAt = new Date().toISOString();
    await this.#report(pod, {
      phase: 'Running',
      podIP: `10.245.${(this.#seen.size >> 8) & 255}.${this.#seen.size & 255}`,
      startTime: startedAt,
      conditions: CONDITIONS.map((type) => ({ type, status: 'True', lastTransitionTime: startedAt })),
      ...containerStatuses(pod, { state: { running: { startedAt } }, ready: true, started: true }),
    });
    this.#options.started?.(pod);
    const duration = annotations[DURATION];
    if (duration === undefined) return;
    this.#after(
      Number(duration),
      async () => await this.finish(pod, { exitCode: Number(annotations[EXIT_CODE] ?? 0) }),
    );
  }

  /** What the kubelet does when the containers of a deleted pod have ended. */
  async #remove(pod: SimulatedPod): Promise<void> {
    await unlessGone(
      this.#client.delete(referenceOf(pod), { propagationPolicy: 'Background', gracePeriodSeconds: 0, ...uidOf(pod) }),
    );
  }

  async #report(pod: SimulatedPod, status: Readonly<Record<string, unknown>>): Promise<void> {
    if (this.#silent.has(pod.spec.nodeName ?? '')) return;
    await unlessGone(this.#client.patch({ ...referenceOf(pod), subresource: 'status' }, { merge: { status } }));
  }

  async #createNode(name: string): Promise<void> {
    const number = Number(name.slice(PREFIX.length));
    const labels = {
      'kubernetes.io/hostname': name,
      'kubernetes.io/os': 'linux',
      'kubernetes.io/arch': 'amd64',
      'topology.kubernetes.io/zone': `zone-${number % ZONES}`,
      'dais.dev/simulated': 'true',
    };
    await this.#client.create(
      { version: 'v1', resource: 'nodes' },
      { apiVersion: 'v1', kind: 'Node', metadata: { name, labels } },
    );
    const at = new Date().toISOString();
    const capacity = this.#options.capacity ?? CAPACITY;
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'KubeletReady',
      message: 'simulated',
      lastHeartbeatTime: at,
      lastTransitionTime: at,
    };
    const status = { capacity, allocatable: capacity, conditions: [ready] };
    await this.#client.patch({ version: 'v1', resource: 'nodes', name, subresource: 'status' }, { merge: { status } });
  }

  async #renewLeases(): Promise<void> {
    await this.#each(async (name) => {
      if (!this.#silent.has(name)) await this.#renewLease(name);
    });
  }

  async #renewLease(name: string): Promise<void> {
    const group = 'coordination.k8s.io';
    const namespace = 'kube-node-lease';
    const renewTime = new Date().toISOString().replace('Z', '000Z');
    await this.#client.apply(
      { group, version: 'v1', resource: 'leases', namespace, name },
      {
        apiVersion: `${group}/v1`,
        kind: 'Lease',
        metadata: { name, namespace },
        spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
      },
      { force: true },
    );
  }

  /** Runs the work for each node, a few at a time. */
  async #each(work: (name: string) => Promise<void>): Promise<void> {
    const names = [...this.#names];
    const worker = async () => {
      for (let name = names.pop(); name !== undefined && !this.#isStopped; name = names.pop()) await work(name);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  #repeat(work: () => Promise<void>, ms: number): void {
    this.#after(ms, async () => {
      // The API server may be away: the test decides for how long.
      await work().catch(() => {});
      if (!this.#isStopped) this.#repeat(work, ms);
    });
  }

  #after(ms: number, work: () => Promise<void>): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.#track(work());
    }, ms);
    this.#timers.add(timer);
  }

  #track(work: Promise<void>): void {
    const tracked = work.catch(() => {}).finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }
}

function containerStatuses(pod: SimulatedPod, status: Readonly<Record<string, unknown>>) {
  const statusOf = ({ name, image }: { readonly name: string; readonly image: string }) => ({
    name,
    image,
    imageID: '',
    restartCount: 0,
    ...status,
  });
  const { containers, initContainers = [] } = pod.spec;
  return { containerStatuses: containers.map(statusOf), initContainerStatuses: initContainers.map(statusOf) };
}

function referenceOf({ metadata: { name, namespace = 'default' } }: SimulatedPod): ObjectReference {
  return { version: 'v1', resource: 'pods', namespace, name };
}

function uidOf({ metadata: { uid } }: SimulatedPod): { readonly uid?: string } {
  return uid === undefined ? {} : { uid };
}

/** Ignores that the pod was deleted in this moment. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    const { status } = error as { readonly status?: number };
    if (status !== 404 && status !== 409) throw error;
  });
}
