/** Whether a resource matches its manifest. Pure functions. */
import type { Resource } from '@dais/api';
import { conditionsOf } from '#resources/column-values.ts';

export type Readiness =
  | { readonly state: 'ready' }
  /** Why it is not ready, as a short text. */
  | { readonly state: 'waiting'; readonly reason: string };

/**
 * Returns ready when the platform has reconciled this generation and its condition `Ready` is true. A kind without a
 * controller has no conditions and is ready when it is stored.
 */
export function readinessOf(resource: Resource, generation: number, hasController: boolean): Readiness {
  if (resource.metadata.generation < generation) return { state: 'waiting', reason: 'the change is not processed yet' };
  if (!hasController) return { state: 'ready' };
  const ready = conditionsOf(resource).find((condition) => condition.type === 'Ready');
  if (ready === undefined || ready.observedGeneration < generation) {
    return { state: 'waiting', reason: 'not processed yet' };
  }
  if (ready.status === 'True') return { state: 'ready' };
  return { state: 'waiting', reason: `${ready.reason}: ${ready.message}` };
}
