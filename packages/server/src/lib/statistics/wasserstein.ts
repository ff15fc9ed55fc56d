import type { NumberSummary } from './column-summary.ts';
import { standardDeviation } from './column-summary.ts';

/**
 * ∫ |F − G| dx, Wasserstein-1 or earth mover's distance, in the unit of the values: how far a value has to be moved on average.
 * Both samples ascending, with at least one value each. scipy `wasserstein_distance`; Vallender 1973.
 */
export function wassersteinDistance(one: ArrayLike<number>, other: ArrayLike<number>): number {
  const [n, m] = [one.length, other.length];
  if (n === 0 || m === 0) return 0;
  let [i, j, area] = [0, 0, 0];
  let before = Math.min(one[0] ?? 0, other[0] ?? 0);
  while (i < n || j < m) {
    const value = Math.min(i < n ? (one[i] ?? 0) : Infinity, j < m ? (other[j] ?? 0) : Infinity);
    area += Math.abs(i / n - j / m) * (value - before);
    before = value;
    while (i < n && (one[i] ?? 0) <= value) i += 1;
    while (j < m && (other[j] ?? 0) <= value) j += 1;
  }
  return area;
}

/** At `x` the cumulative share rises from `below` to `at`. */
interface Knot {
  readonly x: number;
  readonly below: number;
  readonly at: number;
}

/**
 * Wasserstein-1 of two summaries in the same bins, with the values of a bin spread evenly over it; those of the
 * outermost bins, which are unbounded, intervalAround their mean, so that an outlier has its actual weight. The error is at
 * most Σ share × width of the bins; exact for integers with a bin each, and if every bin has one value.
 */
export function wassersteinOfBins(reference: NumberSummary, current: NumberSummary): number {
  const [one, other] = [knotsOf(reference), knotsOf(current)];
  const positions = [...new Set([...one, ...other].map(({ x }) => x))].toSorted((a, b) => a - b);
  let area = 0;
  for (const [i, x] of positions.entries()) {
    const next = positions[i + 1];
    if (next === undefined) break;
    const start = shareAt(one, x, 'at') - shareAt(other, x, 'at');
    const end = shareAt(one, next, 'below') - shareAt(other, next, 'below');
    area += absoluteArea(start, end) * (next - x);
  }
  return area;
}

/** The mean of |linear from `start` to `end`|. */
function absoluteArea(start: number, end: number): number {
  if (start * end >= 0) return Math.abs(start + end) / 2;
  return (start * start + end * end) / (2 * (Math.abs(start) + Math.abs(end)));
}

function knotsOf(summary: NumberSummary): readonly Knot[] {
  const { counts } = summary.bins;
  const total = counts.reduce((sum, count) => sum + count, 0);
  const knots: Knot[] = [];
  let [cumulative, reached] = [0, Number.NEGATIVE_INFINITY];
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const [from, to] = rangeOf(summary, i);
    const [low, high] = [Math.max(from, reached), Math.max(to, reached)];
    const [below, at] = [cumulative, cumulative + count / total];
    if (high === low) knots.push({ x: high, below, at });
    else knots.push({ x: low, below, at: below }, { x: high, below: at, at });
    [cumulative, reached] = [at, high];
  }
  return knots;
}

/** Positions of the values of a bin. */
function rangeOf({ bins, lattice, tails, min = 0, max = 0 }: NumberSummary, i: number): readonly [number, number] {
  const { edges, counts } = bins;
  const count = counts[i] ?? 0;
  // An integer k represents k − ½ to k + ½, wherever an edge is between two of them.
  const half = lattice === 'whole' ? 0.5 : 0;
  const placed = (edge: number | undefined) =>
    edge === undefined || lattice !== 'whole' ? edge : Math.floor(edge) + half;
  const [below, above] = [placed(edges[i - 1]), placed(edges[i])];
  if (below === undefined && above === undefined) return [min - half, max + half];
  if (below !== undefined && above !== undefined) return lattice === 'values' ? [above, above] : [below, above];
  const mean = (below === undefined ? tails.low : tails.high) / count;
  if (lattice === 'values') return [mean, mean];
  const edge = above ?? below ?? 0;
  const far = 2 * mean - edge;
  return [Math.min(far, edge), Math.max(far, edge)];
}

/** The cumulative share just below `x`, or at it. */
function shareAt(knots: readonly Knot[], x: number, side: 'below' | 'at'): number {
  let [low, high] = [0, knots.length];
  // The first knot beyond x; of several at one place the outermost counts.
  while (low < high) {
    const middle = (low + high) >>> 1;
    const knot = knots[middle]?.x ?? 0;
    if (side === 'at' ? knot <= x : knot < x) low = middle + 1;
    else high = middle;
  }
  const before = knots[low - 1];
  const after = knots[low];
  if (before === undefined) return 0;
  if (after === undefined) return before.at;
  if (after.below === before.at) return before.at;
  return before.at + ((after.below - before.at) * (x - before.x)) / (after.x - before.x);
}

/**
 * Wasserstein-1 over the standard deviation of the reference (Σ/n; at least 0.001, as Evidently): 0.1 is a move by a tenth of a
 * deviation, whatever the unit.
 */
export function normedBy(distance: number, reference: NumberSummary): number {
  return distance / Math.max(standardDeviation(reference), 0.001);
}
