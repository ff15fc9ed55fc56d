import type { Graph } from './machine/plan.ts';

/** Whether a step of it sees all that the server sees. */
export function isUnisolated({ tasks }: Graph): boolean {
  return Object.values(tasks).some(({ body }) =>
    'graph' in body ? isUnisolated(body.graph) : body.step.isolation === 'none',
  );
}
