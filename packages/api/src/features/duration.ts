/** In microseconds, the precision of feature times. */
const UNITS: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1000,
  s: 1_000_000,
  m: 60_000_000,
  h: 3_600_000_000,
  d: 86_400_000_000,
  w: 604_800_000_000,
};

/** `10d`, `36h`, `1h 30m`, `250ms`; `0s`: none. */
export const DURATION = /^\d{1,12}(us|ms|s|m|h|d|w)( \d{1,12}(us|ms|s|m|h|d|w)){0,6}$/;

/** Microseconds of a text that matches `DURATION`; at most 2^53, which is 285 years. */
export function durationMicroseconds(text: string): number {
  let sum = 0;
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+)([a-z]+)/g)) sum += Number(amount) * (UNITS[unit] ?? 0);
  return Math.min(sum, Number.MAX_SAFE_INTEGER);
}
