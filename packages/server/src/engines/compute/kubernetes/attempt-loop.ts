/**
 * Evaluates the attempts of a target whenever something about them changes, and performs the effects of the evaluation. It keeps only what it can lose:
 * the newest beats, who waits, and since when something was observed.
 */
import type { Clock } from '#lib/clock.ts';
import { ApiError } from '#lib/kubernetes/api-error.ts';
import type { ClusterClient } from '#lib/kubernetes/cluster-client.ts';
import type { Log } from '#lib/log.ts';
import type { BeatRequest, BeatResponse } from './agent-api.ts';
import type { AgentSession } from './agent-sessions.ts';
import { found, type AttemptObjects, type ClusterView, type KeptJob } from './cluster-view.ts';
import type { AgentBeat, AgentReport, AttemptFacts, Effect } from './plan/attempt-facts.ts';
import { formatEnd, readBegun, readEnd } from './plan/attempt-records.ts';
import type { AttemptState, FinalState } from './plan/attempt-state.ts';
import type { ClusterEvent } from './plan/cluster-objects.ts';
import { evaluateAttempt } from './plan/evaluate-attempt.ts';
import { ANNOTATIONS } from './plan/names.ts';
import type { TaskFacts } from './plan/pod-resources.ts';
import type { TargetOptions } from './plan/target-options.ts';
import type { QueueView } from './queue-view.ts';
import { readReport } from './read-report.ts';
import { StartOrder } from './start-order.ts';
import type { AttemptFiles, StoredReport } from './task-store.ts';

export interface AttemptLoopDependencies {
  readonly client: ClusterClient;
  readonly files: AttemptFiles;
  readonly target: TargetOptions;
  readonly clock: Clock;
  readonly log: Log;
}

export interface LogPart {
  readonly position: number;
  readonly bytes: Buffer;
  /** Output before it was dropped. */
  readonly isGap: boolean;
}

interface Tracked {
  task?: Pick<TaskFacts, 'resources' | 'limits'>;
  firstSeen: Readonly<Record<string, Date>>;
  beat?: AgentBeat;
  report?: AgentReport;
  /** Reason of the order to stop. */
  stop?: string;
  /** Position. */
  logEnd?: number;
  events: readonly ClusterEvent[];
  eventsAt: number;
  /** Readers that wait for its log. */
  followers: number;
  cancelTimer?: () => void;
  /** Ends before the next evaluation begins. */
  running?: Promise<void>;
  isPending: boolean;
  readonly listeners: Set<() => void>;
}

/** Events explain why a pod does not start; the API server is asked for them at most so often. */
const EVENTS_MS = 10_000;
const RETRY_MS = 2000;
const START_DELAY_MS = 50;
const BEAT_MS = 10_000;
const FOLLOWED_BEAT_MS = 1000;

export class AttemptLoop {
  readonly #dependencies: AttemptLoopDependencies;
  readonly #listeningSince: Date;
  readonly #tracked = new Map<string, Tracked>();
  readonly startOrder: StartOrder;
  #view: ClusterView | undefined;
  #queue: QueueView | undefined;
  #turns: ReadonlySet<string> = new Set();
  #cancelStart: (() => void) | undefined;
  #isClosed = false;

  constructor(dependencies: AttemptLoopDependencies) {
    this.#dependencies = dependencies;
    this.#listeningSince = new Date(dependencies.clock.now());
    this.startOrder = new StartOrder(dependencies.target, () => this.#requireView());
  }

  /** Must be called before everything else. `queue`: of a target with a queue of Kueue. */
  use(view: ClusterView, queue?: QueueView): void {
    this.#view = view;
    this.#queue = queue;
  }

  /** The watch reports a change; undefined: of a node. */
  changed(attempt: string | undefined): void {
    if (attempt === undefined) for (const job of this.#jobs()) this.wake(job.attempt);
    else this.wake(attempt);
    this.#scheduleStart();
  }

  /** Evaluates soon. */
  wake(attempt: string): void {
    if (this.#isClosed) return;
    const tracked = this.#track(attempt);
    for (const listener of tracked.listeners) listener();
    if (tracked.running !== undefined) {
      tracked.isPending = true;
      return;
    }
    tracked.isPending = false;
    tracked.running = this.#evaluate(attempt, tracked).finally(() => {
      delete tracked.running;
      if (tracked.isPending) this.wake(attempt);
    });
  }

  /** Undefined when no watch knows its Job. */
  state(attempt: string): AttemptState | undefined {
    const objects = this.#requireView().cached(attempt);
    if (objects.job === undefined) return undefined;
    const tracked = this.#track(attempt);
    const facts = this.#facts(attempt, tracked, objects, false);
    return evaluateAttempt(facts, new Date(this.#dependencies.clock.now()), tracked.firstSeen).state;
  }

  /** What the submission knows, before it is read from the object store. */
  know(attempt: string, task: Pick<TaskFacts, 'resources' | 'limits'>): void {
    this.#track(attempt).task = task;
  }

  /** Calls `listener` when something of the attempt changes. Returns what ends that. */
  listen(attempt: string, listener: () => void): () => void {
    const { listeners } = this.#track(attempt);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  /** While somebody follows the log, the agent sends it without delay. */
  follow(attempt: string): () => void {
    const tracked = this.#track(attempt);
    tracked.followers += 1;
    for (const listener of tracked.listeners) listener();
    return () => void (tracked.followers -= 1);
  }

  /** Resolves when there is an order for the agent, when `signal` aborts, or after the time that it waits. */
  async beat(
    { attempt, podUid, clockOffsetMs }: AgentSession,
    beat: BeatRequest,
    signal?: AbortSignal,
  ): Promise<BeatResponse> {
    const { clock } = this.#dependencies;
    const tracked = this.#track(attempt);
    const { phase, startedAt } = beat;
    tracked.beat = {
      podUid,
      phase,
      at: new Date(clock.now()),
      ...(startedAt !== undefined && { startedAt: new Date(startedAt + clockOffsetMs) }),
    };
    this.wake(attempt);
    const wasFollowed = tracked.followers > 0;
    const until = clock.now() + Math.min(Math.max(0, beat.waitMs), BEAT_MS);
    const isAborted = () => signal?.aborted === true;
    while (
      tracked.stop === undefined &&
      clock.now() < until &&
      tracked.followers > 0 === wasFollowed &&
      !isAborted() &&
      !this.#isClosed
    ) {
      await this.#pause(tracked, until - clock.now(), signal);
    }
    const followed = tracked.followers > 0;
    const nextMs = followed ? FOLLOWED_BEAT_MS : BEAT_MS;
    return { followed, nextMs, ...(tracked.stop !== undefined && { order: 'cancel' }) };
  }

  /**
   * Stores a part of the log, durable when it resolves, and deletes the oldest parts beyond the limit of the log. Returns where the stored log ends
   * if bytes before this part are missing: then it stores nothing, except after a gap.
   */
  async appendLog(attempt: string, { position, bytes, isGap }: LogPart): Promise<number | undefined> {
    const { files } = this.#dependencies;
    const tracked = this.#track(attempt);
    let end = tracked.logEnd ?? (await this.#storedLogEnd(attempt));
    // Another process may have stored a part.
    if (position > end && !isGap) end = await this.#storedLogEnd(attempt);
    if (position > end && !isGap) return end;
    await files.putLog(attempt, position, bytes);
    tracked.logEnd = Math.max(end, position + bytes.length);
    for (const listener of tracked.listeners) listener();
    const most = tracked.task?.limits.logBytes;
    if (most === undefined) return undefined;
    const positions = await files.logPositions(attempt);
    // The agent sends parts of at most an eighth of the limit: the log keeps at least seven eighths.
    for (const [index, start] of positions.entries()) {
      if (start >= position + bytes.length - most || index === positions.length - 1) break;
      await files.deleteLog(attempt, start);
    }
    return undefined;
  }

  async #storedLogEnd(attempt: string): Promise<number> {
    const { files } = this.#dependencies;
    const last = (await files.logPositions(attempt)).at(-1);
    return last === undefined ? 0 : last + ((await files.getLog(attempt, last))?.length ?? 0);
  }

  /** Durable when it resolves. */
  async report(attempt: string, stored: StoredReport): Promise<void> {
    await this.#dependencies.files.putReport(attempt, stored);
    this.#track(attempt).report = readReport(stored);
    this.wake(attempt);
  }

  /** Nothing is known of the attempt any more. */
  forget(attempt: string): void {
    const tracked = this.#tracked.get(attempt);
    if (tracked === undefined) return;
    tracked.cancelTimer?.();
    for (const listener of tracked.listeners) listener();
    if (tracked.listeners.size === 0) this.#tracked.delete(attempt);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelStart?.();
    for (const tracked of this.#tracked.values()) {
      tracked.cancelTimer?.();
      for (const listener of tracked.listeners) listener();
    }
    await Promise.all([...this.#tracked.values()].map(async ({ running }) => await running));
  }

  async #evaluate(attempt: string, tracked: Tracked): Promise<void> {
    const { clock, log } = this.#dependencies;
    tracked.cancelTimer?.();
    try {
      await this.#load(attempt, tracked);
      let isConfirmed = false;
      let objects = this.#requireView().cached(attempt);
      // A Job of another installation, or one that was forgotten.
      if (objects.job === undefined) return this.forget(attempt);
      for (;;) {
        const facts = this.#facts(attempt, tracked, objects, isConfirmed);
        const { effects, firstSeen, reviewAt } = evaluateAttempt(facts, new Date(clock.now()), tracked.firstSeen);
        tracked.firstSeen = firstSeen;
        for (const effect of effects) {
          if (effect.kind !== 'confirm') await this.#perform(effect, attempt, tracked, objects.job);
        }
        const again = effects.some(({ kind }) => kind === 'record');
        if (effects.some(({ kind }) => kind === 'confirm') && !isConfirmed) {
          isConfirmed = true;
          objects = await this.#requireView().read(attempt);
          if (objects.job !== undefined) continue;
        }
        if (reviewAt !== undefined) this.#reviewIn(attempt, tracked, reviewAt.getTime() - clock.now());
        if (again) tracked.isPending = true;
        return;
      }
    } catch (error) {
      if (this.#isClosed) return;
      log.warn('an attempt on Kubernetes was not evaluated, which is repeated', { attempt, error });
      this.#reviewIn(attempt, tracked, RETRY_MS);
    }
  }

  #facts(attempt: string, tracked: Tracked, objects: AttemptObjects, isConfirmed: boolean): AttemptFacts {
    const { target } = this.#dependencies;
    const { task = { resources: {}, limits: {} }, beat, report, events } = tracked;
    return {
      task,
      target,
      ...objects,
      events,
      ...(beat !== undefined && { beat }),
      ...(report !== undefined && { report }),
      isTurn: this.#turns.has(attempt),
      ...this.#queueFacts(objects.job),
      isConfirmed,
      listeningSince: this.#listeningSince,
    };
  }

  #queueFacts(job: KeptJob | undefined): Pick<AttemptFacts, 'queueNote' | 'eviction'> {
    if (this.#queue === undefined || job === undefined) return {};
    const eviction = this.#queue.eviction(job.metadata.name);
    return {
      ...(job.spec.suspend === true && { queueNote: this.#queue.note(job.metadata.name) }),
      ...(eviction !== undefined && { eviction }),
    };
  }

  /** Reads what the evaluation needs from the object store and from events. */
  async #load(attempt: string, tracked: Tracked): Promise<void> {
    const { files, clock } = this.#dependencies;
    const objects = this.#requireView().cached(attempt);
    const { job, pods } = objects;
    if (job === undefined || readEnd(job) !== undefined) return;
    tracked.task ??= (await files.getOrder(attempt, job.metadata.annotations?.[ANNOTATIONS.spec] ?? ''))?.task ?? {
      resources: {},
      limits: {},
    };
    const begun = readBegun(job);
    if (begun !== undefined && tracked.report === undefined && tracked.beat === undefined) {
      // Another process, or this one before a restart, received it.
      const stored = await files.getReport(attempt, begun.podUid);
      if (stored !== undefined) tracked.report = readReport(stored);
    }
    const isStarting = begun === undefined && job.spec.suspend !== true;
    const isSilent = begun !== undefined && pods.every(({ status }) => status?.phase !== 'Running');
    if ((isStarting || isSilent) && clock.now() - tracked.eventsAt > EVENTS_MS) {
      // The first events of a pod arrive after it; a pod that starts as usual needs none.
      const view = this.#requireView();
      if (tracked.eventsAt > 0) tracked.events = isSilent ? await view.events(objects) : await view.warnings(objects);
      tracked.eventsAt = clock.now();
      if (isStarting) this.#reviewIn(attempt, tracked, EVENTS_MS + 1);
    }
  }

  async #perform(effect: Effect, attempt: string, tracked: Tracked, job: KeptJob | undefined): Promise<void> {
    const { client } = this.#dependencies;
    const view = this.#requireView();
    switch (effect.kind) {
      case 'unsuspend':
        view.note(await client.patch(view.jobReference(attempt), { merge: { spec: { suspend: false } } }));
        break;
      case 'record':
        await this.#record(attempt, effect.end, job);
        break;
      case 'order-stop':
        if (tracked.stop === undefined) {
          tracked.stop = effect.reason;
          for (const listener of tracked.listeners) listener();
        }
        break;
      case 'delete-pods':
        for (const { metadata } of view.cached(attempt).pods) {
          const reference = { version: 'v1', resource: 'pods', namespace: this.#dependencies.target.namespace };
          await found(
            client.delete(
              { ...reference, name: metadata.name },
              { propagationPolicy: 'Background', uid: metadata.uid },
            ),
          );
        }
        break;
      case 'delete-job':
        await found(client.delete(view.jobReference(attempt), { propagationPolicy: this.#propagation }));
        break;
      case 'confirm':
    }
  }

  /** The finalizer keeps the Job, and Kueue would keep the quota for it: its Workload is deleted together with its pods. */
  get #propagation(): 'Background' | 'Foreground' {
    return this.#queue === undefined ? 'Background' : 'Foreground';
  }

  /** The first writer wins: with another version of the Job the attempt is evaluated again. */
  async #record(attempt: string, end: FinalState, job: KeptJob | undefined): Promise<void> {
    if (job === undefined) return;
    const { client } = this.#dependencies;
    const view = this.#requireView();
    const annotations = { [ANNOTATIONS.end]: formatEnd(end) };
    try {
      view.note(
        await client.patch(view.jobReference(attempt), {
          merge: { metadata: { annotations } },
          resourceVersion: job.resourceVersion,
        }),
      );
    } catch (error) {
      if (!(error instanceof ApiError) || (error.status !== 409 && error.status !== 404)) throw error;
      const object = await found(client.get(view.jobReference(attempt)));
      if (object !== undefined) view.note(object);
    }
    this.#scheduleStart();
  }

  /** Wakes the tasks whose turn has come. */
  #scheduleStart(): void {
    if (this.#dependencies.target.kueueQueue !== undefined || this.#isClosed) return;
    this.#cancelStart ??= this.#dependencies.clock.after(START_DELAY_MS, () => {
      this.#cancelStart = undefined;
      const view = this.#requireView();
      this.#turns = this.startOrder.starts(view);
      for (const attempt of this.#turns) this.wake(attempt);
    });
  }

  #reviewIn(attempt: string, tracked: Tracked, ms: number): void {
    tracked.cancelTimer?.();
    tracked.cancelTimer = this.#dependencies.clock.after(Math.max(0, ms), () => this.wake(attempt));
  }

  /** Resolves with the next change, or after the time. */
  async #pause(tracked: Tracked, ms: number, signal?: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const end = () => {
        cancel();
        tracked.listeners.delete(end);
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = this.#dependencies.clock.after(ms, end);
      tracked.listeners.add(end);
      signal?.addEventListener('abort', end);
    });
  }

  #track(attempt: string): Tracked {
    let tracked = this.#tracked.get(attempt);
    if (tracked === undefined) {
      tracked = { firstSeen: {}, events: [], eventsAt: 0, followers: 0, isPending: false, listeners: new Set() };
      this.#tracked.set(attempt, tracked);
    }
    return tracked;
  }

  #jobs(): readonly KeptJob[] {
    return this.#requireView().jobs.filter((job) => readEnd(job) === undefined);
  }

  #requireView(): ClusterView {
    if (this.#view === undefined) throw new Error('The loop has no view of the cluster yet.');
    return this.#view;
  }
}
