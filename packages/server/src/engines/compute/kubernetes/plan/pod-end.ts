/** Determines why a pod ended, or does not exist any more, without an end of the command from its agent. */
import { byteText } from '#lib/formats/byte-text.ts';
import type { AgentReport, AttemptFacts } from './attempt-facts.ts';
import type { BegunRecord } from './attempt-records.ts';
import type { EndedState, FinalState, LostKind } from './attempt-state.ts';
import { agentMessage, newestEvent, taskTermination, trueCondition, type PodObject } from './cluster-objects.ts';
import { parseQuantity } from './resource-quantities.ts';

/** Proofs and hints of an end. */
export interface EndEvidence {
  readonly facts: AttemptFacts;
  /** Undefined while no pod has started the command. */
  readonly begun: BegunRecord | undefined;
  /** Undefined when it does not exist any more. */
  readonly pod: PodObject | undefined;
  readonly report?: Extract<AgentReport, { outcome: 'shim-gone' }> | undefined;
  readonly now: Date;
}

/** Reasons of a pod that ended together with its node; `Terminated` and `NodeShutdown` are those of a graceful shutdown. */
const NODE_REASONS = new Set(['NodeLost', 'Shutdown', 'NodeShutdown', 'Terminated', 'NodeAffinity']);
/** Kubelet rejected the pod after the scheduler had chosen the node. */
const ADMISSION_REASON = /^(?:UnexpectedAdmissionError|TopologyAffinityError|OutOf\S+)$/;

/** Sentences for the reasons of the condition `DisruptionTarget`. */
const DISRUPTIONS: Readonly<Record<string, readonly [kind: LostKind, sentence: string]>> = {
  PreemptionByScheduler: ['preempted', 'The scheduler stopped its pod to start a pod of higher priority'],
  EvictionByEvictionAPI: ['preempted', 'Its pod was evicted: its node is drained, or an autoscaler removes the node'],
  DeletionByTaintManager: [
    'preempted',
    'Its pod was deleted because its node has a taint that the pod does not tolerate',
  ],
  DeletionByPodGC: ['node', 'The node of its pod does not exist any more'],
  TerminationByKubelet: ['preempted', 'Kubelet stopped its pod'],
};

/** Kubelet: a volume or a container exceeded its own limit. */
const OWN_LIMIT =
  /Usage of EmptyDir volume "(\w+)" exceeds|Container (\w+) exceeded its local ephemeral storage limit|Pod ephemeral local storage usage exceeds/;
/** Kubelet, for each container of a pod that it evicts because of its node. */
const NODE_PRESSURE =
  /Container task was using ([^,\s]+), request is ([^,\s]+), has larger consumption of ephemeral-storage/;
/** Volumes that the task writes. */
const TASK_VOLUMES = new Set(['work', 'tmp', 'shm']);

export function explainEnd(evidence: EndEvidence): FinalState {
  return (
    endByLimit(evidence) ??
    disturbance(evidence) ??
    startError(evidence) ??
    (evidence.pod === undefined ? vanished(evidence) : unexplained(evidence, evidence.pod))
  );
}

/** Ends that the task caused itself: a retry with the same input would end in the same way. */
function endByLimit(evidence: EndEvidence): FinalState | undefined {
  const { pod, begun, facts } = evidence;
  if (pod === undefined) return undefined;
  const memory = facts.task.resources['memory'] ?? facts.task.limits.memoryBytes;
  const limit = memory === undefined ? '' : ` of ${byteText(memory)}`;
  if (taskTermination(pod)?.reason === 'OOMKilled') {
    if (begun === undefined) {
      return refused(
        `The memory limit${limit} is too small to start the command. Request more with \`resources.memory\`.`,
      );
    }
    return killed(
      evidence,
      'out-of-memory',
      `exceeded its memory limit${limit}: request more with \`resources.memory\``,
    );
  }
  const message = pod.status?.reason === 'Evicted' ? (pod.status.message ?? '') : '';
  if (begun === undefined || !exceededOwnDisk(message)) return undefined;
  const { diskBytes } = facts.task.limits;
  const most = diskBytes === undefined ? '' : ` of ${byteText(diskBytes)}`;
  return killed(
    evidence,
    'disk-full',
    `exceeded its disk limit${most}: write less or request more with \`resources.disk\`. Kubelet: ${message.trim()}`,
  );
}

/** Evicted for the pressure on its node, a pod is the cause only if it used more than it requested. */
function exceededOwnDisk(message: string): boolean {
  const own = OWN_LIMIT.exec(message);
  if (own !== null) {
    const [, volume, container] = own;
    return volume === undefined ? container !== 'agent' : TASK_VOLUMES.has(volume);
  }
  const [, used, requested] = NODE_PRESSURE.exec(message) ?? [];
  if (used === undefined || requested === undefined) return false;
  try {
    return parseQuantity(used) > parseQuantity(requested);
  } catch {
    return false;
  }
}

function killed(evidence: EndEvidence, end: 'out-of-memory' | 'disk-full', detail: string): EndedState {
  const { report, facts, begun, now } = evidence;
  const { beat } = facts;
  // Times of a pod are those of its node. The agent corrects its clock.
  const startedAt = report?.startedAt ?? beat?.startedAt ?? begun?.at ?? now;
  const endedAt = report?.endedAt ?? now;
  const wallMs = Math.max(0, endedAt.getTime() - startedAt.getTime());
  return {
    phase: 'ended',
    end,
    detail,
    signal: 'SIGKILL',
    startedAt,
    endedAt,
    usage: report?.usage ?? { wallMs, cpuMs: 0, peakMemoryBytes: 0 },
  };
}

/** Ends that others caused. Undefined without a sign of one. */
export function disturbance({ facts, pod }: Pick<EndEvidence, 'facts' | 'pod'>): FinalState | undefined {
  const { reason = '', message = '' } = pod?.status ?? {};
  const node = pod?.spec.nodeName === undefined ? 'Its node' : `Node \`${pod.spec.nodeName}\``;
  if (facts.node === 'absent') return lost('node', `${node} was deleted while the task was there.`);
  if (reason === 'Evicted')
    return lost('node', withWords(`${node} ran out of a resource and evicted its pod`, message));
  if (NODE_REASONS.has(reason)) return lost('node', withWords(`${node} was shut down`, message));
  if (ADMISSION_REASON.test(reason)) return lost('node', withWords(`${node} rejected its pod`, message || reason));
  if (reason === 'Preempting') {
    return lost('preempted', withWords(`${node} stopped its pod to start a pod of the system`, message));
  }
  const condition = pod === undefined ? undefined : trueCondition(pod, 'DisruptionTarget');
  if (condition !== undefined) {
    const [kind, sentence] = DISRUPTIONS[condition.reason ?? ''] ?? ['preempted', 'Kubernetes stopped its pod'];
    return lost(facts.node === 'not-ready' ? 'node' : kind, withWords(sentence, condition.message ?? ''));
  }
  const preempted = newestEvent(facts.events, ['Preempted', 'Preempting']);
  if (preempted !== undefined) {
    return lost(
      'preempted',
      withWords('The scheduler stopped its pod to start a pod of higher priority', preempted.message),
    );
  }
  if (facts.node === 'not-ready') return lost('node', `${node} does not respond.`);
  return pod !== undefined && taskTermination(pod)?.reason === 'ContainerStatusUnknown'
    ? lost('node', `${node} lost the status of the container. The result is unknown.`)
    : undefined;
}

/** The runtime could not start the first program of the container. */
export function startError({ pod }: Pick<EndEvidence, 'pod'>): FinalState | undefined {
  const { reason, message = '' } = (pod === undefined ? undefined : taskTermination(pod)) ?? {};
  if (reason !== 'StartError' && reason !== 'ContainerCannotRun') return undefined;
  return refused(withWords('The container of the task could not start', message || 'the runtime gave no reason'));
}

function vanished(evidence: EndEvidence): FinalState {
  const event = newestEvent(evidence.facts.events, ['Evicted', 'TaintManagerEviction', 'Killing', 'NodeNotReady']);
  return (
    deadline(evidence) ?? lost('deleted', withWords(`Its pod was deleted ${progress(evidence)}`, event?.message ?? ''))
  );
}

function unexplained(evidence: EndEvidence, pod: PodObject): FinalState {
  const { begun, report } = evidence;
  if (pod.metadata.deletionTimestamp !== undefined || deadline(evidence) !== undefined) return vanished(evidence);
  if (begun === undefined) {
    const message = pod.status?.message ?? agentMessage(pod);
    return lost('control', withWords('Its agent ended before it started the command', message));
  }
  const { exitCode } = taskTermination(pod) ?? {};
  const code = exitCode === undefined ? '' : ` with code ${exitCode}`;
  const subject =
    report === undefined ? `Its pod ended${code}, and its agent reported no end` : `Its shim was killed${code}`;
  return lost('node', `${subject}. The result is unknown.`);
}

/** The Job controller has ended the Job: the deadline is a backstop behind the limits of the agent. */
function deadline(evidence: EndEvidence): FinalState | undefined {
  const { job } = evidence.facts;
  const failed = job === undefined ? undefined : trueCondition(job, 'Failed');
  if (failed?.reason !== 'DeadlineExceeded') return undefined;
  return lost('control', `Its Job exceeded its deadline ${progress(evidence)}.`);
}

function progress({ begun }: EndEvidence): string {
  return begun === undefined ? 'before it started the command' : 'while it ran. The result is unknown';
}

/** Adds the words of Kubernetes to a sentence. */
export function withWords(sentence: string, words: string): string {
  const text = words.trim().replace(/\.$/, '');
  return text === '' ? `${sentence}.` : `${sentence}: ${text}.`;
}

export function lost(kind: LostKind, reason: string): FinalState {
  return { phase: 'lost', kind, reason };
}

export function refused(reason: string): FinalState {
  return { phase: 'refused', reason };
}
