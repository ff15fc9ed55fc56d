/** Connections between nodes, as the control process uses them; see compose.ts. */
export type { NodeConnections } from '#ledgers/nodes/index.ts';
