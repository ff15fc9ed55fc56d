/** Bin edges of histograms in profiles. */
export interface Spread {
  readonly min: number;
  readonly max: number;
  readonly p01: number;
  readonly p99: number;
  readonly whole: boolean;
}

const BINS = 30;

/**
 * Returns the inner bin edges, rising, between `min` and `max`. Integers with a small range get one bin each. The two outermost
 * bins take distant outliers, so that the others resolve the bulk of the rows.
 */
export function innerEdges({ min, max, p01, p99, whole }: Spread): readonly number[] {
  if (!(max > min)) return [];
  if (whole && max - min < BINS) return Array.from({ length: Math.round(max - min) }, (_, i) => min + i + 0.5);
  // Half of the middle 98 % on either side: ±4.7 standard deviations of a normal distribution.
  const reach = (p99 - p01) / 2;
  const low = reach > 0 ? Math.max(min, p01 - reach) : min;
  const high = reach > 0 ? Math.min(max, p99 + reach) : max;
  const count = BINS - (low > min ? 1 : 0) - (high < max ? 1 : 0);
  const inner = Array.from({ length: count + 1 }, (_, i) => low + ((high - low) * i) / count);
  return rising(inner.filter((edge) => edge > min && edge < max));
}

/** Merges neighboring edges that rounding made equal. */
export function rising(edges: readonly number[]): readonly number[] {
  return edges.filter((edge, i) => i === 0 || edge > (edges[i - 1] ?? Number.NEGATIVE_INFINITY));
}
