/**
 * Exponential backoff with full jitter ("Exponential Backoff And Jitter", AWS Architecture Blog): uniform between half
 * and all of `baseMs · 2^(attempt - 1)`, capped. Half at least, so that a busy retry cannot come from luck.
 */
export function backoffMs(attempt: number, baseMs: number, capMs: number, random: () => number): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return full / 2 + random() * (full / 2);
}
