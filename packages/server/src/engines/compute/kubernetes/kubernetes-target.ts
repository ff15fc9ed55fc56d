/**
 * A Kubernetes cluster as a compute target: one engine for each project, in a namespace of its own. An engine is opened with the first task of its
 * project, and closed after some time without tasks.
 */
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { classifyFailure } from '#lib/kubernetes/classify-failure.ts';
import type { Log } from '#lib/log.ts';
import {
  probeProject,
  type ComputeTarget,
  type TargetCompute,
  type TargetProject,
  type TargetReport,
} from '../model/target.ts';
import { setUpProject } from './apply-project.ts';
import { CountedCompute } from './counted-compute.ts';
import { openKubernetesCompute } from './kubernetes-compute.ts';
import type { NetworkOptions } from './plan/network-policies.ts';
import { projectNamespace } from './plan/project-namespace.ts';
import type { TargetOptions } from './plan/target-options.ts';
import { explainSilence } from './probe/permission-review.ts';
import { probeTarget, type PodFindings } from './probe/probe-target.ts';
import { TargetConnection, type ClusterConnection, type Connected } from './target-connection.ts';
import { openingFailure } from './target-failure.ts';
import type { OrderSeal, TaskObjects } from './task-store.ts';

export interface KubernetesTargetOptions {
  readonly uid: string;
  /** Reads the configuration of the cluster. @throws DaisError with what to change */
  readonly connect: () => Promise<ClusterConnection>;
  readonly namespacePrefix: string;
  /** Of all projects. The URL of the agents is without a path. */
  readonly pods: Omit<TargetOptions, 'namespace'>;
  readonly maxTasks: number;
  /** Read for each project that is opened, because the addresses of names change. */
  readonly network: () => Promise<NetworkOptions>;
  readonly objects: TaskObjects;
  readonly seal: OrderSeal;
  /** 32 random bytes that all processes of the installation share. */
  readonly sessionKey: Buffer;
  /** Environment of credential programs. */
  readonly environment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

interface OpenedProject {
  /** Name of the project, and configuration of the cluster. */
  readonly of: string;
  readonly namespace: string;
  readonly compute: Promise<CountedCompute>;
  /** What it waits for, as a part of a sentence. */
  step: string;
  /** Quota in its namespace, as text. */
  quota: string | undefined;
  /** Before this time, a quota that could not be applied is not tried again. */
  retryAt: number;
  usedAt: number;
}

/** Limit of the opening of an engine for its callers: it continues, and the next call finds it. */
const OPEN_MS = 9000;
const QUOTA_RETRY_MS = 30_000;
const IDLE_MS = 10 * 60_000;
const IDLE_CHECK_MS = 60_000;

/** Connects with the first use. */
export function openKubernetesTarget(options: KubernetesTargetOptions): ComputeTarget {
  return new KubernetesTarget(options);
}

class KubernetesTarget implements ComputeTarget {
  readonly #options: KubernetesTargetOptions;
  readonly #connection: TargetConnection;
  readonly #projects = new Map<string, OpenedProject>();
  /** Engines that are being closed. */
  readonly #closing = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  /** Of the newest probe with pods. */
  #findings: PodFindings | undefined;
  #cancelCheck = () => {};

  constructor(options: KubernetesTargetOptions) {
    this.#options = options;
    const { connect, environment, clock, random, log } = options;
    const changed = () => {
      this.#findings = undefined;
      for (const id of this.#projects.keys()) this.#closeProject(id);
    };
    this.#connection = new TargetConnection({ connect, environment, clock, random, log, changed });
    this.#scheduleCheck();
  }

  async project(project: TargetProject): Promise<TargetCompute> {
    const { clock } = this.#options;
    let cancel = () => {};
    const limit = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(OPEN_MS, () => reject(this.#slowOpening(project)));
    });
    try {
      return await Promise.race([this.#project(project), limit]);
    } catch (error) {
      throw openingFailure(error);
    } finally {
      cancel();
    }
  }

  async probe({ pods, signal }: { readonly pods: boolean; readonly signal: AbortSignal }): Promise<TargetReport> {
    const { pods: target, uid, namespacePrefix, network, clock } = this.#options;
    const project = probeProject(uid);
    const { report, findings } = await probeTarget({
      connect: async () => await this.#connection.get({ isFresh: true }),
      target: { ...target, namespace: projectNamespace(namespacePrefix, project.name) },
      namespaces: [...this.#projects].filter(([id]) => id !== uid).map(([, { namespace }]) => namespace),
      namespaceOf: (name) => projectNamespace(namespacePrefix, name),
      network,
      ...(pods && { open: async () => await this.project(project) }),
      ...(this.#findings !== undefined && { findings: this.#findings }),
      clock,
      signal: AbortSignal.any([signal, this.#stop.signal]),
    });
    this.#findings = findings;
    return report;
  }

  async close(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort(new DaisError('target_unavailable', 'The target was changed. Dais connects to it again.'));
      this.#cancelCheck();
      for (const id of this.#projects.keys()) this.#closeProject(id);
    }
    await Promise.all(this.#closing);
    await this.#connection.close();
  }

  async #project(project: TargetProject): Promise<TargetCompute> {
    const { clock } = this.#options;
    const connected = await this.#connection.get();
    this.#stop.signal.throwIfAborted();
    const of = JSON.stringify([project.name, connected.source]);
    const known = this.#projects.get(project.id);
    if (known !== undefined && known.of !== of) this.#closeProject(project.id);
    const opened = known?.of === of ? known : this.#open(connected, project, of);
    opened.usedAt = clock.now();
    const compute = await opened.compute;
    await this.#applyQuota(opened, connected, project);
    return compute;
  }

  #open(connected: Connected, project: TargetProject, of: string): OpenedProject {
    const { promise, resolve, reject } = Promise.withResolvers<CountedCompute>();
    const opened: OpenedProject = {
      of,
      namespace: this.#namespace(project),
      compute: promise,
      step: '',
      quota: JSON.stringify(project.quota),
      retryAt: 0,
      usedAt: 0,
    };
    this.#projects.set(project.id, opened);
    this.#openCompute(connected, project, opened).then(resolve, (error: unknown) => {
      // The next call tries again.
      if (this.#projects.get(project.id) === opened) this.#projects.delete(project.id);
      reject(error);
    });
    return opened;
  }

  async #openCompute(connected: Connected, project: TargetProject, opened: OpenedProject): Promise<CountedCompute> {
    const { uid, pods, objects, seal, sessionKey, environment, clock, random, log } = this.#options;
    const { client, config } = connected;
    const namespace = this.#namespace(project);
    const { url } = pods.agent;
    const { signal } = this.#stop;
    const at = `of the API server ${config.server.origin}`;
    opened.step = `to set up the namespace \`${namespace}\` ${at}`;
    await this.#setUp(connected, project);
    opened.step = `to list nodes, Jobs and pods ${at}`;
    const nodes = this.#connection.nodes(connected);
    const shared = { objects, seal, sessionKey, environment, nodes, clock, random, log };
    const agent = { ...pods.agent, url: `${url}/internal/tasks/${uid}/${project.id}` };
    const { kueueQueue: _queue, ...withoutQueue } = pods;
    // The task of a probe tests nodes and network: its namespace has no LocalQueue.
    const target = { ...(project.id === uid ? withoutQueue : pods), agent, namespace };
    const compute = await openKubernetesCompute(
      { ...shared, cluster: config, target, url },
      // A watch that is not permitted never delivers anything.
      { explain: async () => await explainSilence(client, namespace), signal },
    );
    return new CountedCompute(compute, () => {
      opened.quota = undefined;
      opened.retryAt = 0;
    });
  }

  /** @throws DaisError `target_unavailable` for the namespace of another owner. A cluster that is away is no error: the engine is open. */
  async #applyQuota(opened: OpenedProject, connected: Connected, project: TargetProject): Promise<void> {
    const { clock, log } = this.#options;
    const quota = JSON.stringify(project.quota);
    if (opened.quota === quota || clock.now() < opened.retryAt) return;
    opened.retryAt = clock.now() + QUOTA_RETRY_MS;
    try {
      await this.#setUp(connected, project);
      opened.quota = quota;
      opened.retryAt = 0;
    } catch (error) {
      if (classifyFailure(error) === undefined) throw error;
      const namespace = this.#namespace(project);
      log.warn('the quota of a project was not applied to its namespace, which is repeated', { namespace, error });
    }
  }

  /** @throws DaisError `target_unavailable` for the namespace of another owner; errors of the client */
  async #setUp(connected: Connected, { name, quota }: TargetProject): Promise<void> {
    const { pods, maxTasks, network } = this.#options;
    const setup = { project: { project: name, quota, tasks: maxTasks }, network: await network() };
    const target = { ...pods, namespace: this.#namespace({ name }) };
    const { signal } = this.#stop;
    try {
      await setUpProject(connected.client, target, setup, signal);
    } catch (error) {
      if (classifyFailure(error)?.kind !== 'unauthenticated') throw error;
      // The credentials may have been replaced since they were read.
      const renewed = await this.#connection.get({ isFresh: true });
      if (renewed.source === connected.source) throw error;
      throw new DaisError('target_unavailable', 'The credentials of the cluster were replaced. Dais connects again.');
    }
  }

  #namespace({ name }: Pick<TargetProject, 'name'>): string {
    return projectNamespace(this.#options.namespacePrefix, name);
  }

  #slowOpening({ id }: TargetProject): DaisError {
    const step = this.#projects.get(id)?.step ?? 'to read the configuration of the cluster';
    const time = `${OPEN_MS / 1000} s`;
    return new DaisError(
      'target_unavailable',
      `Dais needs more than ${time} ${step}, and continues. Check its load and the network.`,
    );
  }

  #closeProject(id: string): void {
    const opened = this.#projects.get(id);
    this.#projects.delete(id);
    if (opened === undefined) return;
    const { log } = this.#options;
    const closing = opened.compute
      .then(
        async (compute) => await compute.close(),
        // It was not opened.
        () => {},
      )
      .catch((error: unknown) => log.warn('the engine of a project was not closed', { error }))
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#options.clock.after(IDLE_CHECK_MS, () => {
      void this.#closeIdle().finally(() => {
        if (!this.#stop.signal.aborted) this.#scheduleCheck();
      });
    });
  }

  async #closeIdle(): Promise<void> {
    const { clock } = this.#options;
    const isUnused = ({ usedAt }: OpenedProject) => clock.now() - usedAt >= IDLE_MS;
    for (const [id, project] of this.#projects) {
      if (!isUnused(project)) continue;
      const compute = await project.compute.catch(() => undefined);
      // A call may have arrived in the meantime.
      if (compute?.isIdle === true && isUnused(project) && this.#projects.get(id) === project) this.#closeProject(id);
    }
    if (this.#projects.size === 0) this.#connection.closeNodes();
  }
}
