/** Reads the lineage graph around a node: its upstream and downstream nodes. */
import { DaisError } from '@dais/api';
import type { LineageEdge, LineageGraph, LineageNode, readLineageOperation } from '@dais/api/lineage';
import type { CallOf } from '#kernel/entry.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { neighbors, type EdgeRow, type Direction } from './neighbors.ts';
import { keyOf, parseKey } from './node-key.ts';
import type { NodeSource } from './node-source.ts';
import { NodeVisibility } from './visibility.ts';

/** Limit of edges per node of a response, because there may be millions between many nodes. */
const EDGES_PER_NODE = 10;
/** Neighbors that decide whether a node without a ledger is visible. */
const MOST_NEIGHBORS = 50;

/**
 * Walks upstream and downstream separately, because other results of the same dataset are neither origin nor consequence.
 * The walk ends at hidden nodes. @throws DaisError `not_found`, `invalid_request`.
 */
export async function readGraph(
  tx: Transaction,
  call: CallOf<typeof readLineageOperation>,
  sources: readonly NodeSource[],
): Promise<LineageGraph> {
  const { input } = call;
  const visibility = new NodeVisibility(tx, call, sources);
  const root = await findRoot(tx, input.node, sources, visibility);
  const graph = new Graph(input.limit);
  graph.add(root.node, root);
  const ways: readonly Direction[] = input.direction === 'both' ? ['upstream', 'downstream'] : [input.direction];
  const frontier = new Map<Direction, readonly string[]>(ways.map((way) => [way, [root.node]]));
  for (let step = 0; step < input.depth; step++) {
    for (const way of ways) {
      const from = frontier.get(way) ?? [];
      if (from.length > 0) frontier.set(way, await oneStep(tx, graph, visibility, way, from));
    }
  }
  return graph.answer(root.node);
}

/** Returns the nodes from which the walk continues. */
async function oneStep(
  tx: Transaction,
  graph: Graph,
  visibility: NodeVisibility,
  way: Direction,
  from: readonly string[],
): Promise<readonly string[]> {
  const most = graph.edgesLeft;
  const found = await neighbors(tx, from, way, most + 1);
  if (found.length > most) graph.truncated = true;
  const rows = found.slice(0, most);
  const reached = new Set(rows.map((row) => (way === 'upstream' ? row.source : row.target)));
  const fresh = graph.admit([...reached]);
  const seen = await visibility.visibleNodes(fresh);
  for (const key of fresh) graph.add(key, seen.get(key));
  for (const row of rows) graph.join(row);
  return fresh.filter((key) => seen.get(key) !== undefined);
}

class Graph {
  readonly limit: number;
  truncated = false;
  /** Undefined: the node is hidden. */
  readonly #nodes = new Map<string, LineageNode | undefined>();
  readonly #edges = new Map<string, EdgeRow>();

  constructor(limit: number) {
    this.limit = limit;
  }

  get edgesLeft(): number {
    return Math.max(0, this.limit * EDGES_PER_NODE - this.#edges.size);
  }

  /** Returns new nodes within the limit. */
  admit(keys: readonly string[]): readonly string[] {
    const fresh = keys.filter((key) => !this.#nodes.has(key));
    const room = this.limit - this.#nodes.size;
    if (fresh.length > room) this.truncated = true;
    return fresh.slice(0, room);
  }

  add(key: string, node: LineageNode | undefined): void {
    this.#nodes.set(key, node);
  }

  join(edge: EdgeRow): void {
    if (!this.#nodes.has(edge.source) || !this.#nodes.has(edge.target)) return;
    this.#edges.set(`${edge.source}\n${edge.target}`, edge);
  }

  answer(root: string): LineageGraph {
    // Even the id of a hidden node may disclose information.
    const names = new Map<string, string>();
    const nodes: LineageNode[] = [];
    for (const [key, node] of this.#nodes) {
      const name = node === undefined ? `hidden:${names.size}` : key;
      names.set(key, name);
      nodes.push(node ?? { node: name, type: parseKey(key)?.type ?? 'dataset', hidden: true });
    }
    const shown = (key: string) => names.get(key) ?? key;
    const edges = [...this.#edges.values()].map(({ source, target, relation, at }): LineageEdge => ({
      from: shown(source),
      to: shown(target),
      relation,
      at: Number(at),
    }));
    return { root, nodes, edges, truncated: this.truncated };
  }
}

async function findRoot(
  tx: Transaction,
  request: string,
  sources: readonly NodeSource[],
  visibility: NodeVisibility,
): Promise<LineageNode> {
  const named = parseKey(request);
  if (named === undefined) {
    const issues = [{ path: 'query.node', message: 'is not a lineage node', expected: '`run:ID`, `dataset:ID`, …' }];
    throw new DaisError(
      'invalid_request',
      `"${request.slice(0, 80)}" is not a lineage node. Use the form TYPE:ID, such as run:ID.`,
      {
        issues,
      },
    );
  }
  const source = sources.find(({ type }) => type === named.type);
  const id = (await source?.find?.(tx, named.id)) ?? named.id;
  const key = keyOf(named.type, id);
  const nearby = [
    ...(await neighbors(tx, [key], 'upstream', MOST_NEIGHBORS)),
    ...(await neighbors(tx, [key], 'downstream', MOST_NEIGHBORS)),
  ].map((row) => (row.source === key ? row.target : row.source));
  if (nearby.length > 0 || (await visibility.isKnown(key))) {
    const node = (await visibility.visibleNodes([key])).get(key);
    const hasVisibleNeighbor =
      source !== undefined ||
      nearby.length === 0 ||
      [...(await visibility.visibleNodes(nearby)).values()].some(Boolean);
    if (node !== undefined && hasVisibleNeighbor) return node;
  }
  throw new DaisError('not_found', `There is no lineage node "${request.slice(0, 80)}" in this project.`);
}
