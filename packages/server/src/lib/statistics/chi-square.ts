import { chiSquareTail } from './special-functions.ts';

export interface ChiSquareTest {
  readonly statistic: number;
  /** Categories that either side has, less one. */
  readonly degrees: number;
  readonly pValue: number;
  /** Cells that are expected to hold fewer than 5 rows: with many of them the p-value is a rough one (Cochran 1954). */
  readonly sparse: number;
}

/**
 * Pearson's chi-square test that two rows of counts come of one distribution (2 × K contingency table, without Yates' correction):
 * Σ (observed − expected)² / expected, K − 1 degrees of freedom. A category that only one side has is a column like another; one that
 * neither has is none. With two categories this is the two-sided z-test of two proportions with pooled variance (z² = χ²).
 * Pearson 1900; scipy `chi2_contingency(correction=False)`.
 */
export function chiSquareTest(reference: readonly number[], current: readonly number[]): ChiSquareTest {
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  const [r, c] = [total(reference), total(current)];
  let [statistic, categories, sparse] = [0, 0, 0];
  for (const [i, of] of reference.entries()) {
    const than = current[i] ?? 0;
    const both = of + than;
    if (both === 0) continue;
    categories += 1;
    for (const [observed, rows] of [
      [of, r],
      [than, c],
    ] as const) {
      const expected = (both * rows) / (r + c);
      if (expected < 5) sparse += 1;
      if (expected > 0) statistic += (observed - expected) ** 2 / expected;
    }
  }
  const degrees = Math.max(0, categories - 1);
  return { statistic, degrees, pValue: r === 0 || c === 0 ? 1 : chiSquareTail(statistic, degrees), sparse };
}
