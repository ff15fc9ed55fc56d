/** Statistics of paired measurements: the mean of ratios, with a confidence interval. */

/** Two-sided 95 % quantiles of Student's t distribution, by degrees of freedom from 1; beyond the last one 1.96 to 2.0 hold. */
const T_95 = [
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.16, 2.145, 2.131, 2.12, 2.11,
  2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06, 2.056, 2.052, 2.048, 2.045, 2.042,
];

export interface MeanRatio {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** Returns the geometric mean of ratios or costs with its 95 % interval: they are closer to log-normal than to normal. */
export function meanRatio(ratios: readonly number[]): MeanRatio {
  const logs = ratios.map((ratio) => Math.log(ratio));
  const mean = logs.reduce((sum, one) => sum + one, 0) / logs.length;
  const variance = logs.reduce((sum, one) => sum + (one - mean) ** 2, 0) / (logs.length - 1);
  const half = (T_95[logs.length - 2] ?? 2) * Math.sqrt(variance / logs.length);
  return { mean: Math.exp(mean), low: Math.exp(mean - half), high: Math.exp(mean + half) };
}

/** Returns the mean ratio of the values of a server to those of another one in the same rounds. */
export function ratioOf(values: readonly number[], others: readonly number[]): MeanRatio {
  return meanRatio(values.map((value, round) => value / (others[round] ?? Number.NaN)));
}

/** Returns a number with at most three significant digits, and thousands separators. */
export function short(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: value < 1000 ? 3 : 4 });
}

/** Returns the mean with its interval: `10.1 × (9.5 to 10.8)`. */
export function describeInterval({ mean, low, high }: MeanRatio, unit = ''): string {
  return `${short(mean)}${unit} (${short(low)} to ${short(high)})`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
