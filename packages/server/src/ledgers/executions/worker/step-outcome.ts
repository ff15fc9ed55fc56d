/** Outcomes of attempts, with error messages for their owner. */
import { getSystemErrorMessage } from 'node:util';
import { DaisError } from '@dais/api';
import type { TaskState } from '#engines/compute/contract.ts';
import type { AttemptEnd } from './attempts.ts';
import type { StepEnd } from '../machine/machine.ts';
import { ValueError } from '../machine/values.ts';
import type { CachedStep } from './step-cache.ts';
import type { Uploaded } from './step-files.ts';

/** Refused destinations that an error message lists; the log lists the others. */
const MAX_REFUSALS = 5;

/** The outcome of an attempt before it is committed. */
export interface Outcome {
  readonly end: StepEnd;
  readonly record: AttemptEnd;
  readonly uploads?: readonly Uploaded[];
  readonly fingerprint?: string;
  /** Outputs of an equal step, which replace a run of this one. */
  readonly cached?: CachedStep;
}

export const CANCELED: Outcome = { end: { is: 'canceled' }, record: { ending: 'canceled' } };

export function lost(error: string): Outcome {
  return { end: { is: 'lost', error }, record: { ending: 'lost', error } };
}

export function refused(error: string): Outcome {
  return { end: { is: 'failed', error, final: true }, record: { ending: 'refused', error } };
}

/**
 * Returns the outcome of an error that a retry cannot fix, with its message. Undefined for errors that may be temporary,
 * and for internal errors of Dais.
 */
export function refusal(error: unknown): Outcome | undefined {
  if (error instanceof ValueError) return refused(error.message);
  if (!(error instanceof DaisError) || error.retryable || error.code === 'internal') return undefined;
  return refused(errorText(error));
}

/** Returns the reason of an internal error for the owner of the step: what the system reported, without paths of the server. */
export function internalReason(attempt: string, error: unknown): string {
  const { errno } = (error ?? {}) as { readonly errno?: unknown };
  const cause = typeof errno === 'number' ? ` (${getSystemErrorMessage(errno)})` : '';
  return `internal error while running the step${cause}: see the log of the server, attempt ${attempt}`;
}

function errorText({ message, issues = [] }: DaisError): string {
  return [message, ...issues.map(({ path, message: issue }) => `${path}: ${issue}`)].join('\n');
}

export function failureReason({ end, detail, code, signal }: Extract<TaskState, { phase: 'ended' }>): string {
  if (detail !== undefined) return detail;
  if (end === 'wall-time') return 'exceeded its time limit';
  if (end === 'out-of-memory') return 'exceeded its memory limit: request more with `resources.memory`';
  if (end === 'too-many-processes') return 'exceeded its limit of processes and threads';
  if (end === 'disk-full') return 'exceeded its disk limit: request more with `resources.disk`';
  return signal === undefined ? `exited with code ${code ?? 'unknown'}` : `terminated by ${signal}`;
}

/** Returns the connections that the outbound guard refused, which may have caused the failure, a sentence for each. */
export function refusals({ refusedConnections = [] }: Extract<TaskState, { phase: 'ended' }>): readonly string[] {
  const more = refusedConnections.length - MAX_REFUSALS;
  const shown = refusedConnections.slice(0, MAX_REFUSALS);
  return more > 0 ? [...shown, `The log lists ${more} more refused destination${more === 1 ? '' : 's'}.`] : shown;
}

export function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error as { name?: unknown } | null)?.name === 'AbortError';
}
