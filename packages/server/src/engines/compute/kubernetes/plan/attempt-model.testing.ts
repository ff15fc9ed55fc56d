/**
 * A plain model of what happens to an attempt: a cluster with versions, and a process of Dais that evaluates it with old caches, lost
 * effects and lost memory. It checks what must hold for each evaluation.
 */
import assert from 'node:assert/strict';
import { START } from './attempt.testing.ts';
import type { AgentBeat, AgentReport, AttemptFacts, CommandReport, Effect, Evaluation } from './attempt-facts.ts';
import { formatEnd, formatRecord } from './attempt-records.ts';
import type { FinalState } from './attempt-state.ts';
import type { ClusterEvent, ContainerStatus, JobObject, PodObject } from './cluster-objects.ts';
import { evaluateAttempt } from './evaluate-attempt.ts';
import { ANNOTATIONS } from './names.ts';

const SECOND = 1000;
const DAY = 86_400;

export type State = NonNullable<ContainerStatus['state']>;
export interface ModelPod {
  readonly uid: string;
  phase: string;
  reason: string;
  message: string;
  disruption: string;
  unschedulable: string;
  isDeleted: boolean;
  agent: State;
  task: State;
}

/** The cluster and the agents. Each change has a version, as in the API server. */
export class Cluster {
  version = 1;
  now = START.getTime();
  annotations: Record<string, string> = {};
  exists = true;
  isSuspended = true;
  isDeleted = false;
  failed = '';
  pods: ModelPod[] = [];
  node: 'ready' | 'not-ready' | 'absent' = 'ready';
  events: ClusterEvent[] = [];
  beat: AgentBeat | undefined;
  report: AgentReport | undefined;
  #created = 0;

  // What happened, for the properties.
  begunUid = '';
  end: FinalState | undefined;
  isProvenByLimit = false;
  hasReportedEnd = false;
  isCanceledBeforeStart = false;
  hasRefusalReason = false;

  get pod(): ModelPod | undefined {
    return this.pods[0];
  }

  createPod(): void {
    if (this.isSuspended || this.isDeleted || !this.exists || this.#created >= 3 || this.pods.length > 1) return;
    this.#created++;
    const nothing = { phase: 'Pending', reason: '', message: '', disruption: '', unschedulable: '', isDeleted: false };
    const waiting = { waiting: { reason: 'PodInitializing' } };
    this.pods.push({ uid: `pod-${this.#created}`, ...nothing, agent: waiting, task: waiting });
  }

  /** The fence: one pod begins, and only while there is neither an end nor a cancellation. */
  begin(): void {
    const { pod } = this;
    if (pod === undefined || !this.exists || this.begunUid !== '' || this.end !== undefined) return;
    if (this.annotations[ANNOTATIONS.cancel] !== undefined || pod.agent.running === undefined) return;
    this.begunUid = pod.uid;
    this.annotations[ANNOTATIONS.begun] = formatRecord({ podUid: pod.uid, round: 1, at: new Date(this.now) });
  }

  /** Only the pod that has begun reports; `isForeign`: another one, which must be ignored. */
  reportEnd(report: CommandReport, isForeign: boolean): void {
    if (this.begunUid === '') return;
    this.report = { ...report, podUid: isForeign ? 'pod-9' : this.begunUid, round: 1 };
    if (!isForeign) this.hasReportedEnd = true;
  }

  cancel(): void {
    this.annotations[ANNOTATIONS.cancel] ??= formatRecord({ reason: 'a person', at: new Date(this.now) });
    if (this.begunUid === '') this.isCanceledBeforeStart = true;
  }

  view(isConfirmed: boolean): AttemptFacts {
    const metadata = { name: 'dais-t-r1', annotations: { ...this.annotations } };
    const deleted = { deletionTimestamp: START.toISOString() };
    const job: JobObject = {
      metadata: { ...metadata, ...(this.isDeleted && deleted) },
      spec: { suspend: this.isSuspended },
      status: { conditions: this.failed === '' ? [] : [{ type: 'Failed', status: 'True', reason: this.failed }] },
    };
    return {
      task: { resources: { cpu: 1, memory: 1000 }, limits: {} },
      target: { pendingTimeoutMs: 600 * SECOND },
      job: this.exists ? job : undefined,
      pods: this.pods.map((pod): PodObject => ({
        metadata: { name: pod.uid, uid: pod.uid, ...(pod.isDeleted && deleted) },
        spec: pod.unschedulable === '' ? { nodeName: 'n1' } : {},
        status: {
          phase: pod.phase,
          reason: pod.reason,
          message: pod.message,
          conditions: [
            ...(pod.unschedulable === ''
              ? []
              : [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: pod.unschedulable }]),
            ...(pod.disruption === '' ? [] : [{ type: 'DisruptionTarget', status: 'True', reason: pod.disruption }]),
          ],
          initContainerStatuses: [{ name: 'agent', state: pod.agent }],
          containerStatuses: [{ name: 'task', state: pod.task }],
        },
      })),
      node: this.node,
      events: [...this.events],
      ...(this.beat !== undefined && { beat: this.beat }),
      ...(this.report !== undefined && { report: this.report }),
      isTurn: true,
      isConfirmed,
      listeningSince: START,
    };
  }
}

/** Something that happens. Each may happen at any time, also when it makes no sense. */
export type Action = (cluster: Cluster) => void;

/** How a process evaluates: with an older view, after it has lost its memory, or twice. */
export interface Turn {
  readonly action: Action;
  readonly age: number;
  readonly forgets: boolean;
  readonly losesEffects: boolean;
}

export class ModelProcess {
  readonly cluster = new Cluster();
  #views: { readonly facts: AttemptFacts; readonly version: number }[] = [];
  #firstSeen: Readonly<Record<string, Date>> = {};

  take({ action, age, forgets, losesEffects }: Turn): void {
    action(this.cluster);
    this.cluster.version++;
    this.#views.push({ facts: this.cluster.view(false), version: this.cluster.version });
    if (forgets) this.#firstSeen = {};
    const view = this.#views.at(-1 - age) ?? this.#views.at(-1);
    if (view !== undefined) this.evaluate(view.facts, view.version, losesEffects);
  }

  evaluate(facts: AttemptFacts, version: number, losesEffects: boolean): void {
    const now = new Date(this.cluster.now);
    const evaluation = evaluateAttempt(facts, now, this.#firstSeen);
    assert.deepEqual(evaluateAttempt(facts, now, this.#firstSeen), evaluation);
    this.#firstSeen = evaluation.firstSeen;
    this.#check(facts, evaluation);
    for (const effect of losesEffects ? [] : evaluation.effects) this.#perform(effect, version);
  }

  /** What holds for each evaluation, of current and of old views. */
  #check(facts: AttemptFacts, { state, effects, reviewAt }: Evaluation): void {
    const { cluster } = this;
    const isFinal = state.phase === 'ended' || state.phase === 'lost' || state.phase === 'refused';
    const hasRecord = facts.job?.metadata.annotations?.[ANNOTATIONS.end] !== undefined;
    // Final states are those that are recorded, and they never change.
    assert.equal(isFinal, hasRecord);
    if (hasRecord) assert.deepEqual(state, cluster.end);
    if (reviewAt !== undefined) assert.ok(reviewAt.getTime() > cluster.now);
    const record = effects.find((effect) => effect.kind === 'record');
    if (record === undefined) return;
    assert.equal(hasRecord, false);
    if (record.end.phase !== 'ended') assert.ok(facts.isConfirmed);
    if (record.end.phase === 'ended') {
      assert.ok(cluster.hasReportedEnd || cluster.isProvenByLimit || cluster.isCanceledBeforeStart);
    }
    if (record.end.phase === 'refused') assert.ok(cluster.hasRefusalReason);
    // A command that succeeded is never repeated, whatever happened to its pod later.
    const { report } = facts;
    if (
      report?.outcome === 'ended' &&
      report.end === 'exit' &&
      report.code === 0 &&
      report.podUid === cluster.begunUid
    ) {
      assert.partialDeepStrictEqual(record.end, { phase: 'ended', end: 'exit', code: 0 });
    }
  }

  #perform(effect: Effect, version: number): void {
    const { cluster } = this;
    switch (effect.kind) {
      case 'record':
        // Compare and set: the view must be the current one.
        if (version !== cluster.version || cluster.end !== undefined) return;
        cluster.end = effect.end;
        cluster.annotations[ANNOTATIONS.end] = formatEnd(effect.end);
        return;
      case 'confirm':
        return this.evaluate(cluster.view(true), cluster.version, false);
      case 'unsuspend':
        cluster.isSuspended = false;
        return;
      case 'delete-job':
        cluster.isDeleted = true;
        return;
      case 'delete-pods':
        for (const pod of cluster.pods) pod.isDeleted = true;
        return;
      case 'order-stop':
    }
  }

  /** Everything has ended, and time passes: the attempt must become final. */
  finish(): void {
    const { cluster } = this;
    cluster.isSuspended = false;
    cluster.pods = [];
    cluster.failed = 'BackoffLimitExceeded';
    for (let day = 0; day < 3; day++) {
      cluster.now += DAY * SECOND;
      cluster.version++;
      this.evaluate(cluster.view(false), cluster.version, false);
    }
  }
}
