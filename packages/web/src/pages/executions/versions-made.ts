/** Versions of datasets and models that a step created, from its lineage. Pure functions. */
import type { LineageGraph, LineageNode, LineageRelation } from '@dais/api/lineage';

/** The step also creates what its run creates. Later readers of a version are other steps. */
const MAKING: ReadonlySet<LineageRelation> = new Set(['made', 'started', 'registered']);

/** Sorted by name. */
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
