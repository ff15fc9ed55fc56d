import type { Clock } from '#lib/clock.ts';

/** Resolves after a time. @throws the reason of `signal` when it aborts */
export async function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const cancel = clock.after(ms, end);
    signal.addEventListener('abort', end);
  });
  signal.throwIfAborted();
}
