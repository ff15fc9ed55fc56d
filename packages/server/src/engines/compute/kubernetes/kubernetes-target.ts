/**
 * A Kubernetes cluster as a compute target: one engine for each project, in a namespace of its own. An engine is opened with the first task of its
 * project, and closed after some time without tasks.
 */
import { createHash } from 'node:crypto';
import { DaisError } from '@dais/api/errors';
import type { Clock } from '#lib/clock.ts';
import { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { ClusterConfig } from '#lib/kubernetes/cluster-config.ts';
import type { Log } from '#lib/log.ts';
import {
  probeProject,
  type ComputeTarget,
  type TargetCompute,
  type TargetProject,
  type TargetReport,
} from '../model/target.ts';
import { applyProject } from './apply-project.ts';
import { checkNamespace } from './namespace-owner.ts';
import { openKubernetesCompute, type KubernetesCompute } from './kubernetes-compute.ts';
import type { NetworkOptions } from './plan/network-policies.ts';
import { projectNamespace } from './plan/project-namespace.ts';
import type { TargetOptions } from './plan/target-options.ts';
import { explainSilence, probeCluster, runProbeTask } from './probe/probe-cluster.ts';
import { targetFailure } from './target-failure.ts';
import type { OrderSeal, TaskObjects } from './task-store.ts';

export interface ClusterConnection {
  /** Text that the configuration was read from: when it differs, Dais connects again. */
  readonly source: string;
  readonly config: ClusterConfig;
}

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
  readonly compute: Promise<KubernetesCompute>;
  /** What was applied to its namespace, as text. */
  readonly applied: string;
  usedAt: number;
}

interface Connected extends ClusterConnection {
  readonly client: ClusterClient;
  readonly at: number;
}

/** Limit of a call, so that people learn of a cluster that is away. */
const CALL_MS = 8000;
/** A changed kubeconfig applies after this time. */
const CONNECTION_MS = 60_000;
const IDLE_MS = 10 * 60_000;
const IDLE_CHECK_MS = 60_000;

/** Connects with the first use. */
export function openKubernetesTarget(options: KubernetesTargetOptions): ComputeTarget {
  return new KubernetesTarget(options);
}

class KubernetesTarget implements ComputeTarget {
  readonly #options: KubernetesTargetOptions;
  readonly #projects = new Map<string, OpenedProject>();
  #connected: Promise<Connected> | undefined;
  #cancelCheck = () => {};
  #isClosed = false;

  constructor(options: KubernetesTargetOptions) {
    this.#options = options;
    this.#scheduleCheck();
  }

  async project(project: TargetProject): Promise<TargetCompute> {
    if (this.#isClosed) throw new DaisError('target_unavailable', 'The target was changed. Dais connects to it again.');
    const { clock } = this.#options;
    const connected = await this.#connect();
    const applied = JSON.stringify([project.name, project.quota]);
    const known = this.#projects.get(project.id);
    if (known !== undefined) known.usedAt = clock.now();
    if (known?.applied === applied) return await known.compute;
    // A new quota applies to the namespace; the engine stays.
    const compute =
      known === undefined
        ? this.#open(connected, project)
        : known.compute.then(async (opened) => {
            await this.#setUp(connected, project);
            return opened;
          });
    const opened: OpenedProject = { compute, applied, usedAt: clock.now() };
    this.#projects.set(project.id, opened);
    try {
      return await compute;
    } catch (error) {
      // The next call tries again.
      if (this.#projects.get(project.id) === opened) {
        if (known === undefined) this.#projects.delete(project.id);
        else this.#projects.set(project.id, known);
      }
      throw error;
    }
  }

  async probe({ pods, signal }: { readonly pods: boolean; readonly signal: AbortSignal }): Promise<TargetReport> {
    const { pods: target, uid } = this.#options;
    let connected: Connected;
    try {
      connected = await this.#connect(true);
    } catch (error) {
      return withProblem(error);
    }
    const namespace = this.#namespace(probeProject(uid));
    const report = await probeCluster({
      client: connected.client,
      target: { ...target, namespace },
      signal,
    });
    if (!pods || report.problems.length > 0) return report;
    try {
      const compute = await this.project(probeProject(uid));
      const problem = await runProbeTask(compute, { clock: this.#options.clock, signal });
      return problem === undefined ? report : { ...report, problems: [problem] };
    } catch (error) {
      return { ...report, problems: withProblem(error).problems };
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cancelCheck();
    await this.#disconnect();
  }

  #namespace({ name }: Pick<TargetProject, 'name'>): string {
    return projectNamespace(this.#options.namespacePrefix, name);
  }

  async #open(connected: Connected, project: TargetProject): Promise<KubernetesCompute> {
    const { uid, pods, objects, seal, sessionKey, environment, clock, random, log } = this.#options;
    const { url } = pods.agent;
    const namespace = this.#namespace(project);
    const agent = { ...pods.agent, url: `${url}/internal/tasks/${uid}/${project.id}` };
    await this.#setUp(connected, project);
    const shared = { objects, seal, sessionKey, environment, clock, random, log };
    const target = { ...pods, agent, namespace };
    return await openKubernetesCompute({ ...shared, cluster: connected.config, target, url }, async () => {
      // A watch that is not permitted never delivers anything.
      return await explainSilence(connected.client, namespace);
    });
  }

  /** @throws DaisError `target_unavailable`, `invalid_request` */
  async #setUp({ client }: Connected, { name, quota }: TargetProject): Promise<void> {
    const { pods, maxTasks, network } = this.#options;
    const namespace = this.#namespace({ name });
    try {
      await checkNamespace(client, namespace, { installation: pods.installation, project: name });
      const setup = { project: { project: name, quota, tasks: maxTasks }, network: await network() };
      await applyProject(client, { ...pods, namespace }, setup);
    } catch (error) {
      throw targetFailure(error);
    }
  }

  async #connect(again = false): Promise<Connected> {
    const { clock } = this.#options;
    const known = await this.#connected?.catch(() => undefined);
    if (known !== undefined && !again && clock.now() - known.at < CONNECTION_MS) return known;
    const connection = this.#read(known);
    this.#connected = connection;
    try {
      return await connection;
    } catch (error) {
      if (this.#connected === connection) this.#connected = undefined;
      throw error;
    }
  }

  async #read(known: Connected | undefined): Promise<Connected> {
    const { connect, environment, clock } = this.#options;
    const connection = await connect();
    if (known?.source === connection.source) return { ...known, at: clock.now() };
    if (known !== undefined) await this.#closeProjects();
    known?.client.close();
    const limits = { requestMs: CALL_MS };
    const client = new ClusterClient({ config: connection.config, clock, environment, limits });
    return { ...connection, client, at: clock.now() };
  }

  async #disconnect(): Promise<void> {
    await this.#closeProjects();
    (await this.#connected?.catch(() => undefined))?.client.close();
  }

  async #closeProjects(): Promise<void> {
    const opened = [...this.#projects.values()];
    this.#projects.clear();
    await Promise.all(opened.map(async ({ compute }) => await (await compute.catch(() => undefined))?.close()));
  }

  #scheduleCheck(): void {
    this.#cancelCheck = this.#options.clock.after(IDLE_CHECK_MS, () => {
      void this.#closeIdle().finally(() => {
        if (!this.#isClosed) this.#scheduleCheck();
      });
    });
  }

  async #closeIdle(): Promise<void> {
    const { clock, log } = this.#options;
    for (const [id, { compute, usedAt }] of this.#projects) {
      if (clock.now() - usedAt < IDLE_MS) continue;
      const opened = await compute.catch(() => undefined);
      // A call may have arrived in the meantime.
      const current = this.#projects.get(id);
      if (opened?.isIdle !== true || current === undefined || clock.now() - current.usedAt < IDLE_MS) continue;
      this.#projects.delete(id);
      await opened.close().catch((error: unknown) => log.warn('the engine of a project was not closed', { error }));
    }
  }
}

function withProblem(error: unknown): TargetReport {
  const readable = targetFailure(error);
  if (!(readable instanceof DaisError)) throw readable;
  return {
    version: undefined,
    problems: [readable.message],
    warnings: [],
    features: [],
    nodes: 0,
    resources: {},
    largestTask: {},
  };
}

/** Returns a short text that differs when the configuration differs, and contains none of it. */
export function sourceDigest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
