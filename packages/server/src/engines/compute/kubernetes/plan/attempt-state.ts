/** States of an attempt on Kubernetes: those of the contract, with what only a cluster knows. */
import type { TaskState } from '../../contract.ts';

export const LOST_KINDS = ['preempted', 'node', 'deleted', 'registry', 'device', 'hang', 'control', 'store'] as const;

/**
 * Why an attempt was lost. `preempted`: Kubernetes stopped its pod for another one; `node`: its node failed; `deleted`: a person
 * or program deleted its objects; `registry`: an image was not available; `device`: a device failed; `hang`: no progress;
 * `control`: its agent or Dais failed; `store`: the object store was not available.
 */
export type LostKind = (typeof LOST_KINDS)[number];

export interface PreparingState {
  readonly phase: 'preparing';
  /** What it waits for. */
  readonly note?: string;
}

export interface RunningState {
  readonly phase: 'running';
  readonly startedAt: Date;
  readonly devices: readonly string[];
  readonly note?: string;
}

export type EndedState = Extract<TaskState, { readonly phase: 'ended' }>;
export type RefusedState = Extract<TaskState, { readonly phase: 'refused' }>;

export interface LostState {
  readonly phase: 'lost';
  readonly kind: LostKind;
  readonly reason: string;
}

export type FinalState = EndedState | RefusedState | LostState;
export type ActiveState = PreparingState | RunningState;
export type AttemptState = ActiveState | FinalState;

/** Returns the state in the form of the contract, which has neither notes nor kinds of losses. */
export function toTaskState(state: AttemptState): TaskState {
  if (state.phase === 'preparing') return { phase: 'preparing' };
  if (state.phase === 'running') return { phase: 'running', startedAt: state.startedAt, devices: state.devices };
  if (state.phase === 'lost') return { phase: 'lost', reason: state.reason };
  return state;
}
