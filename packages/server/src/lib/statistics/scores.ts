/** Metrics of scores of two classes, from counts at each score: exact with a bin for each score, close with fixed bins, which add up. */
import { areaUnderRoc, type ClassCounts } from './association.ts';
import { intervalAround, meanEstimate, type Estimate } from './estimate.ts';
import { deviationsOf } from './special-functions.ts';

/** Rows whose scores are in one bin, or have one value. */
export interface ScoreBin extends ClassCounts {
  /** Sum of the scores of these rows. */
  readonly sum: number;
}

export interface ScoreSummary {
  /** Ascending by score. */
  readonly bins: readonly ScoreBin[];
  /** Σ of −ln of the probability that the true class had (at least 1e-15), and of its square. */
  readonly logLoss: number;
  readonly logLossSquares: number;
  /** Σ (p − y)², and of its square. */
  readonly brier: number;
  readonly brierSquares: number;
}

export interface ScoredRow {
  /** The probability of the positive class, 0 to 1. */
  readonly score: number;
  readonly positive: boolean;
}

/** Fixed bins for windows that shall add up: an area is then off by at most half the share of pairs that meet in one bin. */
const SCORE_BINS = 1000;
/** The least probability that counts in a log loss: a certain error costs 34.5. */
const LEAST = 1e-15;

/**
 * Of rows with probabilities. `bins`: the number of bins of equal width over 0 to 1 (`SCORE_BINS` for windows that add up), or
 * `exact`, a bin for each score.
 * @throws RangeError where a score is no probability
 */
export function summarizeScores(rows: Iterable<ScoredRow>, bins: number | 'exact' = SCORE_BINS): ScoreSummary {
  const found = new Map<number, { positive: number; negative: number; sum: number }>();
  let [logLoss, logLossSquares, brier, brierSquares] = [0, 0, 0, 0];
  for (const { score, positive } of rows) {
    if (!(score >= 0 && score <= 1)) throw new RangeError(`the score ${score} is not a probability between 0 and 1`);
    const at = bins === 'exact' ? score : Math.min(bins - 1, Math.floor(score * bins));
    const bin = found.get(at) ?? { positive: 0, negative: 0, sum: 0 };
    bin[positive ? 'positive' : 'negative'] += 1;
    bin.sum += score;
    found.set(at, bin);
    const loss = -Math.log(Math.max(LEAST, positive ? score : 1 - score));
    const square = (score - (positive ? 1 : 0)) ** 2;
    logLoss += loss;
    logLossSquares += loss * loss;
    brier += square;
    brierSquares += square * square;
  }
  const ascending =
    bins === 'exact'
      ? [...found].toSorted(([a], [b]) => a - b).map(([, bin]) => bin)
      : Array.from({ length: bins }, (_, i) => found.get(i) ?? { positive: 0, negative: 0, sum: 0 });
  return { bins: ascending, logLoss, logLossSquares, brier, brierSquares };
}

/** Of fixed bins of the same number. @throws RangeError of others */
export function mergeScores(one: ScoreSummary, other: ScoreSummary): ScoreSummary {
  if (one.bins.length !== other.bins.length) throw new RangeError('scores in different bins cannot be added');
  return {
    bins: one.bins.map((bin, i) => {
      const { positive, negative, sum } = other.bins[i] ?? { positive: 0, negative: 0, sum: 0 };
      return { positive: bin.positive + positive, negative: bin.negative + negative, sum: bin.sum + sum };
    }),
    logLoss: one.logLoss + other.logLoss,
    logLossSquares: one.logLossSquares + other.logLossSquares,
    brier: one.brier + other.brier,
    brierSquares: one.brierSquares + other.brierSquares,
  };
}

export interface ScoreMetrics {
  readonly count: number;
  readonly rocAuc: Estimate;
  /** Average precision Σ (Rₙ − Rₙ₋₁) Pₙ, without interpolation (scikit-learn `average_precision_score`). */
  readonly prAuc: Estimate;
  readonly logLoss: Estimate;
  readonly brier: Estimate;
  /** Expected calibration error over ten bins of equal width. */
  readonly calibrationError: Estimate;
}

/**
 * Areas are undefined where one class has no rows. ROC AUC with DeLong's interval (1988), average precision with that of its logit
 * (Boyd, Eng and Page 2013), log loss (nats) and Brier score (1950) with normal ones.
 */
export function scoreMetrics(summary: ScoreSummary, confidence = 0.95): ScoreMetrics {
  const { bins } = summary;
  const z = deviationsOf(confidence);
  const count = bins.reduce((sum, { positive, negative }) => sum + positive + negative, 0);
  return {
    count,
    rocAuc: rocEstimate(bins, z),
    prAuc: precisionEstimate(bins, z),
    logLoss: meanEstimate(count, summary.logLoss, summary.logLossSquares, z),
    brier: meanEstimate(count, summary.brier, summary.brierSquares, z),
    calibrationError: { value: calibrationError(bins) },
  };
}

/** AUC with the variance of its two parts: S₁₀/n₁ + S₀₁/n₀ of the placements (DeLong, DeLong and Clarke-Pearson 1988). */
function rocEstimate(bins: readonly ClassCounts[], z: number): Estimate {
  const positives = bins.reduce((sum, { positive }) => sum + positive, 0);
  const negatives = bins.reduce((sum, { negative }) => sum + negative, 0);
  if (positives === 0 || negatives === 0) return { value: undefined };
  const value = areaUnderRoc(bins);
  if (positives < 2 || negatives < 2) return { value };
  let [negativesBelow, positivesBelow, ofPositives, ofNegatives] = [0, 0, 0, 0];
  for (const { positive, negative } of bins) {
    const placed = (negativesBelow + negative / 2) / negatives;
    const above = (positives - positivesBelow - positive / 2) / positives;
    ofPositives += positive * (placed - value) ** 2;
    ofNegatives += negative * (above - value) ** 2;
    negativesBelow += negative;
    positivesBelow += positive;
  }
  const variance = ofPositives / (positives - 1) / positives + ofNegatives / (negatives - 1) / negatives;
  return intervalAround(value, Math.sqrt(variance), z, 'delong', [0, 1]);
}

/** Undefined where there are no positives. */
function averagePrecision(ascending: readonly ClassCounts[]): number | undefined {
  const positives = ascending.reduce((sum, { positive }) => sum + positive, 0);
  if (positives === 0) return undefined;
  let [found, taken, area] = [0, 0, 0];
  for (const { positive, negative } of ascending.toReversed()) {
    found += positive;
    taken += positive + negative;
    if (positive > 0) area += (positive / positives) * (found / taken);
  }
  return area;
}

/** The logit of the area is nearly normal with the variance 1 / (n₁ A (1 − A)). An area of 0 or 1 has no interval. */
function precisionEstimate(bins: readonly ClassCounts[], z: number): Estimate {
  const value = averagePrecision(bins);
  if (value === undefined || value <= 0 || value >= 1) return { value };
  const positives = bins.reduce((sum, { positive }) => sum + positive, 0);
  const [center, error] = [Math.log(value / (1 - value)), 1 / Math.sqrt(positives * value * (1 - value))];
  const area = (logit: number) => 1 / (1 + Math.exp(-logit));
  return { value, low: area(center - z * error), high: area(center + z * error), interval: 'logit' };
}

const CALIBRATION_BINS = 10;

interface CalibrationBin {
  readonly count: number;
  readonly positive: number;
  readonly sum: number;
}

/** Merges finer bins by their mean score, including those without rows. */
export function calibrationBins(bins: readonly ScoreBin[], parts = CALIBRATION_BINS): readonly CalibrationBin[] {
  const joined = Array.from({ length: parts }, () => ({ count: 0, positive: 0, sum: 0 }));
  for (const { positive, negative, sum } of bins) {
    const count = positive + negative;
    if (count === 0) continue;
    const bin = joined[Math.min(parts - 1, Math.floor((sum / count) * parts))];
    if (bin === undefined) continue;
    bin.count += count;
    bin.positive += positive;
    bin.sum += sum;
  }
  return joined;
}

/** Σ (nᵦ/n) |mean score − share of positives| over bins of equal width (Naeini 2015; Guo 2017). Undefined of no rows. */
export function calibrationError(bins: readonly ScoreBin[], parts = CALIBRATION_BINS): number | undefined {
  const joined = calibrationBins(bins, parts);
  const total = joined.reduce((sum, { count }) => sum + count, 0);
  if (total === 0) return undefined;
  return joined.reduce((error, { positive, sum }) => error + Math.abs(sum - positive) / total, 0);
}
