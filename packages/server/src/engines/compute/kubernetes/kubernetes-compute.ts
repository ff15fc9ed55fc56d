/**
 * Runs tasks as pods of a Kubernetes cluster, one Job for each attempt. The state of an attempt is in the annotations of its Job and in the object store;
 * memory only caches it. The agent in the pod fetches the task when its pod is the first one, so that a task is started at most once.
 */
import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { Readable } from 'node:stream';
import { DaisError } from '@dais/api';
import type { Clock } from '#lib/clock.ts';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { ClusterConfig } from '#lib/kubernetes/cluster-config.ts';
import type { KubernetesObject } from '#lib/kubernetes/kubernetes-object.ts';
import type { Log } from '#lib/log.ts';
import type { ComputeAbilities, LogChunk, LogOptions, OutputFile, TaskSpec, TaskState } from '../contract.ts';
import type { TargetCompute } from '../model/target.ts';
import { checkSpec } from '../spec-check.ts';
import { applyProject, type ProjectSetup } from './apply-project.ts';
import { AgentService } from './agent-service.ts';
import { AgentSessions } from './agent-sessions.ts';
import { AttemptLoop } from './attempt-loop.ts';
import { ClusterNodes } from './cluster-nodes.ts';
import { ClusterView, found, keepJob, type KeptJob } from './cluster-view.ts';
import { EnvironmentStore, type StoredEnvironment } from './environment-store.ts';
import { QueueView } from './queue-view.ts';
import { targetFailure } from './target-failure.ts';
import { untilSynced, type OpeningOptions } from './until-synced.ts';
import { formatRecord, readBegun, readCancel, readEnd } from './plan/attempt-records.ts';
import { toTaskState } from './plan/attempt-state.ts';
import { choosePool, placeInPool } from './plan/choose-pool.ts';
import { isImageReference } from './plan/image-reference.ts';
import { ANNOTATIONS, COLLECT_FINALIZER } from './plan/names.ts';
import { checkTogether, largestTaskOfPools, nodesOf, taskCapacity } from './plan/node-capacity.ts';
import { planJob } from './plan/pod-plan.ts';
import type { TargetOptions } from './plan/target-options.ts';
import { orderOf } from './task-order.ts';
import { AttemptFiles, type OrderSeal, type StoredBytes, type TaskObjects } from './task-store.ts';

export interface KubernetesComputeOptions {
  readonly cluster: ClusterConfig;
  readonly target: TargetOptions;
  /** Absent: the namespace is there with everything that its pods need. */
  readonly setup?: ProjectSetup;
  /** URL of Dais for tasks, without a path. Default: that of the agents. */
  readonly url?: string;
  readonly objects: TaskObjects;
  readonly seal: OrderSeal;
  /** 32 random bytes that all processes of the installation share. */
  readonly sessionKey: Buffer;
  /** Environment of credential programs. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Nodes of the cluster, which the caller closes. Default: a watch of its own. */
  readonly nodes?: ClusterNodes;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
}

export interface KubernetesCompute extends TargetCompute {
  readonly agents: AgentService;
  /** There are no tasks. */
  readonly isIdle: boolean;
}

const ATTEMPT = /^[a-z0-9-]{1,64}$/;
const ROUND = 1;
/** Between reads of a log whose parts another process may store. */
const POLL_MS = 1000;
const CONFLICTS = 20;
/** Between a conflict or a check of the API server and the next one. */
const CONFLICT_MS = 100;
const ORDER_DIGITS = 16;

/** Limit of a call, so that people learn of a cluster that is away. */
export const CALL_MS = 8000;

/**
 * @throws DaisError `target_unavailable` when the cluster does not show its objects within 60 s, or `explain` knows why it never will; the reason of
 *   `signal`
 */
export async function openKubernetesCompute(
  options: KubernetesComputeOptions,
  opening: OpeningOptions = {},
): Promise<KubernetesCompute> {
  const { cluster, target, setup, objects, seal, sessionKey, environment = {}, clock, random, log } = options;
  const client = new ClusterClient({ config: cluster, clock, environment, limits: { requestMs: CALL_MS } });
  // A list of a large cluster may take longer than a call for which somebody waits.
  const watches = new ClusterClient({ config: cluster, clock, environment });
  const { installation, namespace } = target;
  const files = new AttemptFiles(objects, seal, installation);
  const environments = new EnvironmentStore(objects, installation, clock);
  const loop = new AttemptLoop({ client, files, target, clock, log });
  const changed = (attempt: string | undefined) => loop.changed(attempt);
  const nodes = options.nodes ?? new ClusterNodes({ client: watches, clock, random, log });
  const ownNodes = options.nodes === undefined ? nodes : undefined;
  const view = new ClusterView({ client, watches, nodes, installation, namespace, clock, random, log, changed });
  const queue =
    target.kueueQueue === undefined
      ? undefined
      : new QueueView({
          client,
          watches,
          namespace,
          queue: target.kueueQueue,
          clock,
          random,
          log,
          changed: (job) => {
            const attempt = job === undefined ? undefined : view.attemptOfJob(job);
            if (job === undefined || attempt !== undefined) loop.changed(attempt);
          },
        });
  loop.use(view, queue);
  const sessions = new AgentSessions(sessionKey);
  const agents = new AgentService({ client, view, loop, files, sessions, installation, namespace, clock });
  const url = options.url ?? target.agent.url;
  const compute = new ClusterCompute({
    client,
    watches,
    ownNodes,
    view,
    queue,
    loop,
    files,
    environments,
    target,
    clock,
    agents,
    url,
  });
  try {
    if (setup !== undefined) await applyProject(client, target, setup);
    await untilSynced(view, clock, opening);
    return compute;
  } catch (error) {
    await compute.close();
    throw targetFailure(error);
  }
}

interface ClusterComputeDependencies {
  readonly client: ClusterClient;
  readonly watches: ClusterClient;
  /** Those that this engine closes. */
  readonly ownNodes: ClusterNodes | undefined;
  readonly view: ClusterView;
  /** Of a target with a queue of Kueue. */
  readonly queue: QueueView | undefined;
  readonly loop: AttemptLoop;
  readonly files: AttemptFiles;
  readonly environments: EnvironmentStore;
  readonly target: TargetOptions;
  readonly clock: Clock;
  readonly agents: AgentService;
  readonly url: string;
}

class ClusterCompute implements KubernetesCompute {
  readonly agents: AgentService;
  readonly url: string;
  readonly #dependencies: ClusterComputeDependencies;
  readonly #submitting = new Map<string, Promise<void>>();
  #lastOrder = 0;
  #isClosed = false;

  constructor(dependencies: ClusterComputeDependencies) {
    this.#dependencies = dependencies;
    this.agents = dependencies.agents;
    this.url = dependencies.url;
  }

  get isIdle(): boolean {
    return this.#dependencies.view.jobs.length === 0 && this.#submitting.size === 0;
  }

  async abilities(): Promise<ComputeAbilities> {
    const { view, target } = this.#dependencies;
    return await Promise.resolve({
      isolationProblem: undefined,
      limits: 'cgroup',
      resources: largestTaskOfPools(view.nodes, target),
      images: true,
    });
  }

  async submit(spec: TaskSpec): Promise<void> {
    const { attempt } = spec;
    const already = this.#submitting.get(attempt);
    if (already !== undefined) return await already;
    const submission = this.#submit(spec).finally(() => this.#submitting.delete(attempt));
    this.#submitting.set(attempt, submission);
    await submission;
  }

  async status(attempt: string): Promise<TaskState | undefined> {
    if (!ATTEMPT.test(attempt)) return undefined;
    if (this.#submitting.has(attempt)) return { phase: 'preparing' };
    const { loop } = this.#dependencies;
    const state = loop.state(attempt);
    if (state !== undefined) return toTaskState(state);
    // Another process may have submitted it in this moment.
    return (await this.#readJob(attempt)) === undefined
      ? undefined
      : toTaskState(loop.state(attempt) ?? { phase: 'preparing' });
  }

  note(attempt: string): string | undefined {
    const state = this.#dependencies.loop.state(attempt);
    return state?.phase === 'preparing' || state?.phase === 'running' ? state.note : undefined;
  }

  async wait(attempt: string, signal: AbortSignal): Promise<TaskState | undefined> {
    for (;;) {
      const state = await this.status(attempt);
      const isOver = state?.phase !== 'preparing' && state?.phase !== 'running';
      if (isOver || signal.aborted || this.#isClosed) return state;
      await this.#change(attempt, signal);
    }
  }

  async *logs(attempt: string, { from, follow = false, signal }: LogOptions = {}): AsyncIterable<LogChunk> {
    let position = from === undefined ? 0 : readPosition(from);
    if (!ATTEMPT.test(attempt)) return;
    const { files, loop } = this.#dependencies;
    const unfollow = follow ? loop.follow(attempt) : undefined;
    try {
      for (;;) {
        // Before the read, so that it sees everything that was stored until then.
        const state = await this.status(attempt);
        const isOver = state?.phase !== 'preparing' && state?.phase !== 'running';
        const positions = state === undefined ? [] : await files.logPositions(attempt);
        for (const [index, start] of positions.entries()) {
          if ((positions[index + 1] ?? Infinity) <= position) continue;
          const bytes = await files.getLog(attempt, start);
          if (signal?.aborted === true) return;
          if (bytes === undefined || start + bytes.length <= position) continue;
          const rest = bytes.subarray(Math.max(0, position - start));
          position = start + bytes.length;
          yield { bytes: rest, next: String(position) };
        }
        if (isOver || !follow || signal?.aborted === true || this.#isClosed) return;
        await this.#change(attempt, signal, POLL_MS);
      }
    } finally {
      unfollow?.();
    }
  }

  async *outputs(attempt: string): AsyncIterable<OutputFile> {
    if (!ATTEMPT.test(attempt)) return;
    const { files, view } = this.#dependencies;
    const job = view.cached(attempt).job ?? (await this.#readJob(attempt));
    const begun = job && readBegun(job);
    if (job === undefined || begun === undefined || readEnd(job) === undefined) return;
    const report = await files.getReport(attempt, begun.podUid);
    if (report === undefined) return;
    const { outputs, outputsProblem } = report.end;
    if (outputsProblem !== undefined) throw new DaisError('invalid_request', outputsProblem);
    for (const { output, path, size, identity, executable, key } of outputs) {
      const locator = report.locators[key] ?? '';
      yield { output, path, size, identity, executable, open: async () => await files.openBytes(locator) };
    }
  }

  async cancel(attempt: string): Promise<void> {
    if (!ATTEMPT.test(attempt)) return;
    const { client, view, loop, clock } = this.#dependencies;
    await this.#submitting.get(attempt)?.catch(() => {});
    for (let conflicts = 0; conflicts < CONFLICTS; conflicts += 1) {
      const job = await this.#readJob(attempt);
      if (job === undefined || readEnd(job) !== undefined || readCancel(job) !== undefined) return;
      const record = formatRecord({ reason: 'canceled', at: new Date(clock.now()) });
      try {
        view.note(
          await client.patch(view.jobReference(attempt), {
            merge: { metadata: { annotations: { [ANNOTATIONS.cancel]: record } } },
            resourceVersion: job.resourceVersion,
          }),
        );
        loop.wake(attempt);
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || (error.status !== 409 && error.status !== 404)) throw targetFailure(error);
      }
    }
  }

  async forget(attempt: string): Promise<void> {
    if (!ATTEMPT.test(attempt)) return;
    try {
      await this.#forget(attempt);
    } catch (error) {
      throw targetFailure(error);
    }
  }

  /** First the Job, which keeps it from being started again; last what it is found by. */
  async #forget(attempt: string): Promise<void> {
    const { client, view, queue, loop, files, target } = this.#dependencies;
    await this.#submitting.get(attempt)?.catch(() => {});
    const reference = view.jobReference(attempt);
    const { job: cached } = view.cached(attempt);
    const job = cached?.attempt === attempt ? cached : await this.#readJob(attempt);
    let last: KubernetesObject | undefined;
    if (job !== undefined) {
      await found(client.delete(reference, { propagationPolicy: 'Background' }));
      for (const { metadata } of await view.readRunningPods(job)) {
        const pod = { version: 'v1', resource: 'pods', namespace: target.namespace, name: metadata.name };
        // Killed: nobody wants its outputs any more.
        await found(client.delete(pod, { propagationPolicy: 'Background', gracePeriodSeconds: 1, uid: metadata.uid }));
      }
      await files.remove(attempt);
      // The garbage collector deletes what is left without the Job, too: it may remove its own finalizer in this moment.
      const finalizers = job.finalizers.filter((name) => name !== COLLECT_FINALIZER && name !== 'foregroundDeletion');
      last = await found(client.patch(reference, { merge: { metadata: { finalizers } } }));
      // The API server removes a deleted object together with its last finalizer.
      if ((last?.metadata.finalizers ?? []).length > 0) await this.#untilGone(attempt);
    } else {
      await files.remove(attempt);
    }
    view.noteDeleted(attempt, last);
    queue?.forget(reference.name);
    loop.forget(attempt);
  }

  async *attempts(owner?: string): AsyncIterable<string> {
    await Promise.resolve();
    for (const job of this.#dependencies.view.jobs) {
      if (owner === undefined || job.owner === owner) yield job.attempt;
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { loop, view, queue, ownNodes, client, watches } = this.#dependencies;
    await loop.close();
    await view.close();
    await queue?.close();
    await ownNodes?.close();
    client.close();
    watches.close();
  }

  async #submit(spec: TaskSpec): Promise<void> {
    const { attempt } = spec;
    const { view, loop, files, target, clock } = this.#dependencies;
    const pool = choosePool(target, spec);
    const placed = placeInPool(target, pool);
    const place = { target: placed, pool };
    checkSpec(spec, taskCapacity(view.nodes, place), nodesOf(place));
    checkTogether(view.nodes, place, spec.resources);
    if (spec.image !== undefined && !isImageReference(spec.image)) throw invalidImage(spec.image);
    // An attempt that the watch does not know is new, except for one of another process: its creation is refused below.
    if (view.cached(attempt).job !== undefined && (await this.#readJob(attempt)) !== undefined) return;
    const inputs: StoredBytes[] = [];
    for (const input of spec.inputs) {
      const bytes = input.text === undefined ? await input.open() : Readable.from([Buffer.from(input.text)]);
      inputs.push(await files.storeInput(attempt, bytes));
    }
    const environment = await this.#storeEnvironment(spec);
    const task = { resources: spec.resources, limits: spec.limits };
    const locators = [...inputs, ...(environment === undefined ? [] : [environment])].map(({ locator }) => locator);
    const stored = { order: orderOf(spec, inputs, environment), task, locators };
    const digest = createHash('sha256').update(JSON.stringify(stored)).digest('hex').slice(0, 32);
    await files.putOrder(attempt, digest, stored);
    this.#lastOrder = Math.max(this.#lastOrder + 1, clock.now() * 1000);
    const job = planJob(
      {
        attempt,
        ...(spec.owner !== undefined && { owner: spec.owner }),
        specDigest: digest,
        network: spec.network,
        ...(spec.image !== undefined && { image: spec.image }),
        ...(environment !== undefined && {
          environment: { lock: environment.digest, unpackedBytes: environment.unpackedBytes },
        }),
        ...task,
      },
      environment === undefined ? placed : onOwnArchitecture(placed),
      ROUND,
    );
    const order = String(this.#lastOrder).padStart(ORDER_DIGITS, '0');
    const annotations = { ...job.metadata.annotations, [ANNOTATIONS.order]: order };
    const content = { ...job, metadata: { ...job.metadata, annotations } } as unknown as KubernetesObject;
    loop.know(attempt, task);
    await loop.startOrder.create(keepJob(content), async (suspend) => {
      await this.#create({ ...content, spec: { ...job.spec, suspend } }, attempt);
    });
    loop.changed(attempt);
  }

  async #storeEnvironment({ environment }: TaskSpec): Promise<StoredEnvironment | undefined> {
    if (environment === undefined) return undefined;
    const { digest } = environment;
    if (digest === undefined) {
      throw new DaisError('invalid_request', 'This target needs the digest of the environment of a task.');
    }
    return await this.#dependencies.environments.store({ ...environment, digest });
  }

  async #create(content: KubernetesObject, attempt: string): Promise<void> {
    const { client, view } = this.#dependencies;
    const { name: _name, ...jobs } = view.jobReference(attempt);
    for (let conflicts = 0; ; conflicts += 1) {
      try {
        view.note(await client.create(jobs, content));
        return;
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 409) throw targetFailure(error);
        // Another process was faster: its order counts.
        if (error.reason === 'AlreadyExists') return;
        // Concurrent creations conflict at the quota of the namespace, which the API server counts.
        if (conflicts === CONFLICTS) throw targetFailure(error);
        await this.#pause(CONFLICT_MS);
      }
    }
  }

  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => void this.#dependencies.clock.after(ms, resolve));
  }

  /** Undefined when it does not exist. */
  async #readJob(attempt: string): Promise<KeptJob | undefined> {
    const { client, view } = this.#dependencies;
    try {
      const object = await found(client.get(view.jobReference(attempt)));
      const job = object && keepJob(object);
      // The name of another attempt can have the same hash only by intent.
      return job?.attempt === attempt ? job : undefined;
    } catch (error) {
      throw targetFailure(error);
    }
  }

  /** Resolves when its state may have changed, at the latest after `ms`. */
  async #change(attempt: string, signal?: AbortSignal, ms = 5000): Promise<void> {
    const { loop, clock } = this.#dependencies;
    // One signal may end the waiting for hundreds of tasks: that is no leak.
    if (signal !== undefined) setMaxListeners(0, signal);
    await new Promise<void>((resolve) => {
      const end = () => {
        cancel();
        unlisten();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.after(ms, end);
      const unlisten = loop.listen(attempt, end);
      signal?.addEventListener('abort', end);
    });
  }

  async #untilGone(attempt: string): Promise<void> {
    for (let checks = 0; checks < 50 && (await this.#readJob(attempt)) !== undefined; checks += 1) {
      await this.#pause(CONFLICT_MS);
    }
  }
}

function invalidImage(image: string): DaisError {
  const form = '`registry.example/team/train:1`';
  return new DaisError('invalid_request', `${JSON.stringify(image)} is no image name. Write it like ${form}.`);
}

/** @throws DaisError `invalid_request` for a text that is no position */
function readPosition(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new DaisError(
    'invalid_request',
    `${JSON.stringify(text)} is not a position in a log. Use \`next\` of a chunk.`,
  );
}

/** Programs in the environment are for the processors of this machine. */
function onOwnArchitecture(target: TargetOptions): TargetOptions {
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  return { ...target, nodeSelector: { 'kubernetes.io/arch': architecture, ...target.nodeSelector } };
}
