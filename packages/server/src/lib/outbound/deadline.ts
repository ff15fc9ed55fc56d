export interface Deadline {
  /** Aborts when the time is up (with a `TimeoutError`) or when the caller's own signal does (with its reason). */
  readonly signal: AbortSignal;
  /** Ends the clock. Idempotent. */
  clear(): void;
}

/**
 * Starts a deadline. `ms` 0 means no limit. `clear` ends the timer, which AbortSignal.timeout would keep until it fires.
 */
export function startDeadline(ms: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const timer =
    ms === 0
      ? undefined
      : setTimeout(() => controller.abort(new DOMException('the time limit was exceeded', 'TimeoutError')), ms);
  const follow = () => controller.abort(caller?.reason);
  if (caller?.aborted === true) follow();
  caller?.addEventListener('abort', follow, { once: true });
  return {
    signal: controller.signal,
    clear() {
      clearTimeout(timer);
      caller?.removeEventListener('abort', follow);
    },
  };
}
