/** Association of two variables, from counts. */
import { entropyOf } from './balance.ts';

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
