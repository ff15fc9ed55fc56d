/** The lineage ledger: what came from what. It keeps references, and imports no other ledger: those that cause edges note them. */
import { readLineageOperation } from '@dais/api';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import { readGraph } from './graph.ts';
import type { NodeSource } from './node-source.ts';

export { recordExternal, type ExternalLineage } from './external.ts';
export { lineageSlice } from './lineage-slice.ts';
export { nearestUpstream } from './nearest.ts';
export type { LinkedNode } from './links.ts';
export { keyOf, nodeKey } from './node-key.ts';
export { nodeNames, readableNodes } from './node-names.ts';
export type { NodeSource } from './node-source.ts';
export { noteLineage, type NotedEdge, type NotedNode } from './note.ts';
export { tellingHandler, tellingOutbox, type TellingParts, type ToldRun } from './telling.ts';
export { STORED_AS, upstreamCounts } from './upstream-counts.ts';
export {
  explainUpstream,
  upstreamFacts,
  type NodeMeasure,
  type Starts,
  type UpstreamMeasure,
} from './upstream-facts.ts';
export { forgetProject, lineageRetention } from './upkeep.ts';

export function lineageEntries(sources: readonly NodeSource[]): readonly OperationEntry[] {
  return [entry(readLineageOperation, async (tx, call) => await readGraph(tx, call, sources))];
}
