/** Metrics of predicted numbers, from sums that add up. */
import { meanEstimate, type Estimate } from './estimate.ts';
import { deviationsOf } from './special-functions.ts';

export interface RegressionSums {
  readonly count: number;
  /** Of predicted − actual: Σ e, Σ |e|, Σ e², Σ e⁴. */
  readonly error: number;
  readonly absolute: number;
  readonly squares: number;
  readonly fourths: number;
  /** Σ |e / actual| and of its square, over the `relatives` rows whose actual value is not 0. */
  readonly relative: number;
  readonly relativeSquares: number;
  readonly relatives: number;
  /** Mean of the actual values and Σ (y − mean)². */
  readonly mean: number;
  readonly spread: number;
}

export interface PredictedRow {
  readonly actual: number;
  readonly predicted: number;
}

/** The caller must exclude and report rows in which one of the two is not finite. @throws RangeError for such a row */
export function summarizeErrors(rows: Iterable<PredictedRow>): RegressionSums {
  let [count, error, absolute, squares, fourths] = [0, 0, 0, 0, 0];
  let [relative, relativeSquares, relatives, mean, spread] = [0, 0, 0, 0, 0];
  for (const { actual, predicted } of rows) {
    const off = predicted - actual;
    if (!Number.isFinite(off)) throw new RangeError(`${predicted} and ${actual} are not a pair of numbers`);
    count += 1;
    error += off;
    absolute += Math.abs(off);
    squares += off * off;
    fourths += off ** 4;
    if (actual !== 0) {
      const share = Math.abs(off / actual);
      relative += share;
      relativeSquares += share * share;
      relatives += 1;
    }
    const from = actual - mean;
    mean += from / count;
    spread += from * (actual - mean);
  }
  return { count, error, absolute, squares, fourths, relative, relativeSquares, relatives, mean, spread };
}

export function mergeErrors(one: RegressionSums, other: RegressionSums): RegressionSums {
  const count = one.count + other.count;
  const off = other.mean - one.mean;
  const sum = (of: 'error' | 'absolute' | 'squares' | 'fourths' | 'relative' | 'relativeSquares' | 'relatives') =>
    one[of] + other[of];
  return {
    count,
    error: sum('error'),
    absolute: sum('absolute'),
    squares: sum('squares'),
    fourths: sum('fourths'),
    relative: sum('relative'),
    relativeSquares: sum('relativeSquares'),
    relatives: sum('relatives'),
    mean: count === 0 ? 0 : (one.mean * one.count + other.mean * other.count) / count,
    spread: one.spread + other.spread + (count === 0 ? 0 : off * off * ((one.count * other.count) / count)),
  };
}

export interface RegressionMetrics {
  readonly count: number;
  readonly mae: Estimate;
  readonly rmse: Estimate;
  /** A share, not a percentage, of the rows whose actual value is not 0. */
  readonly mape: Estimate;
  /** 1 − Σ e² / Σ (y − ȳ)²; undefined where the actual values never change. */
  readonly r2: Estimate;
  /** Mean of predicted − actual: above 0 the model predicts too much. */
  readonly bias: Estimate;
}

/** MAE, MAPE and bias with the normal interval of a mean; RMSE with that of the mean square, by its root. */
export function regressionMetrics(sums: RegressionSums, confidence = 0.95): RegressionMetrics {
  const { count } = sums;
  const z = deviationsOf(confidence);
  return {
    count,
    mae: meanEstimate(count, sums.absolute, sums.squares, z),
    rmse: rooted(meanEstimate(count, sums.squares, sums.fourths, z)),
    mape: meanEstimate(sums.relatives, sums.relative, sums.relativeSquares, z),
    r2: { value: count < 2 || sums.spread === 0 ? undefined : 1 - sums.squares / sums.spread },
    bias: meanEstimate(count, sums.error, sums.squares, z),
  };
}

function rooted({ value, low, high, interval }: Estimate): Estimate {
  if (value === undefined) return { value };
  const root = (of: number | undefined) => (of === undefined ? undefined : Math.sqrt(Math.max(0, of)));
  return { value: Math.sqrt(value), low: root(low), high: root(high), interval };
}
