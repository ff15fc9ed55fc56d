/** A graph of lineage as boxes and lines. Pure. */
import type { LineageGraph, LineageNode } from '@dais/api';
import { NODE_KINDS } from './node-address.ts';
import { nodeWords } from './strip-steps.ts';
import type { NodeLook } from '#ui/graph/graph-box.tsx';
import type { GraphLevel } from '#ui/graph/graph-layout.ts';
import type { State } from '#ui/state-badge.tsx';

/** Several relations between two nodes are one line; an edge that leads out of what is told is none. */
export function pictureLevel({ nodes, edges }: LineageGraph): GraphLevel {
  const known = new Set(nodes.map(({ node }) => node));
  const lines = new Map<string, readonly [string, string]>();
  for (const { from, to } of edges) {
    if (from !== to && known.has(from) && known.has(to)) lines.set(`${from}\n${to}`, [from, to]);
  }
  return { nodes: nodes.map(({ node }) => ({ id: node, group: false })), edges: [...lines.values()] };
}

/** Of runs, versions and steps; what has no state is quiet. */
const STATES: Readonly<Record<string, State>> = {
  ready: 'ok',
  building: 'running',
  quarantined: 'failed',
  broken: 'warning',
  FINISHED: 'ok',
  RUNNING: 'running',
  FAILED: 'failed',
  KILLED: 'failed',
  SCHEDULED: 'waiting',
  READY: 'ok',
  succeeded: 'ok',
  failed: 'failed',
  running: 'running',
};

export function nodeLook(node: LineageNode, root: string): NodeLook {
  if (node.hidden === true) {
    return { title: 'hidden', state: 'off', word: 'you may not see it', about: 'Something that you may not see' };
  }
  const state = node.data?.['state'] ?? node.data?.['status'];
  const title = nodeWords(node);
  const kind = NODE_KINDS[node.type];
  return {
    title,
    state: node.gone === true ? 'off' : (STATES[state ?? ''] ?? 'off'),
    word: node.gone === true ? `${kind}, deleted` : kind,
    note: node.node === root ? 'this one' : state?.toLowerCase(),
    about: `${kind} ${title}`,
  };
}
