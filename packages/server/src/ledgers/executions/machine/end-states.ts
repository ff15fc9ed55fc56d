import type { NodeState } from './run-store.ts';
import type { EndState } from './values.ts';

export const END_STATES = [
  'succeeded',
  'failed',
  'skipped',
  'blocked',
  'canceled',
] as const satisfies readonly EndState[];

export function isEnd(state: NodeState): state is EndState {
  return (END_STATES as readonly string[]).includes(state);
}
