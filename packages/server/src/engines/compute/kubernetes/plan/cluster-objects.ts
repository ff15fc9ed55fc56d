/** What the evaluation of an attempt reads of the objects of a cluster. */

export interface JobObject {
  readonly metadata: Metadata;
  readonly spec: { readonly suspend?: boolean };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface PodObject {
  readonly metadata: Metadata & { readonly uid: string };
  readonly spec: { readonly nodeName?: string };
  readonly status?: {
    readonly phase?: string;
    readonly reason?: string;
    readonly message?: string;
    readonly conditions?: readonly Condition[];
    readonly initContainerStatuses?: readonly ContainerStatus[];
    readonly containerStatuses?: readonly ContainerStatus[];
  };
}

interface Metadata {
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
}

export interface ContainerStatus {
  readonly name: string;
  readonly state?: {
    readonly waiting?: WaitingState;
    readonly running?: object;
    readonly terminated?: TerminatedState;
  };
  /** Before the container was restarted. */
  readonly lastState?: { readonly terminated?: TerminatedState };
}

export interface WaitingState {
  readonly reason?: string;
  readonly message?: string;
}

export interface TerminatedState {
  readonly exitCode: number;
  readonly reason?: string;
  readonly message?: string;
}

/** An event about the Job or a pod of the attempt. The API server keeps events for an hour. */
export interface ClusterEvent {
  readonly reason: string;
  readonly message: string;
  readonly at: Date;
}

/** Returns the condition if it is true. */
export function trueCondition(
  object: { readonly status?: { readonly conditions?: readonly Condition[] } },
  type: string,
): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type && condition.status === 'True');
}

export function containerStatus(pod: PodObject, name: 'agent' | 'task'): ContainerStatus | undefined {
  const { initContainerStatuses = [], containerStatuses = [] } = pod.status ?? {};
  return [...initContainerStatuses, ...containerStatuses].find((status) => status.name === name);
}

/** Undefined while the task container has not ended. */
export function taskTermination(pod: PodObject): TerminatedState | undefined {
  return containerStatus(pod, 'task')?.state?.terminated;
}

/** Returns why the agent ended most recently, in its own words. Empty when it gave none. */
export function agentMessage(pod: PodObject): string {
  const { state, lastState } = containerStatus(pod, 'agent') ?? {};
  return (state?.terminated ?? lastState?.terminated)?.message ?? '';
}

/** No container of it runs any more. */
export function hasEnded(pod: PodObject): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

/** Returns the newest event with one of the reasons. */
export function newestEvent(events: readonly ClusterEvent[], reasons: readonly string[]): ClusterEvent | undefined {
  return events
    .filter(({ reason }) => reasons.includes(reason))
    .toSorted((a, b) => a.at.getTime() - b.at.getTime())
    .at(-1);
}
