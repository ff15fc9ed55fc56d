export interface Deadline {
  /** Aborts when the time is up (with a `TimeoutError`) or when the caller's own signal does (with its reason). */
  readonly signal: AbortSignal;
  /** Ends the clock. Idempotent. */
  clear(): void;
}

/**
 * `ms` 0 means no limit. Not AbortSignal.any with AbortSignal.timeout: in Node 20 such a signal can be collected as
 * garbage before it fires (nodejs/node#54614), and the call would then wait for ever.
 */
export function startDeadline(ms: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController();
  const timer =
    ms === 0 ? undefined : setTimeout(() => controller.abort(new DOMException('the time is up', 'TimeoutError')), ms);
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
