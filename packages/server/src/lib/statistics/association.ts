/** Association of two variables, from counts. */
/** How often two classes of a label come with one value, or with a range of values. */
export interface ClassCounts {
  readonly positive: number;
  readonly negative: number;
}

/**
 * Area under the ROC curve of a score, from the counts at each of its values in ascending order; ties count half
 * (Mann-Whitney U over n₁n₀). 0.5 where one of the classes has no rows.
 */
export function areaUnderRoc(ascending: readonly ClassCounts[]): number {
  let [below, area, positives, negatives] = [0, 0, 0, 0];
  for (const { positive, negative } of ascending) {
    area += positive * (below + negative / 2);
    below += negative;
    positives += positive;
    negatives += negative;
  }
  return positives === 0 || negatives === 0 ? 0.5 : area / (positives * negatives);
}

/** The best that a rule on one column can do: values in the order of their share of positives. At least 0.5. */
export function areaOfBestOrder(values: readonly ClassCounts[]): number {
  const share = ({ positive, negative }: ClassCounts) => positive / (positive + negative);
  return areaUnderRoc(values.filter((one) => one.positive + one.negative > 0).toSorted((a, b) => share(a) - share(b)));
}

/** Rows that have `x` and `y` together; neither needs to be a number. */
export interface PairCount {
  readonly x: string;
  readonly y: string;
  readonly count: number;
}

/**
 * Share of the entropy of `y` that `x` explains, (H(Y) − H(Y|X)) / H(Y), the uncertainty coefficient of Theil: 0 to 1. 0
 * where `y` never changes.
 */
export function explainedEntropy(pairs: readonly PairCount[]): number {
  const ofX = new Map<string, number>();
  for (const { x, count } of pairs) ofX.set(x, (ofX.get(x) ?? 0) + count);
  const total = pairs.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return 0;
  const ofY = new Map<string, number>();
  for (const { y, count } of pairs) ofY.set(y, (ofY.get(y) ?? 0) + count);
  const whole = entropyOf([...ofY.values()].map((count) => count / total));
  if (whole === 0) return 0;
  const left = pairs.reduce((sum, { x, count }) => sum - (count / total) * Math.log(count / (ofX.get(x) ?? count)), 0);
  return Math.min(1, Math.max(0, (whole - left) / whole));
}

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
function entropyOf(shares: readonly number[]): number {
  return -shares.reduce((sum, share) => sum + (share > 0 ? share * Math.log(share) : 0), 0);
}
