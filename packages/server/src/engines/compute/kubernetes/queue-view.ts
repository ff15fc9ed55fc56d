/** What Kueue says about the tasks of a namespace, from watches of its objects. Only a target with a queue has it: without it, tasks only lack their notes. */
import type { Clock } from '#lib/clock.ts';
import { pause } from '#lib/concurrency/pause.ts';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import { classifyFailure } from '#lib/kubernetes/classify-failure.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import { Reflector } from '#lib/kubernetes/reflector.ts';
import type { Log } from '#lib/log.ts';
import {
  keepLocalQueue,
  keepWorkload,
  KUEUE_GROUP,
  kueueVersion,
  unknownVersions,
  type LocalQueueObject,
  type WorkloadObject,
} from './plan/queue-objects.ts';
import { evictionOf, queueNote, type Eviction } from './plan/queue-note.ts';

export interface QueueViewOptions {
  readonly client: ClusterClient;
  /** For the watches and their lists. */
  readonly watches: ClusterClient;
  readonly namespace: string;
  /** LocalQueue. */
  readonly queue: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** What Kueue says about a Job differs. Undefined: about all Jobs. */
  readonly changed: (job: string | undefined) => void;
}

interface Watches {
  readonly workloads: Reflector<WorkloadObject>;
  readonly queues: Reflector<LocalQueueObject>;
}

/** Kueue may be installed later. */
const ABSENT_MS = 30_000;
const RETRY_MS = 5000;

export class QueueView {
  readonly #options: QueueViewOptions;
  readonly #stop = new AbortController();
  readonly #opened: Promise<void>;
  /** The newest Workload of each Job. */
  readonly #workloads = new Map<string, WorkloadObject>();
  /** Kept after Dais has deleted the Job, and Kueue its Workload. */
  readonly #evictions = new Map<string, Eviction>();
  /** Since when a Job has no Workload. */
  readonly #missingSince = new Map<string, number>();
  #watches: Watches | undefined;
  /** Why Workloads cannot be read. */
  #problem: string | undefined;

  /** Starts immediately. */
  constructor(options: QueueViewOptions) {
    this.#options = options;
    this.#opened = this.#open();
  }

  /** What a suspended Job waits for, as a part of a sentence. */
  note(job: string): string {
    const { queue, namespace, clock } = this.#options;
    const problem = this.#problem ?? this.#failure();
    if (problem !== undefined) return `waits in the queue \`${queue}\`. ${problem}`.replace(/\.$/, '');
    const workload = this.#workloads.get(job);
    const isKnown = workload !== undefined || this.#watches?.workloads.state.isSynced !== true;
    if (isKnown) this.#missingSince.delete(job);
    else if (!this.#missingSince.has(job)) this.#missingSince.set(job, clock.now());
    return queueNote({
      queue,
      namespace,
      localQueue: this.#localQueue(),
      workload,
      missingMs: clock.now() - (this.#missingSince.get(job) ?? clock.now()),
      now: new Date(clock.now()),
    });
  }

  /** Undefined when Kueue did not stop it. */
  eviction(job: string): Eviction | undefined {
    return this.#evictions.get(job);
  }

  /** The Job was forgotten. */
  forget(job: string): void {
    for (const map of [this.#workloads, this.#evictions, this.#missingSince]) map.delete(job);
  }

  async close(): Promise<void> {
    this.#stop.abort(new Error('the view of the queue was closed'));
    await this.#opened;
    await Promise.all([this.#watches?.workloads.close(), this.#watches?.queues.close()]);
  }

  #localQueue(): LocalQueueObject | undefined | 'unknown' {
    const { namespace, queue } = this.#options;
    const queues = this.#watches?.queues;
    return queues?.state.isSynced === true ? queues.cache.get(`${namespace}/${queue}`) : 'unknown';
  }

  /** A watch that never delivered anything, and why. */
  #failure(): string | undefined {
    for (const { state } of Object.values(this.#watches ?? {})) {
      if (!state.isSynced && state.lastError !== undefined) return state.lastError.message;
    }
    return undefined;
  }

  async #open(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stop;
    while (!signal.aborted) {
      try {
        const version = await this.#discover();
        if (version !== undefined) {
          this.#watches = this.#watch(version);
          return;
        }
        await pause(clock, ABSENT_MS, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn('the API of Kueue was not found out, which is repeated', { error });
        await pause(clock, RETRY_MS, signal).catch(() => {});
      }
    }
  }

  /** Returns the version to read. */
  async #discover(): Promise<string | undefined> {
    const { client } = this.#options;
    let served: readonly string[];
    try {
      const group = await client.read(`/apis/${KUEUE_GROUP}`, {}, { signal: this.#stop.signal });
      const { versions } = JSON.parse(group) as { readonly versions: readonly { readonly version: string }[] };
      served = versions.map(({ version }) => version);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.#report(
        error.status === 404
          ? 'Kueue is not installed in the cluster: install it, or remove `spec.kueue` of the target.'
          : classifyFailure(error)?.message,
      );
      return undefined;
    }
    const version = kueueVersion(served);
    this.#report(version === undefined ? unknownVersions(served) : undefined);
    return version;
  }

  #report(problem: string | undefined): void {
    this.#problem = problem;
    this.#options.changed(undefined);
  }

  #watch(version: string): Watches {
    const { watches, namespace, queue, clock, random, log, changed } = this.#options;
    const shared = { clock, random, log };
    const of = { group: KUEUE_GROUP, version, namespace };
    return {
      workloads: new Reflector<WorkloadObject>(watches, {
        ...shared,
        collection: { ...of, resource: 'workloads' },
        project: keepWorkload,
        changed: (key, workload) => this.#keep(key, workload),
      }),
      queues: new Reflector<LocalQueueObject>(watches, {
        ...shared,
        fieldSelector: `metadata.name=${queue}`,
        collection: { ...of, resource: 'localqueues' },
        project: keepLocalQueue,
        changed: () => changed(undefined),
      }),
    };
  }

  #keep(key: string, workload: WorkloadObject | undefined): void {
    if (workload === undefined) {
      const name = key.slice(key.indexOf('/') + 1);
      for (const [job, known] of this.#workloads) if (known.name === name) this.#workloads.delete(job);
      return;
    }
    const { job } = workload;
    if (job === undefined) return;
    const known = this.#workloads.get(job);
    // Kueue replaces the Workload of a Job that changed while it was suspended.
    if (known !== undefined && known.name !== workload.name && known.createdAt > workload.createdAt) return;
    this.#workloads.set(job, workload);
    const eviction = evictionOf(workload);
    if (eviction === undefined) this.#evictions.delete(job);
    else this.#evictions.set(job, eviction);
    this.#options.changed(job);
  }
}
