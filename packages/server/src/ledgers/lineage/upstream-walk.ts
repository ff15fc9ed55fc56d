/** Walks upstream from nodes, breadth first and within limits, and returns the path to each reached node. */
import { upstreamLimits } from '@dais/api/access';
import type { LineageNodeType } from '@dais/api/lineage';
import type { Transaction } from '#kernel/transaction.ts';
import { neighbors } from './neighbors.ts';

export interface ReachedNode {
  readonly key: string;
  /** The previous node on the path from the start; absent for a start. */
  readonly via?: string;
}

export interface UpstreamWalk {
  /** Nodes by key, nearest first. Incomplete if `exceeded` is set. */
  readonly nodes: ReadonlyMap<string, ReachedNode>;
  /** The exceeded limit, as a sentence. */
  readonly exceeded?: string;
}

export interface WalkLimits {
  readonly steps: number;
  readonly nodes: number;
  readonly milliseconds: number;
}

/** Edges read per node that may still be added. */
const EDGES_PER_NODE = 4;

/**
 * The walk does not pass through endpoints: predictions reference the versions that made them, and an endpoint has also
 * served other versions.
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
    if (step >= limits.steps) return { nodes, exceeded: `The upstream lineage is longer than ${limits.steps} steps.` };
    if (clock() > end)
      return { nodes, exceeded: `Reading the upstream lineage takes longer than ${limits.milliseconds} ms.` };
    const most = (limits.nodes - nodes.size + 1) * EDGES_PER_NODE + frontier.length;
    const edges = await neighbors(tx, frontier, 'upstream', most + 1);
    const next: string[] = [];
    for (const { source, target } of edges) {
      if (nodes.has(source) || !isPassed(source)) continue;
      nodes.set(source, { key: source, via: target });
      next.push(source);
    }
    if (nodes.size > limits.nodes || edges.length > most) {
      return { nodes, exceeded: `The upstream lineage has more than ${limits.nodes} nodes.` };
    }
    frontier = next;
  }
  return { nodes };
}

/** Returns the keys on the path from a start to a node. */
export function pathTo({ nodes }: UpstreamWalk, key: string): readonly string[] {
  const path: string[] = [];
  for (let at: string | undefined = key; at !== undefined; at = nodes.get(at)?.via) path.unshift(at);
  return path;
}

const MOST_STEPS = 6;
const MOST_EDGES = 500;

/** Returns its key; of several at equal distance, that of the newest edge. Undefined: none within a few steps. */
export async function nearestUpstream(
  tx: Transaction,
  from: string,
  type: LineageNodeType,
): Promise<string | undefined> {
  const seen = new Set([from]);
  let at = [from];
  for (let step = 0; step < MOST_STEPS && at.length > 0; step++) {
    const edges = (await neighbors(tx, at, 'upstream', MOST_EDGES)).filter(({ source }) => !seen.has(source));
    const found = edges
      .filter(({ source }) => source.startsWith(`${type}:`))
      .toSorted((a, b) => Number(b.at - a.at) || (a.source < b.source ? -1 : 1))[0];
    if (found !== undefined) return found.source;
    at = [...new Set(edges.map(({ source }) => source))];
    for (const key of at) seen.add(key);
  }
  return undefined;
}
