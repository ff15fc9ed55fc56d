import { setTimeout as delay } from 'node:timers/promises';

const INTERVAL_MS = 100;
/** A limit against hanging, on a busy machine. */
const PATIENCE_MS = 180_000;

/** Resolves when the condition holds. `what` completes "It did not happen within … s that". */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const from = performance.now();
  while (!(await holds())) {
    if (performance.now() - from > patienceMs) {
      throw new Error(`It did not happen within ${patienceMs / 1000} s that ${what}.`);
    }
    await delay(INTERVAL_MS);
  }
}
