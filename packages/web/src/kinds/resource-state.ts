import type { Condition, Resource } from '@dais/api';
import type { State } from '#ui/state-badge.tsx';

export interface ShownState {
  readonly state: State;
  readonly word: string;
  readonly why?: string;
}

export function conditionsOf(resource: Resource): readonly Condition[] {
  return (resource.status as { conditions?: readonly Condition[] }).conditions ?? [];
}

/** Returns the state of one condition for the console. */
export function conditionState(condition: Condition, generation: number): ShownState {
  const why = condition.message === '' ? {} : { why: condition.message };
  if (condition.observedGeneration < generation) return { state: 'waiting', word: 'Pending', ...why };
  if (condition.status === 'True') return { state: 'ok', word: condition.type, ...why };
  return { state: condition.status === 'False' ? 'failed' : 'waiting', word: reasonWords(condition.reason), ...why };
}

/** `Secret key missing` for SecretKeyMissing. */
function reasonWords(reason: string): string {
  const words = reason.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ');
  return words.charAt(0) + words.slice(1).toLowerCase();
}

/** The state of the whole resource; undefined for kinds without a controller. */
export function resourceState(resource: Resource): ShownState | undefined {
  const { metadata } = resource;
  if (metadata.deletionRequestedAt !== undefined) {
    const who = metadata.finalizers?.join(', ') ?? '';
    return { state: 'waiting', word: 'Deleting', why: `Waits for ${who === '' ? 'finalizers' : who}.` };
  }
  const conditions = conditionsOf(resource);
  const condition =
    conditions.find(({ type }) => type === 'Ready') ?? conditions.find(({ status }) => status !== 'True');
  return condition === undefined ? undefined : conditionState(condition, metadata.generation);
}
