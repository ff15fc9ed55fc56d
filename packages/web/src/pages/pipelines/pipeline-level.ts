/** Maps the plan of a pipeline to the drawn graph. Pure functions. */
import type { PipelineGraph } from '@dais/api/executions';
import type { NodeContent } from '#ui/graph/graph-box.tsx';
import type { GraphLevel, GraphNode } from '#ui/graph/graph-layout.ts';

type Node = PipelineGraph['nodes'][number];

const parentOf = (path: string) => (path.includes('/') ? path.slice(0, path.lastIndexOf('/')) : '');

export function pipelineLevel(
  { nodes, edges }: Pick<PipelineGraph, 'nodes' | 'edges'>,
  shut: ReadonlySet<string>,
): GraphLevel {
  const inside = grouped(nodes, ({ path }) => parentOf(path));
  const lines = grouped(edges, ({ from }) => parentOf(from));
  const levelOf = (group: string): GraphLevel => ({
    nodes: (inside.get(group) ?? []).map(({ path }): GraphNode => {
      const holds = inside.has(path);
      return holds && !shut.has(path) ? { id: path, group: true, inside: levelOf(path) } : { id: path, group: holds };
    }),
    edges: (lines.get(group) ?? []).map(({ from, to }) => [from, to] as const),
  });
  return levelOf('');
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): ReadonlyMap<string, readonly Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

const KINDS: Readonly<Record<Node['kind'], string>> = { step: 'step', graph: 'group', loop: 'for each item' };

export function pipelineContent({ path, kind, conditional, always }: Node): NodeContent {
  const note = [...(conditional ? ['condition'] : []), ...(always ? ['always'] : [])].join(' · ');
  return {
    title: path.slice(path.lastIndexOf('/') + 1),
    state: 'off',
    word: KINDS[kind],
    ...(note !== '' && { note }),
    about: path,
  };
}
