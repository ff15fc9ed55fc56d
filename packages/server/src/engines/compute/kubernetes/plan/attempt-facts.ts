/** What the evaluation of an attempt is made from, and what it returns. */
import type { TaskEnd, TaskUsage } from '../../contract.ts';
import type { AttemptState, FinalState, LostKind } from './attempt-state.ts';
import type { ClusterEvent, JobObject, PodObject } from './cluster-objects.ts';
import type { TaskFacts } from './pod-resources.ts';
import type { Eviction } from './queue-note.ts';
import type { TargetOptions } from './target-options.ts';

/** The newest contact of the agent. */
export interface AgentBeat {
  readonly podUid: string;
  /** When Dais received it. */
  readonly at: Date;
  readonly phase: 'staging' | 'running' | 'collecting';
  /** Of the command, in the clock of Dais. */
  readonly startedAt?: Date;
  readonly devices?: readonly string[];
  /** What it does, for people: `loaded 3 of 5 inputs`. */
  readonly note?: string;
}

/** How the attempt ended, from the agent, which repeats it until Dais has recorded the end. */
export type AgentReport = { readonly podUid: string; readonly round: number } & (
  | CommandReport
  | {
      /** The shim ended without an end of the command. The agent has stored outputs and logs. */
      readonly outcome: 'shim-gone';
      readonly startedAt: Date;
      readonly endedAt: Date;
      readonly usage: TaskUsage;
    }
  /** The command could not be started, or an input does not exist any more. */
  | { readonly outcome: 'refused'; readonly reason: string }
  | { readonly outcome: 'lost'; readonly kind: LostKind; readonly reason: string }
);

export interface CommandReport {
  readonly outcome: 'ended';
  readonly end: TaskEnd;
  readonly detail?: string;
  readonly code?: number;
  readonly signal?: string;
  /** The container was stopped from outside before the command ended: not by an order of Dais. */
  readonly isInterrupted: boolean;
  /** Processes that the kernel killed because of the memory limit while the command continued. */
  readonly memoryKills: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly usage: TaskUsage;
  readonly refusedConnections?: readonly string[];
}

export interface AttemptFacts {
  readonly task: Pick<TaskFacts, 'resources' | 'limits'>;
  readonly target: Pick<TargetOptions, 'kueueQueue' | 'pendingTimeoutMs'>;
  /** Undefined when it does not exist. */
  readonly job: JobObject | undefined;
  /** Of the Job, without those that do not exist any more. */
  readonly pods: readonly PodObject[];
  /** State of the node of the pod; undefined while it is unknown. */
  readonly node?: 'ready' | 'not-ready' | 'absent';
  /** Of the Job and its pods. */
  readonly events: readonly ClusterEvent[];
  readonly beat?: AgentBeat;
  readonly report?: AgentReport;
  /** Without Kueue: the order of Dais permits that it starts. */
  readonly isTurn?: boolean;
  /** With Kueue: what a suspended Job waits for, for people. */
  readonly queueNote?: string;
  /** Kueue stopped it, from the condition `Evicted` of its Workload. */
  readonly eviction?: Eviction;
  /** Job, pods and node were read from the API server without a resource version, not from a cache, which may be old. */
  readonly isConfirmed: boolean;
  /** Since when agents can reach this Dais: silence before is no sign of a failure. */
  readonly listeningSince: Date;
}

export type Effect =
  /** Starts the Job: `spec.suspend: false`. */
  | { readonly kind: 'unsuspend' }
  /** Reads Job, pods and node from the API server and evaluates again with `isConfirmed`. */
  | { readonly kind: 'confirm' }
  /** Writes the annotation of the end if it is absent, and evaluates again. */
  | { readonly kind: 'record'; readonly end: FinalState }
  /** The next response to the agent orders it to stop the command and to store outputs. */
  | { readonly kind: 'order-stop'; readonly reason: string }
  | { readonly kind: 'delete-pods' }
  /** With background propagation. The finalizer keeps the object, but neither Kueue nor the Job controller use it any more. */
  | { readonly kind: 'delete-job' };

export interface Evaluation {
  /**
   * Final only when the Job contains the record of it (or does not exist any more): until then another process may record
   * another end.
   */
  readonly state: AttemptState;
  /** In this order. Each may be repeated. */
  readonly effects: readonly Effect[];
  /** For the next evaluation. */
  readonly firstSeen: Readonly<Record<string, Date>>;
  /** Evaluate again at this time, even if nothing changes. */
  readonly reviewAt?: Date;
}
