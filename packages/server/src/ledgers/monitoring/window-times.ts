/** When windows begin and end. Pure. */
import type { MonitorSpec } from '@dais/api/monitoring';

const MINUTE_MS = 60_000;

/** Where the first window begins, from a moment on: of time at a whole multiple since 1970. */
export function windowStart(windows: MonitorSpec['windows'], at: number): number {
  if (windows.type === 'count') return at;
  const length = lengthOf(windows);
  return Math.floor(at / length) * length;
}

export function lengthOf({ minutes }: Extract<MonitorSpec['windows'], { type: 'time' }>): number {
  return Math.round(minutes * MINUTE_MS);
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

/**
 * The window that is judged next; undefined: it has not ended. Where no prediction was made for several windows they are
 * one: `next` is when the next one was made, if there is one.
 */
export function nextSpan(
  windows: Extract<MonitorSpec['windows'], { type: 'time' }>,
  cursor: number,
  { now, graceMs, next }: { readonly now: number; readonly graceMs: number; readonly next: number | undefined },
): Span | undefined {
  const length = lengthOf(windows);
  const start = windowStart(windows, cursor);
  const ended = windowStart(windows, now - graceMs);
  if (start + length > ended) return undefined;
  if (next !== undefined && next < start + length) return { from: start, until: start + length };
  const until = next === undefined ? ended : Math.min(ended, windowStart(windows, next));
  return { from: start, until: Math.max(start + length, until) };
}
