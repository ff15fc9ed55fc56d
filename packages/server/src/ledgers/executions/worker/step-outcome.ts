/** What an attempt at a step comes to, in words for its owner. */
import { DaisError } from '@dais/api';
import type { TaskState } from '#engines/compute/contract.ts';
import type { AttemptEnd } from '../attempts.ts';
import type { StepEnd } from '../machine/machine.ts';
import { ValueFault } from '../machine/values.ts';
import type { Spared } from './spared.ts';
import type { Uploaded } from './step-files.ts';

/** Destinations that the reason of a failure names; the log has the others. */
const MAX_REFUSALS = 5;

/** Before it is committed. */
export interface Outcome {
  readonly end: StepEnd;
  readonly record: AttemptEnd;
  readonly uploads?: readonly Uploaded[];
  readonly fingerprint?: string;
  /** Outputs of another step, to be taken over. */
  readonly spared?: Spared;
}

export const CANCELLED: Outcome = { end: { is: 'cancelled' }, record: { ending: 'cancelled' } };

export function lost(error: string): Outcome {
  return { end: { is: 'lost', error }, record: { ending: 'lost', error } };
}

export function refused(error: string): Outcome {
  return { end: { is: 'failed', error, final: true }, record: { ending: 'refused', error } };
}

/**
 * What a step cannot pass by being tried again, in the words of whoever refused it. Undefined for what may pass, and for
 * what is an error of Dais itself.
 */
export function refusal(error: unknown): Outcome | undefined {
  if (error instanceof ValueFault) return refused(error.message);
  if (!(error instanceof DaisError) || error.retryable || error.code === 'internal') return undefined;
  return refused(explained(error));
}

function explained({ message, issues = [] }: DaisError): string {
  return [message, ...issues.map(({ path, message: said }) => `${path}: ${said}`)].join('\n');
}

export function howItEnded({ end, detail, code, signal }: Extract<TaskState, { phase: 'ended' }>): string {
  if (detail !== undefined) return detail;
  if (end === 'wall-time') return 'it exceeded its time limit';
  if (end === 'out-of-memory') return 'it needed more memory than it may have: request more with `resources.memory`';
  if (end === 'too-many-processes') return 'it started more processes and threads than it may have';
  if (end === 'disk-full') return 'it wrote more than it may';
  return signal === undefined ? `it ended with exit code ${code ?? 'unknown'}` : `it was ended by ${signal}`;
}

/** What of its failure the outbound guard may have caused, a sentence for each destination. */
export function refusals({ refusedConnections = [] }: Extract<TaskState, { phase: 'ended' }>): readonly string[] {
  const more = refusedConnections.length - MAX_REFUSALS;
  const shown = refusedConnections.slice(0, MAX_REFUSALS);
  return more > 0 ? [...shown, `The log lists ${more} more refused destinations.`] : shown;
}

export function isAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error as { name?: unknown } | null)?.name === 'AbortError';
}
