/** Objects and facts of one attempt, for tests of its evaluation. */
import type { AgentBeat, AttemptFacts, CommandReport, Effect } from './attempt-facts.ts';
import { formatEnd, formatRecord } from './attempt-records.ts';
import type { AttemptState } from './attempt-state.ts';
import type { ContainerStatus, JobObject, PodObject } from './cluster-objects.ts';
import { evaluateAttempt } from './evaluate-attempt.ts';
import { ANNOTATIONS } from './names.ts';

const GIB = 2 ** 30;
const SECOND = 1000;
export const START = new Date('2026-12-01T10:00:00.000Z');
const POD_UID = 'pod-1';

/** A time after the start of the test. */
export function at(seconds: number): Date {
  return new Date(START.getTime() + seconds * SECOND);
}

export interface JobChanges {
  readonly suspend?: boolean;
  readonly deleted?: boolean;
  readonly begun?: boolean;
  readonly canceled?: number;
  readonly failed?: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

export function job(changes: JobChanges = {}): JobObject {
  const { suspend = false, deleted = false, begun = true, canceled, failed, annotations } = changes;
  return {
    metadata: {
      name: 'dais-t1-r1',
      ...(deleted && { deletionTimestamp: at(0).toISOString() }),
      annotations: {
        ...(begun && { [ANNOTATIONS.begun]: formatRecord({ podUid: POD_UID, round: 1, at: at(0) }) }),
        ...(canceled !== undefined && {
          [ANNOTATIONS.cancel]: formatRecord({ reason: 'canceled by ada', at: at(canceled) }),
        }),
        ...annotations,
      },
    },
    spec: { suspend },
    status: {
      conditions: failed === undefined ? [] : [{ type: 'Failed', status: 'True', reason: failed }],
    },
  };
}

export interface PodChanges {
  readonly uid?: string;
  readonly phase?: string;
  readonly reason?: string;
  readonly message?: string;
  readonly deleted?: boolean;
  readonly disruption?: string;
  readonly disruptionMessage?: string;
  readonly unschedulable?: string;
  readonly agent?: ContainerStatus['state'];
  /** Of the agent, before it was restarted. */
  readonly agentBefore?: ContainerStatus['lastState'];
  readonly task?: ContainerStatus['state'];
}

const RUNNING = { running: {} };

export function pod(changes: PodChanges = {}): PodObject {
  const { uid = POD_UID, phase = 'Running', reason, message, deleted = false, unschedulable } = changes;
  const { disruption, disruptionMessage = '', agent = RUNNING, agentBefore, task = RUNNING } = changes;
  const isScheduled = unschedulable === undefined;
  return {
    metadata: { name: 'dais-t1-r1-0-abcde', uid, ...(deleted && { deletionTimestamp: at(0).toISOString() }) },
    spec: isScheduled ? { nodeName: 'n1' } : {},
    status: {
      phase,
      ...(reason !== undefined && { reason }),
      ...(message !== undefined && { message }),
      conditions: [
        isScheduled
          ? { type: 'PodScheduled', status: 'True' }
          : { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: unschedulable },
        ...(disruption === undefined
          ? []
          : [{ type: 'DisruptionTarget', status: 'True', reason: disruption, message: disruptionMessage }]),
      ],
      ...(isScheduled && {
        initContainerStatuses: [
          { name: 'agent', state: agent, ...(agentBefore !== undefined && { lastState: agentBefore }) },
        ],
        containerStatuses: [{ name: 'task', state: task }],
      }),
    },
  };
}

/** A pod of which no container runs any more. */
export function endedPod(exitCode: number, reason: string, changes: PodChanges = {}): PodObject {
  const terminated = { terminated: { exitCode, reason } };
  return pod({ phase: exitCode === 0 ? 'Succeeded' : 'Failed', agent: terminated, task: terminated, ...changes });
}

export function beat(changes: Partial<AgentBeat> = {}): AgentBeat {
  return { podUid: POD_UID, at: at(0), phase: 'running', startedAt: at(-60), devices: ['GPU-1'], ...changes };
}

export function report(changes: Partial<CommandReport> = {}): CommandReport & { podUid: string; round: number } {
  return {
    podUid: POD_UID,
    round: 1,
    outcome: 'ended',
    end: 'exit',
    code: 0,
    isInterrupted: false,
    memoryKills: 0,
    startedAt: at(-60),
    endedAt: at(0),
    usage: { wallMs: 60_000, cpuMs: 1000, peakMemoryBytes: GIB },
    ...changes,
  };
}

/** The end that an agent reports when its shim was killed. */
export const shimGone = {
  podUid: 'pod-1',
  round: 1,
  outcome: 'shim-gone',
  startedAt: at(-60),
  endedAt: at(-1),
  usage: { wallMs: 59_000, cpuMs: 500, peakMemoryBytes: 2 * GIB },
} as const;

export function facts(changes: Partial<AttemptFacts> = {}): AttemptFacts {
  return {
    task: { resources: { cpu: 2, memory: 2 * GIB, 'nvidia.com/gpu': 1 }, limits: { diskBytes: 60 * GIB } },
    target: { pendingTimeoutMs: 30 * 60 * SECOND },
    job: job(),
    pods: [pod()],
    node: 'ready',
    events: [],
    isConfirmed: true,
    listeningSince: at(-3600),
    ...changes,
  };
}

/** What an engine does with the result: it remembers observations, confirms, and stores the record of the end. */
export class TestEngine {
  firstSeen: Readonly<Record<string, Date>> = {};
  state: AttemptState = { phase: 'preparing' };
  effects: readonly Effect[] = [];
  reviewAt: Date | undefined;
  #end: string | undefined;

  /** Evaluates at a time, and again after it has performed `confirm` and `record`. */
  evaluate(input: AttemptFacts, seconds: number): this {
    const job = input.job === undefined ? undefined : this.#withEnd(input.job);
    const { state, effects, firstSeen, reviewAt } = evaluateAttempt({ ...input, job }, at(seconds), this.firstSeen);
    Object.assign(this, { state, effects, firstSeen, reviewAt });
    for (const effect of effects) {
      if (effect.kind === 'record') this.#end ??= formatEnd(effect.end);
    }
    if (effects.some(({ kind }) => kind === 'confirm')) return this.evaluate({ ...input, isConfirmed: true }, seconds);
    return effects.some(({ kind }) => kind === 'record') ? this.evaluate(input, seconds) : this;
  }

  #withEnd(job: JobObject): JobObject {
    if (this.#end === undefined) return job;
    const annotations = { ...job.metadata.annotations, [ANNOTATIONS.end]: this.#end };
    return { ...job, metadata: { ...job.metadata, annotations } };
  }
}

/** Evaluates at 0 s and at `seconds`, and returns the last state. */
export function stateAfter(seconds: number, changes: Partial<AttemptFacts>): AttemptState {
  const engine = new TestEngine();
  engine.evaluate(facts(changes), 0);
  return engine.evaluate(facts(changes), seconds).state;
}
