import type { Graph } from './machine/plan.ts';

/** Returns whether a step of the graph runs without isolation, with the permissions of the server. */
export function isUnisolated({ tasks }: Graph): boolean {
  return Object.values(tasks).some(({ body }) =>
    'graph' in body ? isUnisolated(body.graph) : body.step.isolation === 'none',
  );
}
