/** The lineage graph as boxes and lines. Pure functions. */
import type { LineageNode } from '@dais/api/lineage';
import type { Fan, FoldedGraph } from './fold-lineage.ts';
import { NODE_KINDS } from './node-address.ts';
import { nodeWords } from './strip-steps.ts';
import type { NodeContent } from '#ui/graph/graph-box.tsx';
import type { GraphLevel } from '#ui/graph/graph-layout.ts';
import type { State } from '#ui/state-badge.tsx';

/** A fan is a collapsed group: opening it draws more nodes. */
export function pictureLevel({ nodes, fans, edges }: FoldedGraph): GraphLevel {
  return {
    nodes: [...nodes.map(({ node }) => ({ id: node, group: false })), ...fans.map(({ id }) => ({ id, group: true }))],
    edges,
  };
}

const MANY: Readonly<Record<LineageNode['type'], string>> = {
  'dataset-version': 'dataset versions',
  dataset: 'datasets',
  commit: 'commits',
  'entry-point': 'programs',
  run: 'runs',
  'logged-model': 'logged models',
  'model-version': 'model versions',
  endpoint: 'endpoints',
  predictions: 'predictions',
  job: 'jobs',
  'job-run': 'job runs',
  step: 'steps',
  files: 'files',
  'feature-view': 'feature views',
  'feature-service': 'feature services',
};

export function fanContent({ type, count, all, downstream }: Fan): NodeContent {
  const title = `+${count.toLocaleString('en')} ${count === 1 ? NODE_KINDS[type].toLowerCase() : MANY[type]}`;
  const rest = all - count;
  const behind = rest === 0 ? '' : `, with ${rest.toLocaleString('en')} ${downstream ? 'after' : 'before'} them`;
  return {
    title,
    state: 'off',
    word: rest === 0 ? 'folded' : `collapsed, ${rest.toLocaleString('en')} more`,
    about: `${title.slice(1)}${behind}.`,
  };
}

/** State of runs, versions and steps; other nodes are dimmed. */
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
  COMPLETE: 'ok',
  START: 'running',
  ABORT: 'failed',
  FAIL: 'failed',
};

export function lineageContent(node: LineageNode, root: string): NodeContent {
  if (node.hidden === true) {
    return { title: 'hidden', state: 'off', word: 'no permission', about: 'No permission to view this node' };
  }
  const state = node.data?.['state'] ?? node.data?.['status'];
  const title = nodeWords(node);
  const kind = NODE_KINDS[node.type];
  return {
    title,
    state: node.gone === true ? 'off' : (STATES[state ?? ''] ?? 'off'),
    word: node.gone === true ? `${kind}, deleted` : kind,
    note: node.node === root ? 'current' : state?.toLowerCase(),
    about: `${kind} ${title}`,
  };
}
