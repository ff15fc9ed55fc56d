/** What Dais sees of a target: its Jobs, their pods and the nodes, from watches; and the same from the API server itself, where a cache may be old. */
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { KubernetesObject, ObjectReference } from '#lib/kubernetes/kubernetes-object.ts';
import { Reflector } from '#lib/kubernetes/reflector.ts';
import type { Clock } from '#lib/clock.ts';
import type { Log } from '#lib/log.ts';
import { keepNode, type ClusterNodes, type KeptNode } from './cluster-nodes.ts';
import { hasEnded, type ClusterEvent, type JobObject, type PodObject } from './plan/cluster-objects.ts';
import { readBegun } from './plan/attempt-records.ts';
import { ANNOTATIONS, attemptOf, attemptSelector, jobName, LABELS } from './plan/names.ts';
import { readResources } from './plan/resource-quantities.ts';
import type { Resources } from '../contract.ts';

export interface KeptJob extends JobObject {
  readonly attempt: string;
  readonly owner?: string;
  /** Position in the order of submissions. */
  readonly order: string;
  readonly resourceVersion: string;
  readonly finalizers: readonly string[];
  /** Sum of the containers of its pod. */
  readonly requests: Resources;
}

export interface KeptPod extends PodObject {
  readonly attempt: string | undefined;
}

/** An attempt, from one source at one time. */
export interface AttemptObjects {
  readonly job: KeptJob | undefined;
  readonly pods: readonly PodObject[];
  readonly node?: 'ready' | 'not-ready' | 'absent';
}

export interface ClusterViewOptions {
  readonly client: ClusterClient;
  /** For the watches and their lists. */
  readonly watches: ClusterClient;
  /** Shared by the projects of a target. */
  readonly nodes: ClusterNodes;
  readonly installation: string;
  readonly namespace: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Something of the attempt differs; undefined: of the cluster. */
  readonly changed: (attempt: string | undefined) => void;
}

interface ObjectEvent {
  /** Name. */
  readonly object: string;
  readonly event: ClusterEvent;
}

/** Only the first round of an attempt exists. */
const ROUND = 1;
const WARNINGS_MS = 10_000;

export class ClusterView {
  readonly #options: ClusterViewOptions;
  readonly #jobs: Reflector<KeptJob>;
  readonly #pods: Reflector<KeptPod>;
  readonly #unlisten: () => void;
  /** Jobs that this process wrote and that the watch has not reported yet, by name. */
  readonly #written = new Map<string, KeptJob>();
  /** Jobs that this process deleted and whose end the watch has not reported yet, by name. */
  readonly #deleted = new Map<string, KeptJob>();
  #warnings: { readonly at: number; readonly list: Promise<readonly ObjectEvent[]> } | undefined;
  readonly #podsByAttempt = new Map<string, Map<string, KeptPod>>();
  /** By the key of a pod: a deleted pod does not say whose it was. */
  readonly #attemptOfPod = new Map<string, string>();

  constructor(options: ClusterViewOptions) {
    this.#options = options;
    const { watches, installation, namespace, clock, random, log, changed } = options;
    const shared = { clock, random, log };
    const labelSelector = attemptSelector({ installation });
    this.#jobs = new Reflector<KeptJob>(watches, {
      ...shared,
      labelSelector,
      collection: { group: 'batch', version: 'v1', resource: 'jobs', namespace },
      project: keepJob,
      changed: (key, job) => {
        const name = nameOf(key);
        const written = this.#written.get(name);
        const deleted = this.#deleted.get(name);
        const isOfDeleted = this.#isDeleted(name, job);
        if (job === undefined || !isOfDeleted) this.#deleted.delete(name);
        // The end of a deleted Job says nothing about a newer one of the same name.
        if (written !== undefined && !isOfDeleted && !(job !== undefined && isOlder(job, written))) {
          this.#written.delete(name);
        }
        changed(job?.attempt ?? written?.attempt ?? deleted?.attempt);
      },
    });
    this.#pods = new Reflector<KeptPod>(watches, {
      ...shared,
      labelSelector,
      collection: { version: 'v1', resource: 'pods', namespace },
      project: keepPod,
      changed: (key, pod) => {
        const attempt = this.#keepPod(key, pod);
        if (attempt !== undefined) changed(attempt);
      },
    });
    this.#unlisten = options.nodes.listen(() => changed(undefined));
  }

  /** Resolves when everything was read once. */
  async synced(): Promise<void> {
    await Promise.all([this.#jobs.synced, this.#pods.synced, this.#options.nodes.synced()]);
  }

  async close(): Promise<void> {
    this.#unlisten();
    await Promise.all([this.#jobs.close(), this.#pods.close()]);
  }

  get nodes(): readonly KeptNode[] {
    return [...this.#options.nodes.byName.values()];
  }

  get jobs(): readonly KeptJob[] {
    const cached = [...this.#jobs.cache].filter(([key, job]) => !this.#isDeleted(nameOf(key), job));
    return [...new Map([...cached, ...this.#written].map(([key, job]) => [nameOf(key), job])).values()];
  }

  /** From the watches. */
  cached(attempt: string): AttemptObjects {
    const job = this.#findJob(jobName(attempt, ROUND));
    const pods = [...(this.#podsByAttempt.get(attempt)?.values() ?? [])];
    return { job, pods, ...this.#nodeOf(pods, this.#options.nodes.byName) };
  }

  /** Undefined when no watch knows the Job. */
  attemptOfJob(name: string): string | undefined {
    return this.#findJob(name)?.attempt;
  }

  /** From the API server: newer than everything that was written before the call. */
  async read(attempt: string): Promise<AttemptObjects> {
    const { client } = this.#options;
    const job = await found(client.get(this.jobReference(attempt)));
    const pods = await this.#readPods(attempt);
    const names = new Set(pods.map(({ spec }) => spec.nodeName).filter((name) => name !== undefined));
    const nodes = new Map<string, KeptNode>();
    for (const name of names) {
      const node = await found(client.get({ version: 'v1', resource: 'nodes', name }));
      if (node !== undefined) nodes.set(name, keepNode(node));
    }
    return { job: job && keepJob(job), pods, ...this.#nodeOf(pods, nodes) };
  }

  /** The pods of an attempt that have not ended. A Job creates one pod: the API server is asked while the watch does not know the one that began. */
  async readRunningPods(job: KeptJob): Promise<readonly PodObject[]> {
    const { attempt } = job;
    const { pods } = this.cached(attempt);
    const isKnown = pods.some(({ metadata }) => metadata.uid === readBegun(job)?.podUid);
    return (isKnown ? pods : await this.#readPods(attempt)).filter((pod) => !hasEnded(pod));
  }

  async #readPods(attempt: string): Promise<readonly KeptPod[]> {
    const { client, installation, namespace } = this.#options;
    const { items } = await client.list<KeptPod>(
      { version: 'v1', resource: 'pods', namespace },
      { labelSelector: attemptSelector({ installation, attempt }), project: keepPod },
    );
    return items;
  }

  /** All events about the Job and the pods of an attempt. */
  async events({ job, pods }: AttemptObjects): Promise<ClusterEvent[]> {
    const events: ClusterEvent[] = [];
    for (const name of namesOf({ job, pods })) {
      const found = await this.#listEvents(`involvedObject.name=${name}`);
      events.push(...found.map(({ event }) => event));
    }
    return events;
  }

  /**
   * Warnings about the Job and the pods of an attempt, up to 10 s old: all waiting attempts share one list, because the API server has no index of
   * events.
   */
  async warnings(objects: AttemptObjects): Promise<ClusterEvent[]> {
    const { clock } = this.#options;
    if (this.#warnings === undefined || clock.now() - this.#warnings.at > WARNINGS_MS) {
      this.#warnings = { at: clock.now(), list: this.#listEvents('type=Warning') };
      // A failed list counts for no other attempt.
      this.#warnings.list.catch(() => (this.#warnings = undefined));
    }
    const names = new Set(namesOf(objects));
    return (await this.#warnings.list).filter(({ object }) => names.has(object)).map(({ event }) => event);
  }

  async #listEvents(fieldSelector: string): Promise<readonly ObjectEvent[]> {
    const { client, namespace } = this.#options;
    const { items } = await client.list<ObjectEvent>(
      { version: 'v1', resource: 'events', namespace },
      { fieldSelector, project: keepEvent },
    );
    return items;
  }

  /** The watch reports it later: until then this counts. */
  note(object: KubernetesObject): KeptJob {
    const job = keepJob(object);
    this.#written.set(job.metadata.name, job);
    return job;
  }

  /** The Job was deleted by this process. `last`: its newest version. The watch reports it later: until then this counts. */
  noteDeleted(attempt: string, last?: KubernetesObject): void {
    const name = jobName(attempt, ROUND);
    const known = this.#findJob(name);
    this.#written.delete(name);
    if (known !== undefined) this.#deleted.set(name, last === undefined ? known : keepJob(last));
  }

  jobReference(attempt: string): ObjectReference {
    const { namespace } = this.#options;
    return { group: 'batch', version: 'v1', resource: 'jobs', namespace, name: jobName(attempt, ROUND) };
  }

  /** Returns the attempt of the pod. */
  #keepPod(key: string, pod: KeptPod | undefined): string | undefined {
    const attempt = pod?.attempt ?? this.#attemptOfPod.get(key);
    if (attempt === undefined) return undefined;
    const pods = this.#podsByAttempt.get(attempt) ?? new Map<string, KeptPod>();
    if (pod === undefined) {
      pods.delete(key);
      this.#attemptOfPod.delete(key);
    } else {
      pods.set(key, pod);
      this.#attemptOfPod.set(key, attempt);
    }
    if (pods.size === 0) this.#podsByAttempt.delete(attempt);
    else this.#podsByAttempt.set(attempt, pods);
    return attempt;
  }

  #findJob(name: string): KeptJob | undefined {
    const written = this.#written.get(name);
    if (written !== undefined) return written;
    const job = this.#jobs.cache.get(`${this.#options.namespace}/${name}`);
    return this.#isDeleted(name, job) ? undefined : job;
  }

  /** Whether the Job, or the report of its end, is that of a deleted one. */
  #isDeleted(name: string, job: KeptJob | undefined): boolean {
    const deleted = this.#deleted.get(name);
    return deleted !== undefined && (job === undefined || !isOlder(deleted, job));
  }

  #nodeOf(pods: readonly PodObject[], nodes: ReadonlyMap<string, KeptNode>): Pick<AttemptObjects, 'node'> {
    const name = pods.at(-1)?.spec.nodeName;
    if (name === undefined) return {};
    const node = nodes.get(name);
    return { node: node === undefined ? 'absent' : node.isReady ? 'ready' : 'not-ready' };
  }
}

/** Undefined when the object does not exist. */
export async function found<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

function namesOf({ job, pods }: AttemptObjects): string[] {
  return [...(job === undefined ? [] : [job.metadata.name]), ...pods.map(({ metadata }) => metadata.name)];
}

/** Versions of objects of one type are numbers that grow (KEP-5504). Other texts count as new. */
function isOlder({ resourceVersion: one }: KeptJob, { resourceVersion: other }: KeptJob): boolean {
  const isNumber = /^\d{1,30}$/;
  return isNumber.test(one) && isNumber.test(other) && BigInt(one) < BigInt(other);
}

const nameOf = (key: string) => key.slice(key.indexOf('/') + 1);

interface Quantities {
  readonly resources?: {
    readonly requests?: Readonly<Record<string, string>>;
    readonly limits?: Readonly<Record<string, string>>;
  };
}

interface PodSpec {
  readonly nodeName?: string;
  readonly containers: readonly Quantities[];
  /** Native sidecars count like containers: Dais creates no other ones. */
  readonly initContainers?: readonly Quantities[];
}

/** What the scheduler reserves: limits of devices are their requests. */
function requestsOf({ containers, initContainers = [] }: PodSpec): Resources {
  const sum: Record<string, number> = {};
  for (const { resources = {} } of [...containers, ...initContainers]) {
    const reserved = readResources({ ...devicesOf(resources.limits ?? {}), ...resources.requests });
    for (const [name, amount] of Object.entries(reserved)) sum[name] = (sum[name] ?? 0) + amount;
  }
  return sum;
}

function devicesOf(limits: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(limits).filter(([name]) => name.includes('/')));
}

export function keepJob(object: KubernetesObject): KeptJob {
  const { spec, status } = object as unknown as {
    readonly spec: { readonly suspend?: boolean; readonly template: { readonly spec: PodSpec } };
    readonly status?: JobObject['status'];
  };
  const {
    name,
    annotations = {},
    labels = {},
    deletionTimestamp,
    resourceVersion = '',
    finalizers = [],
  } = object.metadata;
  const owner = annotations[LABELS.owner] ?? labels[LABELS.owner];
  return {
    attempt: attemptOf(object.metadata) ?? '',
    ...(owner !== undefined && { owner }),
    order: annotations[ANNOTATIONS.order] ?? '',
    resourceVersion,
    finalizers,
    requests: requestsOf(spec.template.spec),
    metadata: { name, annotations, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    spec: { ...(spec.suspend !== undefined && { suspend: spec.suspend }) },
    ...(status !== undefined && { status }),
  };
}

function keepPod(object: KubernetesObject): KeptPod {
  const { spec, status } = object as unknown as { readonly spec: PodSpec; readonly status?: PodObject['status'] };
  const { name, uid = '', annotations = {}, deletionTimestamp } = object.metadata;
  return {
    attempt: attemptOf(object.metadata),
    metadata: { name, uid, annotations, ...(deletionTimestamp !== undefined && { deletionTimestamp }) },
    spec: { ...(spec.nodeName !== undefined && { nodeName: spec.nodeName }) },
    ...(status !== undefined && { status }),
  };
}

function keepEvent(object: KubernetesObject): ObjectEvent {
  const {
    involvedObject,
    reason = '',
    message = '',
    lastTimestamp,
    eventTime,
  } = object as unknown as {
    readonly involvedObject?: { readonly name?: string };
    readonly reason?: string;
    readonly message?: string;
    readonly lastTimestamp?: string | null;
    readonly eventTime?: string | null;
  };
  const at = lastTimestamp ?? eventTime ?? object.metadata.creationTimestamp ?? '';
  return { object: involvedObject?.name ?? '', event: { reason, message, at: new Date(at) } };
}
