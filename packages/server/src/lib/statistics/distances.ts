/**
 * Distances of two distributions, from counts in the same bins. Tools use the same name for different measures: each
 * function documents its formula and the base of its logarithm. Tested against scipy 1.17 and the published values of
 * TFDV and Evidently.
 */

/** Σ (r − c) ln (r / c), with empty bins at 0.0001 (Evidently); not normalized again. Usual cut-offs: 0.1 and 0.25. */
export function psi(reference: readonly number[], current: readonly number[]): number {
  const r = filled(sharesOf(reference));
  const c = filled(sharesOf(current));
  return r.reduce((sum, share, i) => sum + (share - (c[i] ?? 0)) * Math.log(share / (c[i] ?? 1)), 0);
}

const EMPTY = 0.0001;

/** An empty bin gets 0.0001, or a millionth of the smallest bin where that is no smaller. */
function filled(shares: readonly number[]): readonly number[] {
  const least = shares.reduce((min, share) => (share > 0 && share < min ? share : min), Infinity);
  const value = least <= EMPTY ? least / 1e6 : EMPTY;
  return shares.map((share) => (share === 0 ? value : share));
}

/** Jensen-Shannon divergence with base 2: 0 to 1. What TFDV and Vertex report. */
export function jsdLog2(reference: readonly number[], current: readonly number[]): number {
  return divergence(sharesOf(reference), sharesOf(current)) / Math.LN2;
}

/** Square root of the Jensen-Shannon divergence with natural logarithm: 0 to √ln 2. scipy's `jensenshannon`. */
export function jsDistanceLn(reference: readonly number[], current: readonly number[]): number {
  return Math.sqrt(divergence(sharesOf(reference), sharesOf(current)));
}

/** Square root of the Jensen-Shannon divergence with base 2: 0 to 1. What NannyML reports. */
export function jsDistanceLog2(reference: readonly number[], current: readonly number[]): number {
  return Math.sqrt(jsdLog2(reference, current));
}

function divergence(p: readonly number[], q: readonly number[]): number {
  let sum = 0;
  for (const [i, a] of p.entries()) {
    const b = q[i] ?? 0;
    const m = (a + b) / 2;
    if (a > 0) sum += (a / 2) * Math.log(a / m);
    if (b > 0) sum += (b / 2) * Math.log(b / m);
  }
  // Rounding errors can make it negative.
  return Math.max(0, sum);
}

/** The largest difference of two shares: 0 to 1. */
export function lInfinity(reference: readonly number[], current: readonly number[]): number {
  const q = sharesOf(current);
  return sharesOf(reference).reduce((most, share, i) => Math.max(most, Math.abs(share - (q[i] ?? 0))), 0);
}

/** √(1 − Σ √(p q)), Hellinger distance: 0 to 1. Its square is one less Bhattacharyya's coefficient. */
export function hellinger(reference: readonly number[], current: readonly number[]): number {
  const q = sharesOf(current);
  const overlap = sharesOf(reference).reduce((sum, share, i) => sum + Math.sqrt(share * (q[i] ?? 0)), 0);
  return Math.sqrt(Math.max(0, 1 - overlap));
}

/** ½ Σ |p − q|, the share of rows that would have to change their bin: 0 to 1. */
export function totalVariation(reference: readonly number[], current: readonly number[]): number {
  const q = sharesOf(current);
  return sharesOf(reference).reduce((sum, share, i) => sum + Math.abs(share - (q[i] ?? 0)), 0) / 2;
}

/** The largest difference of two cumulative shares: Kolmogorov-Smirnov's D, as exact as the bins permit. */
export function ksStatistic(reference: readonly number[], current: readonly number[]): number {
  const q = sharesOf(current);
  let [a, b, most] = [0, 0, 0];
  for (const [i, share] of sharesOf(reference).entries()) {
    a += share;
    b += q[i] ?? 0;
    most = Math.max(most, Math.abs(a - b));
  }
  return most;
}

/** No counts at all have no shares: all zero. */
export function sharesOf(counts: readonly number[]): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  return counts.map((count) => (total === 0 ? 0 : count / total));
}
