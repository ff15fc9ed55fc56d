/** Compute targets outside of this machine: clusters that run the tasks of several projects, each apart from the others. */
import type { Readable } from 'node:stream';
import type { Compute, Resources } from '../contract.ts';

/** A project whose tasks a target runs. */
export interface TargetProject {
  readonly id: string;
  readonly name: string;
  /** Limits of all its tasks together, in the names and units of the contract. A missing resource has no limit. */
  readonly quota: Resources;
}

/** Returns the project of the test tasks of a target, which is no project of the installation: its id is that of the target. */
export function probeProject(targetUid: string): TargetProject {
  return { id: targetUid, name: `probe-${targetUid.slice(0, 8)}`, quota: {} };
}

/** A call of the agent of a task, of any HTTP server. */
export interface AgentCall {
  readonly method: string;
  /** Below the path of the target and project, with its leading slash and its query. */
  readonly path: string;
  /** Token of `Authorization: Bearer`. */
  readonly token: string;
  readonly body: Readable;
  /** Aborts when the caller disconnects or the process stops: a call that waits for news ends. */
  readonly signal?: AbortSignal;
}

export interface AgentReply {
  readonly status: number;
  readonly json?: object;
  readonly bytes?: Readable;
}

/** Answers the agents of one project on one target. Any process of the installation can answer any call. */
export interface AgentCalls {
  handle(call: AgentCall): Promise<AgentReply>;
}

/** The engine of one project on a target. */
export interface TargetCompute extends Compute {
  /** What a task waits for, as a part of a sentence: `waits for a node`. Undefined when it waits for nothing that is known. */
  note(attempt: string): string | undefined;
  readonly agents: AgentCalls;
  /** URL of Dais for tasks, without a path. */
  readonly url: string;
}

/** What a probe found, determined by tests. */
export interface TargetReport {
  /** Version of the cluster: `1.36.3`. Undefined when the cluster did not respond. */
  readonly version: string | undefined;
  /** Why tasks cannot run there, each with the remedy, as sentences. Empty when they can. */
  readonly problems: readonly string[];
  /** What is weaker than it should be, each with the remedy, as sentences. */
  readonly warnings: readonly string[];
  /** Optional features that the probe found: `kueue`, and with pods `network-policies`, `image-volumes` and `user-namespaces`. */
  readonly features: readonly string[];
  /** Nodes that accept pods. */
  readonly nodes: number;
  /** What these nodes have for pods, together. */
  readonly resources: Resources;
  /** What one task can request at most. */
  readonly largestTask: Resources;
}

export interface ComputeTarget {
  /**
   * Opens the engine of a project, once: later calls return the same one. Closed after 10 minutes without tasks and calls.
   * @throws DaisError `target_unavailable` when the cluster does not respond or refuses Dais, with the remedy.
   */
  project(project: TargetProject): Promise<TargetCompute>;
  /** Tests the target within 10 s, or 2 minutes with `pods`, which starts a pod. Never throws for what the cluster does. */
  probe(options: { readonly pods: boolean; readonly signal: AbortSignal }): Promise<TargetReport>;
  /** Stops watching. Tasks continue to run. Idempotent. */
  close(): Promise<void>;
}
