/**
 * Selects the drawn part of a large lineage graph: the neighborhood of its root, with folded fans. Of many neighbors of
 * one node and type, a few are shown; the others are one box together with their dependents. Pure functions, linear in
 * the size of the graph.
 */
import type { LineageGraph, LineageNode, LineageNodeType } from '@dais/api/lineage';

/** Shown nodes of one fan; each time it is opened, as many more. */
export const SHOWN_OF_FAN = 6;
export const MORE_OF_FAN = 24;
/** Maximum number of drawn nodes without fans: further nodes are folded. */
export const MAX_DRAWN = 300;

export interface Fan {
  readonly id: string;
  /** The common neighbor. */
  readonly at: string;
  readonly type: LineageNodeType;
  /** Whether the nodes are downstream or upstream. */
  readonly downstream: boolean;
  /** Number of the nodes of the fan in the box. */
  readonly count: number;
  /** With all their dependents. */
  readonly all: number;
  /** The first folded node, which is shown when the fan is opened further. */
  readonly first: string;
}

export interface FoldedGraph {
  readonly nodes: readonly LineageNode[];
  readonly fans: readonly Fan[];
  /** Lines between drawn nodes and fans, each once. */
  readonly edges: readonly (readonly [from: string, to: string])[];
}

/** How a node is reached from the root. */
export interface Walk {
  readonly byKey: ReadonlyMap<string, LineageNode>;
  /** The previous node on the shortest path; the root has none. */
  readonly before: ReadonlyMap<string, string>;
  readonly steps: ReadonlyMap<string, number>;
  /** Nodes whose parent is the key, in the order of the response. */
  readonly behind: ReadonlyMap<string, readonly string[]>;
  readonly downstream: ReadonlySet<string>;
  /** The root first, then the nearest. */
  readonly order: readonly string[];
}

/** The shortest paths from the root, upstream and downstream. */
export function walkLineage({ root, nodes, edges }: LineageGraph): Walk {
  const byKey = new Map(nodes.map((node) => [node.node, node]));
  const [up, down] = [new Map<string, string[]>(), new Map<string, string[]>()];
  for (const { from, to } of edges) {
    if (from === to || !byKey.has(from) || !byKey.has(to)) continue;
    put(up, to, from);
    put(down, from, to);
  }
  const [before, steps] = [new Map<string, string>(), new Map([[root, 0]])];
  const behind = new Map<string, string[]>();
  const downstream = new Set<string>();
  const order = [root];
  const step = (from: readonly string[], next: ReadonlyMap<string, readonly string[]>, isDown: boolean): string[] => {
    const found: string[] = [];
    for (const at of from) {
      for (const key of next.get(at) ?? []) {
        if (steps.has(key)) continue;
        steps.set(key, (steps.get(at) ?? 0) + 1);
        before.set(key, at);
        put(behind, at, key);
        if (isDown) downstream.add(key);
        found.push(key);
        order.push(key);
      }
    }
    return found;
  };
  let [above, below] = [[root], [root]];
  while (above.length > 0 || below.length > 0) {
    above = step(above, up, false);
    below = step(below, down, true);
  }
  return { byKey, before, steps, behind, downstream, order };
}

function put(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [value]);
  else list.push(value);
}

export interface FoldOptions {
  /** Requested number of shown nodes of a fan. */
  readonly open: ReadonlyMap<string, number>;
  /** Always shown, with the path to them. */
  readonly reveal: readonly string[];
}

export function foldLineage({ root, edges }: LineageGraph, walk: Walk, { open, reveal }: FoldOptions): FoldedGraph {
  const forced = new Set<string>();
  for (const key of reveal) {
    for (let at: string | undefined = key; at !== undefined && !forced.has(at); at = walk.before.get(at))
      forced.add(at);
  }
  /** The representative of each node: itself, or its fan. */
  const shownAs = new Map<string, string>([[root, root]]);
  const [nodes, fans] = [[root], [] as Fan[]];
  for (let next = 0; next < nodes.length; next++) {
    const at = nodes[next] ?? '';
    for (const [id, keys] of fansOf(walk, at)) {
      const room = Math.max(0, MAX_DRAWN - nodes.length);
      const requested = open.get(id);
      const count = requested ?? (keys.length <= SHOWN_OF_FAN + 1 ? keys.length : SHOWN_OF_FAN);
      // An explicitly requested number is always drawn.
      const most = requested === undefined ? Math.min(count, room) : count;
      const shown = keys.filter((key, position) => position < most || forced.has(key));
      const folded =
        shown.length === keys.length ? [] : keys.filter((key, position) => position >= most && !forced.has(key));
      for (const key of shown) shownAs.set(key, key);
      nodes.push(...shown);
      const [first] = folded;
      if (first === undefined) continue;
      for (const key of folded) shownAs.set(key, id);
      fans.push({
        id,
        at,
        type: walk.byKey.get(first)?.type ?? 'dataset',
        downstream: walk.downstream.has(first),
        count: folded.length,
        all: folded.length,
        first,
      });
    }
  }
  const all = hideBehind(walk, shownAs);
  return {
    nodes: nodes.flatMap((key) => walk.byKey.get(key) ?? []),
    fans: fans.map((fan) => ({ ...fan, all: all.get(fan.id) ?? fan.count })),
    edges: linesOf(edges, shownAs),
  };
}

/** Dependents of a node, by direction and type. */
function fansOf(walk: Walk, at: string): ReadonlyMap<string, readonly string[]> {
  const fans = new Map<string, string[]>();
  for (const key of walk.behind.get(at) ?? []) {
    const type = walk.byKey.get(key)?.type ?? '';
    put(fans, `fan:${walk.downstream.has(key) ? 'down' : 'up'}:${type}:${at}`, key);
  }
  return fans;
}

/** Adds the dependents of a folded node to its fan. Returns the size of each fan. */
function hideBehind(walk: Walk, shownAs: Map<string, string>): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  // The nearest come first, so that parents are settled before their dependents.
  for (const key of walk.order) {
    let fan = shownAs.get(key);
    if (fan === undefined) {
      fan = shownAs.get(walk.before.get(key) ?? '') ?? '';
      shownAs.set(key, fan);
    }
    if (fan !== key) counts.set(fan, (counts.get(fan) ?? 0) + 1);
  }
  return counts;
}

function linesOf(
  edges: LineageGraph['edges'],
  shownAs: ReadonlyMap<string, string>,
): readonly (readonly [string, string])[] {
  const lines = new Map<string, readonly [string, string]>();
  for (const edge of edges) {
    const [from, to] = [shownAs.get(edge.from), shownAs.get(edge.to)];
    if (from !== undefined && to !== undefined && from !== to) lines.set(`${from}\n${to}`, [from, to]);
  }
  return [...lines.values()];
}
