/**
 * What the agent in a pod asks Dais, as data: paths below `/internal/tasks`, JSON messages, and bytes of inputs, logs and outputs. Agents connect to
 * Dais, never the other way around. Any control process answers, because the state of an attempt is in the cluster and in the blob store.
 */
import type { TaskEnd } from '../contract.ts';

export const AGENT_PATH = '/internal/tasks';
/** Variable of the agent: certificate authorities of Dais in addition to those of Node, in PEM format. */
export const AGENT_CA_VARIABLE = 'DAIS_AGENT_CA';
/** The bearer token of `begin` is the service account token of the pod. All other calls use the session of the response. */
export const AGENT_PATHS = {
  /** POST BeginRequest → BeginResponse. */
  begin: '/begin',
  /** POST BeatRequest → BeatResponse. Waits up to `waitMs` for an order. */
  beat: '/beat',
  /** GET → bytes. `INDEX` is the number of the input in the order of `CommandOrder.inputs`. */
  input: (index: number) => `/inputs/${index}`,
  /**
   * PUT bytes → 204. Repeating the same bytes is idempotent. A position after the stored end is 409 with a LogConflict, and the
   * agent continues from there. `isGap`: the agent has dropped the output in between, so this position is accepted.
   */
  log: (position: number, isGap = false) => `/log/${position}${isGap ? '?gap' : ''}`,
  /** PUT bytes → 204. `KEY` is the number of the file in the order of the outputs. */
  output: (key: number) => `/outputs/${key}`,
  /** POST EndRecord → 204. Repeating it is idempotent. */
  end: '/end',
} as const;

export interface BeginRequest {
  readonly attempt: string;
  readonly round: number;
  readonly pod: { readonly name: string; readonly uid: string; readonly ip: string; readonly node: string };
  /** Milliseconds since 1970, by the clock of the node: Dais corrects the times of the agent. */
  readonly at: number;
  /** The agent was restarted in the same pod and continues. */
  readonly resumes: boolean;
}

export type BeginResponse =
  /** This pod runs the command. A resumed agent receives the same order again. */
  | { readonly answer: 'go'; readonly session: string; readonly order: AgentOrder; readonly at: number }
  /** Ask again after this time. */
  | { readonly answer: 'wait'; readonly afterMs: number }
  /** Another pod runs it, or it was canceled or forgotten: end with code 0, without running anything. */
  | { readonly answer: 'gone'; readonly reason: string };

/** Everything about the task that the pod does not contain. */
export interface AgentOrder {
  readonly command: readonly [string, ...string[]];
  /** All variables of the command but those of the agent: HOME, TMPDIR, PATH, LANG, USER, LOGNAME. */
  readonly variables: Readonly<Record<string, string>>;
  /** Masked in the log. */
  readonly secretVariables: Readonly<Record<string, string>>;
  /** Prepended to the PATH of the image. */
  readonly path: readonly string[];
  readonly inputs: readonly AgentInput[];
  readonly environment?: AgentEnvironment;
  readonly outputs: readonly { readonly name: string; readonly path: string }[];
  readonly limits: AgentLimits;
}

export interface AgentInput {
  /** Relative to the working folder. */
  readonly path: string;
  readonly executable: boolean;
  readonly size: number;
  /** Lower-case hexadecimal. The agent refuses other bytes. */
  readonly sha256: string;
}

/** An environment of packages, which the agent unpacks. */
export interface AgentEnvironment {
  /** Where it is unpacked: in the container of the agent and in that of the command. */
  readonly folder: string;
  /** Number of the archive among the inputs: it comes after them. */
  readonly input: number;
  /** Of the archive: tar, compressed with zstd. */
  readonly size: number;
  readonly sha256: string;
  readonly unpackedBytes: number;
  /** Links to programs of the image, relative to the folder. */
  readonly links: readonly { readonly path: string; readonly to: string }[];
  /** Prepended to the LD_LIBRARY_PATH of the image. */
  readonly libraries: readonly string[];
}

export interface AgentLimits {
  readonly wallMs?: number;
  readonly diskBytes?: number;
  readonly diskFiles?: number;
  readonly logBytes: number;
  readonly graceMs: number;
  /** Without a response of Dais for so long after the end of the command, the agent gives up. */
  readonly collectMs: number;
}

export type AgentPhase = 'staging' | 'running' | 'collecting';

export interface BeatRequest {
  readonly phase: AgentPhase;
  /** Of the command, by the clock of the node. */
  readonly startedAt?: number;
  readonly usage?: { readonly cpuMs: number; readonly peakMemoryBytes: number };
  /** Bytes of log that the agent has sent. */
  readonly logPosition: number;
  /** The agent can wait so long for an order. */
  readonly waitMs: number;
}

export interface BeatResponse {
  readonly order?: 'cancel' | 'gone';
  /** Somebody follows the log: send it without delay until the next response. */
  readonly followed: boolean;
  /** Time until the next beat (ms). */
  readonly nextMs: number;
}

/** The response 409 to a part of the log. */
export interface LogConflict {
  /** Where the stored log ends. */
  readonly position: number;
}

/** How the command ended. It decides the state of the attempt. */
export interface EndRecord {
  readonly end: TaskEnd | 'refused' | 'lost';
  /** For `refused` and `lost`, and for an end by the agent. */
  readonly reason?: string;
  readonly code?: number;
  readonly signal?: string;
  /** Milliseconds since 1970, by the clock of the node. */
  readonly startedAt?: number;
  readonly endedAt: number;
  readonly usage?: { readonly wallMs: number; readonly cpuMs: number; readonly peakMemoryBytes: number };
  /**
   * The container of the command was stopped from outside at this time (deletion, preemption, eviction), before the command
   * ended and before an order or a limit ended it.
   */
  readonly stoppedAt?: number;
  /** The shim was killed before it reported an end: the status of its container shows whether the kernel did it for memory. */
  readonly shimGone?: boolean;
  /** Processes of the command that the kernel killed because the memory limit was reached. */
  readonly memoryKills: number;
  /** Bytes that the agent has sent; older ones are dropped. */
  readonly log: { readonly position: number };
  readonly outputs: readonly AgentOutput[];
  /** Why outputs could not be listed: a name that is not UTF-8, for example. */
  readonly outputsProblem?: string;
}

export interface AgentOutput {
  readonly output: string;
  /** Relative to the path of the output; empty for a file. */
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Equal for hard links to one file, whose bytes were sent once under the key of the first. */
  readonly identity: string;
  readonly executable: boolean;
  /** The number in `outputs/KEY`. */
  readonly key: number;
}
