import type { Clock } from '#lib/clock.ts';

/** Below this a wait is not worth a timer. */
const SHORTEST_WAIT_MS = 5;

/** Returns a function that waits after each piece of work to stay below `bytesPerSecond`. Idle time is not saved up. */
export function pacer(clock: Clock, bytesPerSecond: number, signal?: AbortSignal): (bytes: number) => Promise<void> {
  let due = clock.now();
  return async (bytes) => {
    signal?.throwIfAborted();
    const now = clock.now();
    due = Math.max(due, now - 1000) + (bytes / bytesPerSecond) * 1000;
    if (due - now < SHORTEST_WAIT_MS) return;
    await new Promise<void>((resolve) => {
      const end = () => {
        cancel();
        signal?.removeEventListener('abort', end);
        resolve();
      };
      const cancel = clock.after(due - now, end);
      signal?.addEventListener('abort', end);
    });
  };
}
