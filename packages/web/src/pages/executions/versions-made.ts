/** Which versions of datasets and models a step made, from its lineage. Pure. */
import type { LineageGraph, LineageNode, LineageRelation } from '@dais/api/lineage';

/** What is made in a run that a step began is made by the step. Whoever reads a version later is another one. */
const MAKING: ReadonlySet<LineageRelation> = new Set(['made', 'started', 'registered']);

/** In the order of their names. */
export function versionsMade({ root, nodes, edges }: LineageGraph): readonly LineageNode[] {
  const known = new Map(nodes.map((node) => [node.node, node]));
  const seen = new Set([root]);
  const versions: LineageNode[] = [];
  for (const at of seen) {
    for (const { from, to, relation } of edges) {
      if (from !== at || seen.has(to) || !MAKING.has(relation)) continue;
      const node = known.get(to);
      if (node === undefined) continue;
      if (node.type === 'dataset-version' || node.type === 'model-version') {
        if (!versions.includes(node)) versions.push(node);
      } else seen.add(to);
    }
  }
  return versions.toSorted((a, b) => ((a.name ?? a.node) < (b.name ?? b.node) ? -1 : 1));
}
