/** The start and end of windows. Pure. */
import type { MonitorSpec } from '@dais/api/monitoring';

const MINUTE_MS = 60_000;

/** Returns the start of the first window after a time; windows by time start at a multiple of their length since 1970. */
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
 * Returns the next window to evaluate; undefined if it has not ended. Several windows without predictions are merged into
 * one. `next`: the time of the next prediction, if there is one.
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
