/** Describes what a task waits for in a queue of Kueue, and why Kueue stopped one, in plain sentences. */
import { byteText } from '#lib/formats/byte-text.ts';
import type { LostKind } from './attempt-state.ts';
import { trueCondition } from './cluster-objects.ts';
import type { LocalQueueObject, WorkloadObject } from './queue-objects.ts';
import { parseQuantity } from './resource-quantities.ts';

export interface QueueFacts {
  /** Name of the LocalQueue. */
  readonly queue: string;
  readonly namespace: string;
  /** Undefined when it does not exist; `unknown` before it was read. */
  readonly localQueue: LocalQueueObject | undefined | 'unknown';
  /** Undefined while Kueue has not created it. */
  readonly workload: WorkloadObject | undefined;
  /** How long the Job has had no Workload (ms). */
  readonly missingMs: number;
  readonly now: Date;
}

/** Kueue stopped the task. */
export interface Eviction {
  readonly kind: LostKind;
  /** A sentence. */
  readonly reason: string;
}

/** Kueue creates a Workload within a second. */
const CREATION_MS = 10_000;

/** Returns `waits in the queue gpu: the quota for nvidia.com/gpu in flavor h100 is in use, 1 more is needed`. */
export function queueNote(facts: QueueFacts): string {
  const { queue, namespace, localQueue, workload, missingMs, now } = facts;
  if (localQueue === undefined) {
    return `waits for the LocalQueue \`${queue}\`, which does not exist in namespace \`${namespace}\`: create it, or change \`spec.kueue.queue\` of the target`;
  }
  const isEvicted = workload !== undefined && trueCondition(workload, 'Evicted') !== undefined;
  const waits = `waits ${isEvicted ? 'again ' : ''}in the queue \`${queue}\``;
  const policy = localQueue === 'unknown' ? undefined : localQueue.stopPolicy;
  if (policy !== undefined && policy !== 'None')
    return `${waits}, which is stopped: its \`stopPolicy\` is \`${policy}\``;
  if (workload === undefined) {
    if (missingMs < CREATION_MS) return waits;
    return `${waits}, but Kueue has created no Workload for it: check that Kueue runs and manages namespace \`${namespace}\``;
  }
  if (!workload.isActive)
    return `${waits}, where its Workload \`${workload.name}\` was deactivated: set its \`spec.active\` to true`;
  if (trueCondition(workload, 'Admitted') !== undefined) return `starts: the queue \`${queue}\` admitted it`;
  if (trueCondition(workload, 'QuotaReserved') !== undefined) return `${waits}${checksText(workload)}`;
  const { requeueAt } = workload;
  if (requeueAt !== undefined && requeueAt > now) {
    return `${waits}: Kueue retries at ${requeueAt.toISOString().slice(11, 16)} UTC`;
  }
  const condition = workload.status?.conditions?.find(({ type }) => type === 'QuotaReserved');
  const name = localQueue === 'unknown' ? undefined : localQueue.clusterQueue;
  const text = condition?.message === undefined ? '' : waitingText(condition.message, name);
  return `${waits}${text}`;
}

/** Quota is reserved: what else must agree. */
function checksText({ checks }: WorkloadObject): string {
  const open = checks.filter(({ state }) => state !== 'Ready');
  if (open.length === 0) return '';
  const texts = open.map(({ name, state, message }) => {
    const words = message === undefined || message === '' ? '' : ` (${message.replace(/\.$/, '')})`;
    return `the admission check \`${name}\` is in state ${state}${words}`;
  });
  return `: ${texts.join(', ')}`;
}

type Phrase = readonly [pattern: RegExp, text: (...groups: readonly string[]) => string];

/** Messages about the ClusterQueue as a whole: they continue `waits in the queue`. */
function queuePhrases(clusterQueue: string | undefined): readonly Phrase[] {
  const of = (name: string) => `whose ClusterQueue \`${name}\``;
  const named = clusterQueue === undefined ? 'whose ClusterQueue' : of(clusterQueue);
  return [
    [
      /^ClusterQueue (\S+) (?:doesn't exist|not found|is terminating or missing)$/,
      (name) => `, ${of(name ?? '')} does not exist: create it, or change the LocalQueue`,
    ],
    [/^ClusterQueue (\S+) is stopped$/, (name) => `, ${of(name ?? '')} is stopped by its \`stopPolicy\``],
    [
      /^ClusterQueue (\S+) is inactive$/,
      (name) => `, ${of(name ?? '')} is not active: its condition \`Active\` shows why`,
    ],
    [/^LocalQueue \S+ is (?:stopped|inactive)$/, () => ', which is stopped by its `stopPolicy`'],
    [
      /^LocalQueue \S+ (?:doesn't exist|is terminating or missing)$/,
      () => ', which does not exist any more: create its LocalQueue',
    ],
    [
      /^Workload namespace doesn't match ClusterQueue selector$/,
      () => `, ${named} does not accept the namespace: change its \`namespaceSelector\``,
    ],
    [/^The (?:Cluster|Local)Queue is stopped$/, () => ', which was stopped'],
    [/^Preempted to accommodate a workload /, () => ''],
  ];
}

/** Parts of a message about quota. */
function quotaPhrases(clusterQueue: string | undefined): readonly Phrase[] {
  const whose = clusterQueue === undefined ? 'the ClusterQueue' : `ClusterQueue \`${clusterQueue}\``;
  return [
    [
      /insufficient unused quota for (\S+) in flavor (\S+), (\S+) more needed/g,
      (name = '', flavor = '', amount = '') =>
        `the quota for ${name} in flavor \`${flavor}\` is in use, ${quantityText(name, amount)} more is needed`,
    ],
    [
      /insufficient quota for (\S+) in flavor (\S+), previously considered podsets requests \(\S+\) \+ current podset request \((\S+)\) > maximum capacity \((\S+)\)/g,
      (name = '', flavor = '', wish = '', most = '') =>
        `it requests ${quantityText(name, wish)} of ${name}, more than the whole quota of ${quantityText(name, most)} in flavor \`${flavor}\``,
    ],
    [
      /resource (\S+) unavailable in ClusterQueue/g,
      (name = '') => `${whose} has no quota for ${name}: add it to \`coveredResources\``,
    ],
    [/flavor (\S+) not found/g, (flavor = '') => `the ResourceFlavor \`${flavor}\` does not exist`],
    [
      /flavor (\S+) doesn't match node affinity/g,
      (flavor = '') => `flavor \`${flavor}\` is for other nodes than the target selects`,
    ],
    [
      /untolerated taint (\{.*?\}) in flavor (\S+?)(?=,|\.|;|$)/g,
      (_taint, flavor = '') => `flavor \`${flavor}\` has a taint that the target does not tolerate`,
    ],
    [
      /Pending the preemption of (\d+) workload\(s\)/g,
      (count = '') => `Kueue stops ${count === '1' ? 'another task' : `${count} other tasks`} for it`,
    ],
  ];
}

/** Kueue's message as the rest of the sentence. What is not known is shown as it is. */
function waitingText(message: string, clusterQueue: string | undefined): string {
  const trimmed = message.trim().replace(/\.$/, '');
  for (const [pattern, text] of queuePhrases(clusterQueue)) {
    const match = pattern.exec(trimmed);
    if (match !== null) return text(...match.slice(1));
  }
  const parts: string[] = [];
  let rest = trimmed.replaceAll(/couldn't assign flavors to pod set \S+: /g, '');
  for (const [pattern, text] of quotaPhrases(clusterQueue)) {
    rest = rest.replaceAll(pattern, (_match: string, ...groups: readonly unknown[]) => {
      parts.push(text(...groups.filter((group) => typeof group === 'string')));
      return '';
    });
  }
  rest = rest.replaceAll(/^[\s,.;]+|[\s,.;]+$/g, '');
  const known = [...new Set(parts), ...(rest === '' ? [] : [rest])].join(', ');
  return known === '' ? '' : `: ${known}`;
}

function quantityText(resource: string, quantity: string): string {
  try {
    const amount = parseQuantity(quantity);
    return resource === 'memory' || resource === 'ephemeral-storage' ? byteText(amount) : String(amount);
  } catch {
    return quantity;
  }
}

/** By the reason of the condition `Preempted`. */
const PREEMPTIONS: Readonly<Record<string, string>> = {
  InClusterQueue: 'Kueue stopped it for a task of higher priority in its queue.',
  InCohortReclamation: 'Kueue stopped it because another queue needs the quota that it had borrowed.',
  InCohortFairSharing: 'Kueue stopped it so that another queue gets its fair share.',
  InCohortReclaimWhileBorrowing: 'Kueue stopped it for a task of higher priority in another queue.',
};

/** Undefined when Kueue did not stop it. */
export function evictionOf(workload: WorkloadObject): Eviction | undefined {
  const evicted = trueCondition(workload, 'Evicted');
  if (evicted === undefined) return undefined;
  const { reason = '', message = '' } = evicted;
  const words = message.trim().replace(/\.$/, '');
  const sentence = (text: string) => (words === '' ? `${text}.` : `${text}: ${words}.`);
  if (reason.startsWith('Deactivated'))
    return { kind: 'deleted', reason: sentence('Its Workload was deactivated in Kueue') };
  switch (reason) {
    case 'Preempted': {
      const why = trueCondition(workload, 'Preempted')?.reason ?? '';
      return { kind: 'preempted', reason: PREEMPTIONS[why] ?? 'Kueue stopped it for another task.' };
    }
    case 'ClusterQueueStopped':
    case 'LocalQueueStopped':
      return {
        kind: 'preempted',
        reason: `Kueue stopped it because its ${reason.replace('Stopped', '')} was stopped with \`stopPolicy: HoldAndDrain\`.`,
      };
    case 'NodeFailures':
      return { kind: 'node', reason: sentence('Kueue stopped it because its node failed') };
    case 'PodsReadyTimeout':
      return { kind: 'preempted', reason: sentence('Kueue stopped it because its pod was not ready in time') };
    case 'AdmissionCheck':
      return { kind: 'preempted', reason: sentence('Kueue stopped it because an admission check failed') };
    default:
      return { kind: 'preempted', reason: sentence('Kueue stopped it') };
  }
}
