/** Tells callers of the engine what a failed call of the cluster means for them. */
import { DaisError } from '@dais/api/errors';
import { classifyFailure, type FailureKind } from '#lib/kubernetes/classify-failure.ts';

/** An administrator can remedy these, and then the same call succeeds: the task waits. */
const WAITS: readonly FailureKind[] = ['forbidden', 'unauthenticated', 'tls', 'unknown-type'];

/** Returns the error of a cluster as people read it. Other errors are returned as they are. */
export function targetFailure(error: unknown): unknown {
  const failure = classifyFailure(error);
  if (failure === undefined) return error;
  const { kind, isRetryable, message } = failure;
  const waits = isRetryable || WAITS.includes(kind);
  return new DaisError(waits ? 'target_unavailable' : 'invalid_request', message, { cause: error });
}

/** The same for calls that concern no single task: whatever the cluster refuses, an administrator can remedy it. */
export function openingFailure(error: unknown): unknown {
  const failure = classifyFailure(error);
  return failure === undefined ? error : new DaisError('target_unavailable', failure.message, { cause: error });
}
