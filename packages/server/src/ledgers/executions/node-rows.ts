/** Converts rows of nodes to the facts that the state machine reads. */
import type { Values } from './machine/plan.ts';
import type { NodeFacts, NodeKind, NodeState } from './machine/run-store.ts';

export interface NodeRow {
  readonly id: string;
  readonly parent: string | null;
  readonly path: string;
  readonly place: string;
  readonly iteration: number | null;
  readonly kind: NodeKind;
  readonly state: NodeState;
  readonly waits: number;
  readonly bad: number;
  readonly skipped: number;
  readonly open: number;
  readonly broken: number;
  readonly cancelled: number;
  readonly total: number;
  readonly expanded: number;
  readonly failures: number;
  readonly losses: number;
  readonly inputs: Values;
}

export const NODE_COLUMNS =
  'n.id, n.parent, n.path, n.place, n.iteration, n.kind, n.state, n.waits, n.bad, n.skipped, n.open, n.broken, n.cancelled, n.total, n.expanded, n.failures, n.losses, n.inputs';

export function factsOf({ parent, iteration, ...row }: NodeRow): NodeFacts {
  return { ...row, parent: parent ?? undefined, iteration: iteration ?? undefined };
}
