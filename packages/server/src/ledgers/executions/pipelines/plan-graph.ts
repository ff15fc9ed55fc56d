/** Returns the nodes and edges of a plan for display before it runs. */
import type { PipelineGraph } from '@dais/api';
import { needsOf, type Graph } from '../machine/plan.ts';

const MOST_NODES = 5000;

export function planGraph(plan: Graph): Pick<PipelineGraph, 'nodes' | 'edges' | 'more'> {
  const nodes: PipelineGraph['nodes'] = [];
  const edges: PipelineGraph['edges'] = [];
  let more = false;
  const visit = (graph: Graph, below: string): void => {
    for (const [name, task] of Object.entries(graph.tasks)) {
      if (nodes.length >= MOST_NODES) {
        more = true;
        return;
      }
      const path = `${below}${name}`;
      const group = 'graph' in task.body;
      nodes.push({
        path,
        kind: task.each !== undefined ? 'loop' : group ? 'graph' : 'step',
        group,
        conditional: task.when !== undefined,
        always: task.after === 'completed',
      });
      edges.push(...needsOf(task).map((need) => ({ from: `${below}${need}`, to: path })));
      if ('graph' in task.body) visit(task.body.graph, `${path}/`);
    }
  };
  visit(plan, '');
  const shown = new Set(nodes.map(({ path }) => path));
  return { nodes, edges: edges.filter(({ from, to }) => shown.has(from) && shown.has(to)), more };
}
