/** Translates messages of the scheduler into plain sentences: what a task waits for, and on how many nodes it is missing. */
import { byteText } from '#lib/formats/byte-text.ts';
import type { Resources } from '../../contract.ts';

/** `0/3 nodes are available: …`, without the part about preemption. */
const NODES = /^\d+\/(\d+) nodes are available: (.*)$/s;
const INSUFFICIENT = /^(\d+) Insufficient (\S+)$/;
const TAINTS = /^(\d+) node\(s\) had (?:untolerated )?taints? \{([^:}]*)(?::\s*([^}]*))?\}/;
/** A comma inside of a taint separates nothing. */
const SEPARATOR = /,\s+(?=\d+ )/;

const STATES: Readonly<Record<string, string>> = {
  'node.kubernetes.io/not-ready': 'not ready',
  'node.kubernetes.io/unreachable': 'unreachable',
  'node.kubernetes.io/unschedulable': 'cordoned',
  'node.kubernetes.io/disk-pressure': 'almost out of disk space',
  'node.kubernetes.io/memory-pressure': 'almost out of memory',
  'node.kubernetes.io/pid-pressure': 'almost out of process ids',
  'node.kubernetes.io/network-unavailable': 'without a network',
  'node.cloudprovider.kubernetes.io/uninitialized': 'still starting',
};

/** Other sentences of the scheduler, and the continuation of "3 of 3 nodes". */
const SENTENCES: readonly (readonly [sentence: RegExp, text: string])[] = [
  [/^node\(s\) didn't match Pod's node affinity\/selector/, 'do not have the labels that the target selects'],
  [/^node\(s\) didn't match node selector/, 'do not have the labels that the target selects'],
  [/^node\(s\) had untolerated taint\(s\)/, 'have a taint that the target does not tolerate'],
  [/^node\(s\) were unschedulable/, 'are cordoned'],
  [/^node\(s\) were not ready/, 'are not ready'],
  [/^Too many pods/, 'run as many pods as they may'],
  [/^node\(s\) didn't (?:match|satisfy) (?:existing )?pod.*anti-affinity/i, 'run pods that exclude it'],
  [/^node\(s\) didn't match pod affinity/i, 'do not run the pods that it must be close to'],
  [/^node\(s\) didn't match pod topology spread constraints/, 'are in a zone or rack that has enough pods of the task'],
  [/^node\(s\) didn't have free ports/, 'have no free port'],
  [/^node\(s\) had volume node affinity conflict/, 'cannot mount its volumes'],
  [/^node\(s\) exceed max volume count/, 'have as many volumes as they may'],
  [/^cannot allocate all claims/, 'have no free device for its claims'],
];

/** Returns `waits for a node with 1 nvidia.com/gpu: 3 of 3 nodes have too few free`. */
export function schedulerNote(message: string, requested: Resources): string {
  const text =
    message
      .split(/[.,]?\s*preemption: /)[0]
      ?.trim()
      .replace(/\.+$/, '') ?? '';
  if (text.startsWith('no nodes available to schedule pods')) return 'waits for a node: the cluster has no nodes';
  const [, total = '', list = ''] = NODES.exec(text) ?? [];
  if (total === '') return `waits for a node: ${text === '' ? 'the scheduler gave no reason' : text}`;
  const missing: string[] = [];
  const reasons = list.split(SEPARATOR).map((reason) => {
    const [, count = '', name = ''] = INSUFFICIENT.exec(reason) ?? [];
    if (name === '') return reasonText(reason, total);
    missing.push(amountText(name, requested));
    return { count, of: name };
  });
  const wish = missing.length === 0 ? '' : ` with ${missing.join(' and ')}`;
  const parts = reasons.map((reason) => {
    if (typeof reason === 'string') return reason;
    const of = missing.length > 1 ? ` ${reason.of}` : '';
    return `${nodes(reason.count, total)} ${verb(total, 'have')} too ${isMass(reason.of) ? 'little' : 'few'}${of} free`;
  });
  return `waits for a node${wish}: ${parts.join(', ')}`;
}

function reasonText(reason: string, total: string): string {
  const [tainted, count = '', name = '', value = ''] = TAINTS.exec(reason) ?? [];
  if (tainted !== undefined) {
    const state = STATES[name];
    const taint = value.trim() === '' ? name : `${name}=${value.trim()}`;
    return state === undefined
      ? `${nodes(count, total)} ${verb(total, 'have')} the taint ${taint}, which the target does not tolerate`
      : `${nodes(count, total)} ${verb(total, 'are')} ${state}`;
  }
  const [, number, sentence = ''] = /^(\d+) (.*)$/s.exec(reason) ?? [];
  const known = SENTENCES.find(([pattern]) => pattern.test(sentence));
  if (number === undefined || known === undefined) return reason;
  const [first = '', ...rest] = known[1].split(' ');
  return `${nodes(number, total)} ${verb(total, first)} ${rest.join(' ')}`;
}

/** `2 of 3 nodes` */
function nodes(count: string, total: string): string {
  return `${count} of ${total} ${total === '1' ? 'node' : 'nodes'}`;
}

const SINGULAR: Readonly<Record<string, string>> = { have: 'has', are: 'is', do: 'does', run: 'runs' };

/** `1 of 1 node has`, and `1 of 3 nodes have`. */
function verb(total: string, plural: string): string {
  return total === '1' ? (SINGULAR[plural] ?? plural) : plural;
}

function isMass(name: string): boolean {
  return name === 'cpu' || name === 'memory' || name === 'ephemeral-storage';
}

function amountText(name: string, requested: Resources): string {
  const amount = requested[name === 'ephemeral-storage' ? 'disk' : name];
  if (name === 'cpu') return amount === undefined ? 'more CPU' : `${amount} CPU ${amount === 1 ? 'core' : 'cores'}`;
  if (name === 'memory') return amount === undefined ? 'more memory' : `${byteText(amount)} of memory`;
  if (name === 'ephemeral-storage') return amount === undefined ? 'more disk' : `${byteText(amount)} of disk`;
  return amount === undefined ? name : `${amount} ${name}`;
}
