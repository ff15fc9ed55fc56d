/**
 * Numbers counted between edges that are fixed beforehand, with open ends: what the baseline's edges make of any later window, so
 * that counts of windows add up and nothing falls out.
 */

/**
 * `counts[i]` are the values x with `edges[i − 1]` < x ≤ `edges[i]`; the first one has all up to the first edge, the last one all
 * beyond the last edge.
 */
export interface Bins {
  /** Rising. */
  readonly edges: readonly number[];
  /** One more than there are edges. */
  readonly counts: readonly number[];
}

/** The place of the bin of `value`; NaN has none (−1). */
function binOf(edges: readonly number[], value: number): number {
  if (Number.isNaN(value)) return -1;
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((edges[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** NaN is not counted. */
export function countInBins(values: Iterable<number>, edges: readonly number[]): Bins {
  const counts = Array.from({ length: edges.length + 1 }, () => 0);
  for (const value of values) {
    const at = binOf(edges, value);
    if (at >= 0) counts[at] = (counts[at] ?? 0) + 1;
  }
  return { edges, counts };
}

/** @throws RangeError where the edges differ: counts between other edges do not add up. */
export function mergeBins(one: Bins, other: Bins): Bins {
  if (!sameEdges(one.edges, other.edges)) throw new RangeError('bins with different edges cannot be added');
  const counts = Array.from({ length: one.edges.length + 1 }, (_, i) => (one.counts[i] ?? 0) + (other.counts[i] ?? 0));
  return { edges: one.edges, counts };
}

export function sameEdges(one: readonly number[], other: readonly number[]): boolean {
  return one === other || (one.length === other.length && one.every((edge, i) => edge === other[i]));
}

/**
 * Edges with about as many of `sorted` in each of `parts` bins: the values at 1/parts, 2/parts, … (inverse of the empirical
 * distribution). A value that fills several bins is one edge.
 */
export function quantileEdges(sorted: ArrayLike<number>, parts: number): readonly number[] {
  if (sorted.length === 0) return [];
  const at = (i: number) => sorted[Math.max(0, Math.ceil((i * sorted.length) / parts) - 1)] ?? 0;
  return rising(Array.from({ length: parts - 1 }, (_, i) => at(i + 1)));
}

/** The inner edges of `parts` bins of equal width from `low` to `high`; none where there is no width. */
export function widthEdges(low: number, high: number, parts: number): readonly number[] {
  if (!(high > low)) return [];
  return rising(Array.from({ length: parts - 1 }, (_, i) => low + ((high - low) * (i + 1)) / parts));
}

/**
 * Adds edges of `parts` equal widths between the first and the last edge: a bin across a gap of the baseline would be
 * too wide to locate the values of a later window.
 */
export function withoutGaps(edges: readonly number[], parts = 20): readonly number[] {
  const [first, last] = [edges[0], edges.at(-1)];
  if (first === undefined || last === undefined) return edges;
  return rising([...edges, ...widthEdges(first, last, parts)].toSorted((a, b) => a - b));
}

/** Returns the number of bins of equal width by Sturges (1926) for `count` values: ⌈log₂ n⌉ + 1. */
export function sturgesParts(count: number): number {
  return count < 1 ? 1 : Math.ceil(Math.log2(count) + 1);
}

/** Without what is not greater than the one before. */
export function rising(edges: readonly number[]): readonly number[] {
  return edges.filter((edge, i) => i === 0 || edge > (edges[i - 1] ?? Number.NEGATIVE_INFINITY));
}

/**
 * Merges neighboring bins until each bin of the reference contains at least 1/`parts` of its values: as many bins or
 * fewer. A bin with one frequent value stays separate as far as its neighbors are full.
 * @returns counts of both sides in the same bins.
 */
export function joinedBins(
  reference: readonly number[],
  current: readonly number[],
  parts: number,
): { readonly reference: readonly number[]; readonly current: readonly number[] } {
  const total = reference.reduce((sum, count) => sum + count, 0);
  const joined = { reference: [] as number[], current: [] as number[] };
  let [r, c, whole, cuts] = [0, 0, 0, 1];
  for (const [i, count] of reference.entries()) {
    r += count;
    c += current[i] ?? 0;
    whole += count;
    // Rounding aside: the cut is where the cumulative share passes the next tenth.
    if (whole * parts >= cuts * total * (1 - 1e-9) && whole < total) {
      joined.reference.push(r);
      joined.current.push(c);
      [r, c] = [0, 0];
      cuts = Math.floor((whole * parts) / Math.max(total, 1) + 1e-9) + 1;
    }
  }
  joined.reference.push(r);
  joined.current.push(c);
  return joined;
}
