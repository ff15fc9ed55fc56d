/** Chooses the pool of nodes of a task, and what it adds to the pod. Pure. */
import { DaisError } from '@dais/api/errors';
import type { Resources } from '../../contract.ts';
import type { NodePool, TargetOptions, Toleration } from './target-options.ts';

export interface PoolRequest {
  readonly pool?: string;
  readonly resources: Resources;
}

/**
 * Returns the pool of a task. Without a name, it is the only one whose nodes have a device that it requests; pools of nodes that the cloud
 * can take away must be named. Undefined: any node.
 * @throws DaisError `invalid_request` for a pool that does not exist
 */
export function choosePool(
  { pools = {} }: Pick<TargetOptions, 'pools'>,
  { pool: name, resources }: PoolRequest,
): NodePool | undefined {
  if (name === undefined) return poolWith(pools, resources);
  const pool = pools[name];
  if (pool !== undefined) return pool;
  const names = Object.keys(pools);
  const known = names.length === 0 ? 'It has no pools.' : `It has ${names.join(', ')}.`;
  throw new DaisError('invalid_request', `The target has no pool "${name}". ${known}`);
}

/** Returns the target as the pod of a task in the pool sees it. */
export function placeInPool(target: TargetOptions, pool: NodePool | undefined): TargetOptions {
  if (pool === undefined) return target;
  const { nodeSelector, tolerations = [], priorityClass, runtimeClass } = pool;
  return {
    ...target,
    nodeSelector: { ...target.nodeSelector, ...nodeSelector },
    tolerations: [...(target.tolerations ?? []), ...tolerations],
    ...(priorityClass !== undefined && { priorityClass }),
    ...(runtimeClass !== undefined && { runtimeClass }),
  };
}

function poolWith(pools: Readonly<Record<string, NodePool>>, requested: Resources): NodePool | undefined {
  const [pool, ...others] = Object.values(pools).filter(
    ({ spot = false, resources = [] }) => !spot && resources.some((name) => (requested[name] ?? 0) > 0),
  );
  return others.length === 0 ? pool : undefined;
}

/** A node as the scheduler compares it with a pod. */
export interface NodeFacts {
  readonly isReady: boolean;
  readonly isSchedulable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
}

/** Whether pods of the target can be scheduled to the node. */
export function acceptsPods(node: NodeFacts, { nodeSelector = {}, tolerations = [] }: TargetOptions): boolean {
  const { isReady, isSchedulable, labels, taints } = node;
  if (!isReady || !isSchedulable) return false;
  if (Object.entries(nodeSelector).some(([name, value]) => labels[name] !== value)) return false;
  return taints.every(
    (taint) => taint.effect === 'PreferNoSchedule' || tolerations.some((toleration) => tolerates(toleration, taint)),
  );
}

/** https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
function tolerates(
  { key, operator = 'Equal', value = '', effect }: Toleration,
  taint: NodeFacts['taints'][number],
): boolean {
  if (effect !== undefined && effect !== taint.effect) return false;
  if (key === undefined) return operator === 'Exists';
  return key === taint.key && (operator === 'Exists' || value === (taint.value ?? ''));
}
