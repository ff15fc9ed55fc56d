/**
 * Names, labels and annotations of the objects of an attempt. A Job has one round of an attempt; a single pod has round 1 only.
 */
import { createHash } from 'node:crypto';

/** Finalizer of each Job: keeps it until `forget`, also against `kubectl delete` and the TTL controller. */
export const COLLECT_FINALIZER = 'dais.dev/collect';

export const LABELS = {
  installation: 'dais.dev/installation',
  attempt: 'dais.dev/attempt',
  owner: 'dais.dev/owner',
  round: 'dais.dev/round',
  project: 'dais.dev/project',
  /** `"true"`: the task may use the network. Selected by a network policy. */
  network: 'dais.dev/network',
  /** `direct`: the agent transfers bytes to and from the object store. Selected by a network policy. */
  transfer: 'dais.dev/transfer',
} as const;

export const ANNOTATIONS = {
  /** Digest of the task spec. */
  spec: 'dais.dev/spec',
  /** Position in the order of submissions; sorts as text. */
  order: 'dais.dev/order',
  /** Set once: which pod runs the command. */
  begun: 'dais.dev/begun',
  /** Set once: the request to cancel. */
  cancel: 'dais.dev/cancel',
  /** Set once: how the attempt ended. */
  end: 'dais.dev/end',
} as const;

/** Longest attempt that a Job name contains as it is. */
const MAX_PLAIN_ATTEMPT = 40;
/**
 * Longer than `MAX_PLAIN_ATTEMPT`, so that no attempt has the hash of another one as its name. With it a Job name has at most
 * 52 characters, and the name of a pod (index and five random characters) at most 63.
 */
const HASH_CHARACTERS = 42;
/** Limit of Kubernetes for the value of a label. */
const MAX_LABEL = 63;
const LABEL_VALUE = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)?$/;

/** Whom an attempt belongs to. */
export interface AttemptIdentity {
  readonly installation: string;
  readonly attempt: string;
  /** Node of the installation that submitted it. */
  readonly owner?: string;
  readonly project?: string;
}

export function jobName(attempt: string, round: number): string {
  const name = attempt.length > MAX_PLAIN_ATTEMPT ? sha256(attempt).slice(0, HASH_CHARACTERS) : attempt;
  return `dais-${name}-r${round}`;
}

/**
 * Returns labels that identify the objects of an attempt. Kubernetes permits 63 characters of few kinds in a label, so other
 * values are hashed, and annotations of the same name contain them.
 */
export function identify(
  identity: AttemptIdentity,
  round: number,
): { readonly labels: Readonly<Record<string, string>>; readonly annotations: Readonly<Record<string, string>> } {
  const labels: Record<string, string> = {};
  const annotations: Record<string, string> = {};
  for (const name of ['installation', 'attempt', 'owner', 'project'] as const) {
    const value = identity[name];
    if (value === undefined) continue;
    const key = LABELS[name];
    labels[key] = labelValue(value);
    if (labels[key] !== value) annotations[key] = value;
  }
  labels[LABELS.round] = String(round);
  return { labels, annotations };
}

/** Returns the attempt of an object of Dais; undefined for a foreign object. */
export function attemptOf(metadata: {
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}): string | undefined {
  return metadata.annotations?.[LABELS.attempt] ?? metadata.labels?.[LABELS.attempt];
}

/** Selects the objects of one installation, and of one of its nodes. A cluster can contain objects of another installation. */
export function attemptSelector(
  filter: Pick<AttemptIdentity, 'installation' | 'owner'> & { attempt?: string },
): string {
  return (['installation', 'owner', 'attempt'] as const)
    .flatMap((name) => {
      const value = filter[name];
      return value === undefined ? [] : [`${LABELS[name]}=${labelValue(value)}`];
    })
    .join(',');
}

export function labelValue(value: string): string {
  if (value.length <= MAX_LABEL && LABEL_VALUE.test(value)) return value;
  return `sha256-${sha256(value)}`.slice(0, MAX_LABEL);
}

/** Audience of the token of an agent: it is valid for one attempt of one installation only. */
export function tokenAudience(installation: string, attempt: string): string {
  return `dais/${installation}/${attempt}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
