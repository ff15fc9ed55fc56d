/** What the nodes of a target have for one task. Pure. */
import { DaisError } from '@dais/api/errors';
import type { Resources } from '../../contract.ts';
import { acceptsPods, placeInPool, type NodeFacts } from './choose-pool.ts';
import { agentResources, type NodePool, type TargetOptions } from './target-options.ts';

export interface NodeCapacity extends NodeFacts {
  readonly allocatable: Resources;
}

/** A target as the pod of a task in a pool sees it. */
export interface TaskPlace {
  readonly target: TargetOptions;
  readonly pool: NodePool | undefined;
}

/** Returns what the largest node that accepts the pods of a target has for one task, beside its agent, of each resource. */
export function largestTask(nodes: readonly NodeCapacity[], target: TargetOptions): Resources {
  const largest: Record<string, number> = {};
  for (const node of nodes) {
    if (!acceptsPods(node, target)) continue;
    for (const [name, amount] of Object.entries(capacityOf(node, target))) {
      largest[name] = Math.max(largest[name] ?? 0, amount);
    }
  }
  return largest;
}

/** The same for a task that may choose any pool. */
export function largestTaskOfPools(nodes: readonly NodeCapacity[], target: TargetOptions): Resources {
  const largest: Record<string, number> = {};
  for (const placed of placesOf(target)) {
    for (const [name, amount] of Object.entries(largestTask(nodes, placed))) {
      largest[name] = Math.max(largest[name] ?? 0, amount);
    }
  }
  return largest;
}

/** Whether a task can run on the node, in any pool or in none. */
export function isUsable(node: NodeFacts, target: TargetOptions): boolean {
  return placesOf(target).some((placed) => acceptsPods(node, placed));
}

/** Returns what a task can request: what its largest node has, and what an autoscaler can add to a pool without such nodes. */
export function taskCapacity(nodes: readonly NodeCapacity[], { target, pool }: TaskPlace): Resources {
  const largest = largestTask(nodes, target);
  const isEmpty = largest['cpu'] === undefined;
  const added = [...(isEmpty ? ['cpu', 'memory', 'disk'] : []), ...(pool?.resources ?? [])];
  return { ...Object.fromEntries(added.map((name) => [name, Infinity])), ...largest };
}

/**
 * Checks that one of the present nodes has everything together. Only for targets that limit the time without a node: in others, an autoscaler may add
 * one.
 * @throws DaisError `invalid_request`
 */
export function checkTogether(nodes: readonly NodeCapacity[], { target, pool }: TaskPlace, requested: Resources): void {
  if (target.pendingTimeoutMs === undefined) return;
  const usable = nodes.filter((node) => acceptsPods(node, target)).map((node) => capacityOf(node, target));
  const capacity = taskCapacity(nodes, { target, pool });
  // The pool of a device that no node has yet: its nodes are still to come.
  const isExpected = Object.entries(requested).some(([name, amount]) => amount > 0 && capacity[name] === Infinity);
  if (usable.length === 0 || isExpected || usable.some((own) => has(own, requested))) return;
  const list = Object.entries(requested).map(([name, amount]) => `${amount} ${name}`);
  throw new DaisError(
    'invalid_request',
    `The task cannot run here. None of the ${nodesOf({ target, pool })} has ${list.join(' and ')} together. Request less, or add a larger node.`,
  );
}

/** Returns `nodes of pool "gpu"`, for sentences. */
export function nodesOf({ target, pool }: TaskPlace): string {
  const [name] = Object.entries(target.pools ?? {}).find(([, one]) => one === pool) ?? [];
  return name === undefined ? 'nodes of the target' : `nodes of pool "${name}"`;
}

function placesOf(target: TargetOptions): readonly TargetOptions[] {
  return [undefined, ...Object.values(target.pools ?? {})].map((pool) => placeInPool(target, pool));
}

function capacityOf({ allocatable }: NodeCapacity, target: TargetOptions): Resources {
  const { cpu, memoryBytes } = agentResources(target);
  const own: Record<string, number> = { cpu, memory: memoryBytes };
  const names = Object.entries(allocatable).filter(([name]) => name !== 'pods' && !name.startsWith('hugepages-'));
  return Object.fromEntries(names.map(([name, amount]) => [name, amount - (own[name] ?? 0)]));
}

function has(own: Resources, requested: Resources): boolean {
  return Object.entries(requested).every(([name, amount]) => amount <= (own[name] ?? 0));
}
