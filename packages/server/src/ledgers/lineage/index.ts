/** The lineage ledger: references between inputs and outputs. Other ledgers record edges; it imports none of them. */
import { readLineageOperation } from '@dais/api/lineage';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { LedgerDefinition } from '#ledgers/ledger.ts';
import { readGraph } from './graph.ts';
import { lineageSlice } from './lineage-slice.ts';
import type { NodeSource } from './node-source.ts';
import { runEventHandler, runEventOutbox, type RunEventOptions } from './run-events.ts';
import { upstreamCounts } from './upstream-counts.ts';
import { removeProjectLineage, lineageRetention } from './retention.ts';

export { recordExternal, type ExternalLineage } from './note.ts';
export { lineageSlice } from './lineage-slice.ts';
export { nearestUpstream } from './upstream-walk.ts';
export type { LinkedNode } from './links.ts';
export { keyOf, nodeKey } from './node-key.ts';
export { nodeNames, readableNodes } from './visibility.ts';
export type { NodeSource } from './node-source.ts';
export { noteLineage, type NotedEdge, type NotedNode } from './note.ts';
export type { RunEventOptions, RunEvent } from './run-events.ts';
export { STORED_AS } from './upstream-counts.ts';
export {
  explainUpstream,
  upstreamFacts,
  type NodeMeasure,
  type Starts,
  type UpstreamFactsOptions,
  type UpstreamMeasure,
} from './upstream-facts.ts';
export { lineageRetention } from './retention.ts';

export function lineageEntries(sources: readonly NodeSource[]): readonly OperationEntry[] {
  return [entry(readLineageOperation, async (tx, call) => await readGraph(tx, call, sources))];
}

export interface LineageDependencies {
  /** Node types of other ledgers. */
  readonly sources: readonly NodeSource[];
  /** Retention of nodes and edges of other systems in days. */
  readonly days: number;
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Systems that receive an event for each run. */
  readonly receivers: readonly RunEventOptions[];
}

export const ledger: LedgerDefinition<LineageDependencies> = {
  name: 'lineage',
  slice: lineageSlice,
  project: { remove: async (tx, { id }) => await removeProjectLineage(tx, id) },
  facts: () => ({ upstream: upstreamCounts }),
  open: ({ sources, receivers, ...retention }) => ({
    entries: lineageEntries(sources),
    jobs: [lineageRetention(retention), ...receivers.map(runEventHandler)],
    subscribers: receivers.map(runEventOutbox),
  }),
};
