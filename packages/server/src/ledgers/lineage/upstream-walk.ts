/** Everything that nodes came from, with the way to each: by breadth, within limits. */
import { upstreamLimits } from '@dais/api';
import type { Transaction } from '#kernel/transaction.ts';
import { neighbours } from './neighbours.ts';

export interface ReachedNode {
  readonly key: string;
  /** The node nearer to the start from which it was reached; absent for a start. */
  readonly via?: string;
}

export interface UpstreamWalk {
  /** By key; the starts first, nearest first. Incomplete when `exceeded` is there. */
  readonly nodes: ReadonlyMap<string, ReachedNode>;
  /** Which limit the walk ran into, in one sentence. */
  readonly exceeded?: string;
}

export interface WalkLimits {
  readonly steps: number;
  readonly nodes: number;
  readonly milliseconds: number;
}

/** Edges that are read for each node that may still be added. */
const EDGES_PER_NODE = 4;

/**
 * What was served at an endpoint is not walked through: predictions name the versions that made them, and an endpoint has
 * served others as well.
 */
function isPassed(key: string): boolean {
  return !key.startsWith('endpoint:');
}

export async function walkUpstream(
  tx: Transaction,
  starts: readonly string[],
  clock: () => number,
  limits: WalkLimits = upstreamLimits,
): Promise<UpstreamWalk> {
  const nodes = new Map<string, ReachedNode>(starts.map((key) => [key, { key }]));
  const end = clock() + limits.milliseconds;
  let frontier = [...nodes.keys()];
  for (let step = 0; frontier.length > 0; step++) {
    if (step >= limits.steps) return { nodes, exceeded: `The lineage upstream is longer than ${limits.steps} steps.` };
    if (clock() > end) return { nodes, exceeded: `The lineage upstream takes longer than ${limits.milliseconds} ms.` };
    const most = (limits.nodes - nodes.size + 1) * EDGES_PER_NODE + frontier.length;
    const edges = await neighbours(tx, frontier, 'upstream', most + 1);
    const next: string[] = [];
    for (const { source, target } of edges) {
      if (nodes.has(source) || !isPassed(source)) continue;
      nodes.set(source, { key: source, via: target });
      next.push(source);
    }
    if (nodes.size > limits.nodes || edges.length > most) {
      return { nodes, exceeded: `There are more than ${limits.nodes} nodes in the lineage upstream.` };
    }
    frontier = next;
  }
  return { nodes };
}

/** Keys from a start to a node. */
export function pathTo({ nodes }: UpstreamWalk, key: string): readonly string[] {
  const path: string[] = [];
  for (let at: string | undefined = key; at !== undefined; at = nodes.get(at)?.via) path.unshift(at);
  return path;
}
