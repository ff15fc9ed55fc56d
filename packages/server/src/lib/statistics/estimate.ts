/** A value with its uncertainty. */
export interface Estimate {
  /** Undefined where it is not defined: a precision without positive predictions. */
  readonly value: number | undefined;
  /** Bounds of the interval at `confidence`; undefined where there is none. */
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  /** Of what the interval is: `wilson`, `normal`, `delong`, `bootstrap`, `delta`, `logit`. */
  readonly interval?: 'wilson' | 'normal' | 'delong' | 'bootstrap' | 'delta' | 'logit' | undefined;
}

/** A mean with its normal interval, from the sum and the sum of squares of `count` values. */
export function meanEstimate(count: number, sum: number, squares: number, z: number): Estimate {
  if (count === 0) return { value: undefined };
  const value = sum / count;
  if (count < 2) return { value };
  const variance = Math.max(0, (squares - sum * value) / (count - 1));
  return intervalAround(value, Math.sqrt(variance / count), z, 'normal');
}

/** `value` ± `z` · `error`, within `bounds`. */
export function intervalAround(
  value: number,
  error: number,
  z: number,
  interval: NonNullable<Estimate['interval']>,
  [least, most]: readonly [number, number] = [-Infinity, Infinity],
): Estimate {
  return { value, low: Math.max(least, value - z * error), high: Math.min(most, value + z * error), interval };
}

/** Bounds of the Wilson score interval for a share of `successes` in `trials`; `z` 1.96: 95 %. Wilson 1927. */
export function wilsonInterval(successes: number, trials: number, z = 1.96): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 };
  const share = successes / trials;
  const square = z * z;
  const center = (share + square / (2 * trials)) / (1 + square / trials);
  const half = (z * Math.sqrt((share * (1 - share)) / trials + square / (4 * trials * trials))) / (1 + square / trials);
  return { low: Math.max(0, center - half), high: Math.min(1, center + half) };
}
