/** Texts of executions and their steps. Pure functions. */
import type { Execution, ExecutionMark, ExecutionState } from '@dais/api/executions';
import { durationText } from '#pages/runs/run-words.ts';
import type { State } from '#ui/state-badge.tsx';

export interface StateWords {
  readonly state: State;
  readonly word: string;
}

export const EXECUTION_STATES: Readonly<Record<ExecutionState, StateWords>> = {
  pending: { state: 'waiting', word: 'pending' },
  running: { state: 'running', word: 'running' },
  succeeded: { state: 'ok', word: 'succeeded' },
  failed: { state: 'failed', word: 'failed' },
  canceled: { state: 'off', word: 'canceled' },
};

export const EXECUTION_STATE_NAMES = Object.keys(EXECUTION_STATES) as readonly ExecutionState[];

/** A `pending` step waits for other steps; a `ready` step waits for resources. */
export const NODE_STATES: Readonly<Record<ExecutionMark['state'], StateWords>> = {
  pending: { state: 'off', word: 'pending' },
  ready: { state: 'waiting', word: 'queued' },
  delayed: { state: 'warning', word: 'waiting for retry' },
  running: { state: 'running', word: 'running' },
  succeeded: { state: 'ok', word: 'succeeded' },
  failed: { state: 'failed', word: 'failed' },
  skipped: { state: 'off', word: 'skipped' },
  blocked: { state: 'warning', word: 'blocked' },
  canceled: { state: 'off', word: 'canceled' },
};

export const NODE_STATE_NAMES = Object.keys(NODE_STATES) as readonly ExecutionMark['state'][];

export function stateOf({
  state,
  cancelRequested,
  endedAt,
}: Pick<Execution, 'state' | 'cancelRequested' | 'endedAt'>): StateWords {
  return cancelRequested && endedAt === undefined ? { state: 'warning', word: 'canceling' } : EXECUTION_STATES[state];
}

/** Why the step has not run; undefined where it ran. */
export function sourceWord(source: ExecutionMark['source']): string | undefined {
  if (source === 'cache') return 'cached';
  return source === 'reused' ? 'reused' : undefined;
}

interface Timed {
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
}

/** The duration, for a running one until now. */
export function tookText({ startedAt, endedAt }: Timed, now: number): string {
  return durationText(startedAt === undefined ? undefined : Math.max(0, (endedAt ?? now) - startedAt));
}

/** `user:ada` as a short name. */
export function submitterText(submittedBy: string): string {
  return submittedBy.slice(submittedBy.indexOf(':') + 1);
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

export function bytesText(bytes: number): string {
  const at = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3));
  return `${Number((bytes / 1000 ** at).toPrecision(3))} ${UNITS[at] ?? ''}`;
}

/** The last segment of a path: `train/3/fit` is named fit. */
export function taskName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
