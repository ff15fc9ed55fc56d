/** How evenly rows are spread over classes. */

export interface Balance {
  /** Rows of the rarest class for each of the most frequent one: 0 to 1. Deepchecks' `class_imbalance`. */
  readonly ratio: number;
  /** Shannon entropy over that of classes of equal size, H / ln K: 0 to 1; 1 for a single class. */
  readonly evenness: number;
  /** Gini-Simpson index 1 − Σp²: the chance that two rows drawn with replacement differ. */
  readonly gini: number;
  /** e^H, the first Hill number: how many classes of equal size have the same entropy. */
  readonly effectiveClasses: number;
  /** Share of the rarest class. */
  readonly minShare: number;
}

/** `counts`: rows of each class, none of them 0. All measures are 0 where there are no rows. */
export function balanceOf(counts: readonly number[]): Balance {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return { ratio: 0, evenness: 0, gini: 0, effectiveClasses: 0, minShare: 0 };
  const shares = counts.map((count) => count / total);
  const entropy = entropyOf(shares);
  const least = shares.reduce((a, b) => Math.min(a, b), 1);
  const most = shares.reduce((a, b) => Math.max(a, b), 0);
  return {
    ratio: least / most,
    evenness: counts.length === 1 ? 1 : entropy / Math.log(counts.length),
    gini: 1 - shares.reduce((sum, share) => sum + share * share, 0),
    effectiveClasses: Math.exp(entropy),
    minShare: least,
  };
}

/** Shannon entropy in nats. */
export function entropyOf(shares: readonly number[]): number {
  return -shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0);
}
