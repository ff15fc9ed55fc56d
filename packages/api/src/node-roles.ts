/** Roles of nodes, and the work that a node of each role does. */

export const NODE_ROLES = ['all', 'api', 'controller', 'gateway', 'worker'] as const;
export type NodeRole = (typeof NODE_ROLES)[number];

export interface NodeWork {
  /** Serves the API, the console, and the protocols of other systems. */
  readonly api: boolean;
  /** Runs background work for all nodes: controllers, jobs, schedules. */
  readonly controller: boolean;
  /** Serves predictions. */
  readonly gateway: boolean;
  /** Runs steps of jobs and pipeline runs. */
  readonly steps: boolean;
}

const NONE: NodeWork = { api: false, controller: false, gateway: false, steps: false };

export const nodeWork: Readonly<Record<NodeRole, NodeWork>> = {
  all: { api: true, controller: true, gateway: true, steps: true },
  api: { ...NONE, api: true, gateway: true },
  controller: { ...NONE, controller: true },
  gateway: { ...NONE, gateway: true },
  worker: { ...NONE, steps: true },
};

/** Returns the roles whose nodes do some work. */
export function rolesWith(work: keyof NodeWork): readonly NodeRole[] {
  return NODE_ROLES.filter((role) => nodeWork[role][work]);
}
