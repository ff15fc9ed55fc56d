/** The lineage graph and its events. */
export {
  lineageOperations,
  readLineageOperation,
  recordLineageBatchOperation,
  recordLineageOperation,
} from '#operations/lineage.ts';
export { lineageEventSchema, lineageRunStates } from '#records/lineage-event.ts';
export type { LineageEvent } from '#records/lineage-event.ts';
export { lineageDirections, lineageNodeTypes, lineageRelations } from '#records/lineage.ts';
export type {
  LineageDirection,
  LineageEdge,
  LineageGraph,
  LineageNode,
  LineageNodeType,
  LineageRelation,
} from '#records/lineage.ts';
