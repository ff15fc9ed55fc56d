/**
 * Evaluates an attempt: joins what the agent reported with what the cluster shows. It performs nothing: it returns the state that
 * may be reported, the effects to perform, and when to evaluate again.
 */
import type { AgentReport, AttemptFacts, Effect, Evaluation } from './attempt-facts.ts';
import { readBegun, readCancel, readEnd, type BegunRecord, type CancelRecord } from './attempt-records.ts';
import type { ActiveState, EndedState, FinalState } from './attempt-state.ts';
import { hasEnded, taskTermination, trueCondition, type JobObject, type PodObject } from './cluster-objects.ts';
import { ObservationClock, SECOND_SOURCE_MS } from './observation-clock.ts';
import { disturbance, explainEnd, lost, startError } from './pod-end.ts';
import { podGraceSeconds } from './pod-plan.ts';
import { evaluateCreation, evaluateStart, evaluateTaskContainer } from './pod-waiting.ts';
import { evaluateReport } from './reported-end.ts';
import { stopReason, type Stop } from './stop-reason.ts';

const SECOND = 1000;
const SILENCE_MS = 120 * SECOND;
/** After the grace period of a pod: kubelet reports the end of a pod after it has ended. */
const TERMINATION_MS = 60 * SECOND;

/** An end to record, or what is known while there is none. */
interface Decision {
  readonly end?: FinalState;
  readonly note?: string;
  readonly effects?: readonly Effect[];
}

export function evaluateAttempt(facts: AttemptFacts, now: Date, firstSeen: Readonly<Record<string, Date>>): Evaluation {
  const clock = new ObservationClock(now, firstSeen);
  const { job } = facts;
  if (job === undefined) return evaluateMissingJob(facts, clock);
  const stored = readEnd(job);
  if (stored !== undefined) return finish(stored, cleanUp(facts, job, stored, clock), clock);
  const { end, note, effects = [] } = decide(facts, job, clock);
  const state = activeState(facts, readBegun(job), note);
  if (end === undefined) return finish(state, effects, clock);
  // A cache may be old, and a loss starts the task a second time. A refusal is final for the step.
  const isEarly = end.phase !== 'ended' && !facts.isConfirmed;
  return finish(state, [...effects, isEarly ? { kind: 'confirm' } : { kind: 'record', end }], clock);
}

function finish(state: Evaluation['state'], effects: readonly Effect[], clock: ObservationClock): Evaluation {
  const { reviewAt, firstSeen } = clock;
  return { state, effects, firstSeen, ...(reviewAt !== undefined && { reviewAt }) };
}

/** The finalizer keeps the Job until the attempt is forgotten, so a person has removed both. */
function evaluateMissingJob(facts: AttemptFacts, clock: ObservationClock): Evaluation {
  if (!facts.isConfirmed) return finish(activeState(facts, undefined, undefined), [{ kind: 'confirm' }], clock);
  const state = lost('deleted', 'Its Job was deleted together with its finalizer. The result is unknown.');
  return finish(state, deletePods(facts.pods), clock);
}

/** After the end: nothing of the attempt continues to run. */
function cleanUp(facts: AttemptFacts, job: JobObject, end: FinalState, clock: ObservationClock): readonly Effect[] {
  // After an end that the agent reported, the pod ends automatically, and its shim exits with the code of the command.
  const isEnding = end.phase === 'ended' && readBegun(job) !== undefined;
  const isRunning = facts.pods.some((pod) => !hasEnded(pod));
  if (isEnding) return isRunning && clock.hasLasted('ending', TERMINATION_MS) ? deletePods(facts.pods) : [];
  const isOver = trueCondition(job, 'Complete') !== undefined || trueCondition(job, 'Failed') !== undefined;
  const isDeleted = job.metadata.deletionTimestamp !== undefined;
  return [...(isOver || isDeleted ? [] : [{ kind: 'delete-job' } as const]), ...deletePods(facts.pods)];
}

function deletePods(pods: readonly PodObject[]): readonly Effect[] {
  const isRunning = pods.some((pod) => !hasEnded(pod) && pod.metadata.deletionTimestamp === undefined);
  return isRunning ? [{ kind: 'delete-pods' }] : [];
}

function activeState({ beat }: AttemptFacts, begun: BegunRecord | undefined, note: string | undefined): ActiveState {
  const text = note ?? beat?.note;
  const shown = text === undefined ? {} : { note: text };
  if (begun === undefined || beat?.podUid !== begun.podUid || beat.startedAt === undefined) {
    return { phase: 'preparing', ...shown };
  }
  return { phase: 'running', startedAt: beat.startedAt, devices: beat.devices ?? [], ...shown };
}

function decide(facts: AttemptFacts, job: JobObject, clock: ObservationClock): Decision {
  const begun = readBegun(job);
  const cancel = readCancel(job);
  return begun === undefined
    ? decideBeforeStart(facts, job, cancel, clock)
    : decideAfterStart(facts, job, { begun, cancel }, clock);
}

/** No pod has started the command. The record of the end and that of a start exclude each other. */
function decideBeforeStart(
  facts: AttemptFacts,
  job: JobObject,
  cancel: CancelRecord | undefined,
  clock: ObservationClock,
): Decision {
  if (cancel !== undefined) return { end: canceledBeforeStart(cancel) };
  if (job.metadata.deletionTimestamp !== undefined) {
    return { end: lost('deleted', 'Its Job was deleted before it started the command.') };
  }
  const pod = newestPod(facts.pods);
  if (job.spec.suspend === true) return decideSuspended(facts);
  if (pod === undefined) {
    const isOver = trueCondition(job, 'Failed') !== undefined || trueCondition(job, 'Complete') !== undefined;
    if (!isOver) return evaluateCreation(facts, clock);
    if (!clock.hasLasted('no-pod', SECOND_SOURCE_MS)) return { note: 'its pod does not exist any more' };
    return { end: explainEnd({ facts, begun: undefined, pod, now: clock.now }) };
  }
  const ended = decidePodEnd(facts, pod, undefined, clock);
  if (ended !== undefined) return ended;
  const waiting = evaluateStart(facts, pod, clock);
  return 'end' in waiting ? { end: waiting.end } : { note: waiting.note };
}

function decideSuspended({ target, isTurn, queueNote }: AttemptFacts): Decision {
  const isKueue = target.kueueQueue !== undefined;
  const note =
    queueNote ?? (isKueue ? `waits for Kueue to admit it to queue \`${target.kueueQueue}\`` : 'waits for its turn');
  return { note, effects: !isKueue && isTurn === true ? [{ kind: 'unsuspend' }] : [] };
}

function canceledBeforeStart({ at }: CancelRecord): EndedState {
  const usage = { wallMs: 0, cpuMs: 0, peakMemoryBytes: 0 };
  return { phase: 'ended', end: 'canceled', signal: 'SIGTERM', startedAt: at, endedAt: at, usage };
}

interface Records {
  readonly begun: BegunRecord;
  readonly cancel: CancelRecord | undefined;
}

function decideAfterStart(facts: AttemptFacts, job: JobObject, records: Records, clock: ObservationClock): Decision {
  const { begun, cancel } = records;
  const pod = facts.pods.find(({ metadata: { uid } }) => uid === begun.podUid);
  const report = facts.report?.podUid === begun.podUid && facts.report.round === begun.round ? facts.report : undefined;
  const stop = stopReason(facts, job, cancel, clock);
  const reported = report === undefined ? undefined : evaluateReport(facts, report, { pod, stop }, clock);
  if (reported !== undefined) return reported;
  const effects = stop?.effects ?? [];
  const ended =
    pod === undefined
      ? decideVanished(facts, begun, stop, clock)
      : decidePodEnd(facts, pod, { begun, stop, report }, clock);
  if (ended?.end !== undefined) return ended;
  if (stop !== undefined && clock.hasPassed(stop.since, stop.limitMs)) {
    return stop.cause === 'canceled'
      ? { note: stop.note, effects: [...effects, ...deletePods(facts.pods)] }
      : { end: stop.end, effects };
  }
  const waiting = pod === undefined || ended !== undefined ? undefined : evaluateTaskContainer(facts, pod, clock);
  if (waiting !== undefined && 'end' in waiting) return { end: waiting.end, effects };
  const collecting = facts.beat?.phase === 'collecting' ? 'stores its outputs' : undefined;
  const note = ended?.note ?? stop?.note ?? waiting?.note ?? silence(facts, pod, clock) ?? collecting;
  return { effects, ...(note !== undefined && { note }) };
}

interface PodRecords {
  readonly begun: BegunRecord;
  readonly stop: Stop | undefined;
  readonly report: AgentReport | undefined;
}

/** Undefined while the pod runs and its node is in order. */
function decidePodEnd(
  facts: AttemptFacts,
  pod: PodObject,
  records: PodRecords | undefined,
  clock: ObservationClock,
): Decision | undefined {
  const { uid, deletionTimestamp } = pod.metadata;
  const report = records?.report?.outcome === 'shim-gone' ? records.report : undefined;
  const explain = (): Decision => {
    const end = explainEnd({ facts, begun: records?.begun, pod, report, now: clock.now });
    // What the task caused itself, and what the cluster shows, is more exact than the order to stop.
    const isExact = end.phase !== 'lost' || disturbance({ facts, pod }) !== undefined;
    return { end: isExact || records?.stop === undefined ? end : records.stop.end };
  };
  const start = startError({ pod });
  if (start !== undefined) return { end: start };
  if (hasEnded(pod))
    return clock.hasLasted(`pod-ended:${uid}`, SECOND_SOURCE_MS) ? explain() : { note: 'its pod ended' };
  const graceMs = podGraceSeconds(facts.task.limits) * SECOND;
  if (report !== undefined) {
    // The outputs are stored: only the reason is missing.
    const isKnown = taskTermination(pod) !== undefined || clock.hasLasted(`shim-gone:${uid}`, SECOND_SOURCE_MS);
    return isKnown ? explain() : { note: 'its shim ended' };
  }
  if (isNodeLost(facts, pod, records?.begun, clock)) return explain();
  if (taskTermination(pod) !== undefined) {
    const isOver = clock.hasLasted(`task-ended:${uid}`, graceMs + SECOND_SOURCE_MS);
    return isOver ? explain() : { note: 'stores its outputs' };
  }
  if (deletionTimestamp === undefined) return undefined;
  const isOver = clock.hasLasted(`terminating:${uid}`, graceMs + TERMINATION_MS);
  return isOver ? explain() : { note: 'its pod is being deleted' };
}

/** A silent agent alone is no loss: its network or Dais may have failed, and the command continues. */
function silence({ beat, listeningSince }: AttemptFacts, pod: PodObject | undefined, clock: ObservationClock) {
  if (pod === undefined || beat?.podUid !== pod.metadata.uid) return undefined;
  if (!clock.hasPassed(beat.at > listeningSince ? beat.at : listeningSince, SILENCE_MS)) return undefined;
  const since = beat.at.toISOString().slice(0, 16).replace('T', ' ');
  return `its agent on node \`${pod.spec.nodeName}\` has not reported since ${since} UTC`;
}

/** The node is gone, or neither its kubelet nor the agent responds. */
function isNodeLost(
  facts: AttemptFacts,
  pod: PodObject,
  begun: BegunRecord | undefined,
  clock: ObservationClock,
): boolean {
  if (facts.node === 'absent') return clock.hasLasted(`node-absent:${pod.metadata.uid}`, SECOND_SOURCE_MS);
  if (facts.node !== 'not-ready') return false;
  const { beat, listeningSince } = facts;
  const contacts = [listeningSince, begun?.at, beat?.podUid === pod.metadata.uid ? beat.at : undefined]
    .filter((contact) => contact !== undefined)
    .map((contact) => contact.getTime());
  // A contact in the future is one of another process, whose clock is ahead.
  const newest = new Date(Math.min(Math.max(...contacts), clock.now.getTime()));
  const since = begun === undefined ? clock.since(`silent:${pod.metadata.uid}`) : newest;
  return clock.hasPassed(since, SILENCE_MS);
}

function decideVanished(
  facts: AttemptFacts,
  begun: BegunRecord,
  stop: Stop | undefined,
  clock: ObservationClock,
): Decision {
  if (!clock.hasLasted(`vanished:${begun.podUid}`, SECOND_SOURCE_MS))
    return { note: 'its pod does not exist any more' };
  const end = explainEnd({ facts, begun, pod: undefined, now: clock.now });
  const isExact = end.phase === 'lost' && end.kind !== 'deleted';
  return { end: isExact || stop === undefined ? end : stop.end };
}

function newestPod(pods: readonly PodObject[]): PodObject | undefined {
  // One that has not ended: the Job controller creates a second one only after the first one.
  return pods.find((pod) => !hasEnded(pod)) ?? pods.at(-1);
}
