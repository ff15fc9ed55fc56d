/**
 * Estimates the performance of a classifier on rows without labels, from its probabilities: if a calibrated p is the
 * probability of the positive class, a row predicted as positive is correct with p (confidence-based performance
 * estimation, CBPE, of NannyML). It is valid under covariate shift. It does not detect concept drift: if the same
 * inputs change their meaning, the estimate stays.
 */
import { binaryMetrics, type BinaryCounts } from './classification.ts';
import { intervalAround, type Estimate } from './estimate.ts';
import { calibrated, isotonicCalibration, type Calibration } from './isotonic.ts';
import { calibrationError, summarizeScores, type ScoreBin, type ScoredRow } from './scores.ts';
import { deviationsOf } from './special-functions.ts';

/** A row with its prediction. */
export interface PredictedScore {
  /** The calibrated probability of the positive class. */
  readonly score: number;
  /** What was answered. */
  readonly predicted: boolean;
  /** Rows like it; default 1. */
  readonly count?: number | undefined;
}

/** Sums of rows; of windows they add up. */
export interface ExpectedCounts extends BinaryCounts {
  /** Σ p (1 − p) of the rows that were predicted positive, and of the others: what chance adds to them. */
  readonly positiveVariance: number;
  readonly negativeVariance: number;
}

/** TP = Σ p ŷ, FP = Σ (1 − p) ŷ, FN = Σ p (1 − ŷ), TN = Σ (1 − p)(1 − ŷ). */
export function expectedCounts(rows: Iterable<PredictedScore>): ExpectedCounts {
  let [truePositives, falsePositives, falseNegatives, trueNegatives] = [0, 0, 0, 0];
  let [positiveVariance, negativeVariance] = [0, 0];
  for (const { score, predicted, count = 1 } of rows) {
    const [positive, negative, variance] = [count * score, count * (1 - score), count * score * (1 - score)];
    if (predicted) {
      truePositives += positive;
      falsePositives += negative;
      positiveVariance += variance;
    } else {
      falseNegatives += positive;
      trueNegatives += negative;
      negativeVariance += variance;
    }
  }
  return { truePositives, falsePositives, falseNegatives, trueNegatives, positiveVariance, negativeVariance };
}

export function mergeExpected(one: ExpectedCounts, other: ExpectedCounts): ExpectedCounts {
  return {
    truePositives: one.truePositives + other.truePositives,
    falsePositives: one.falsePositives + other.falsePositives,
    falseNegatives: one.falseNegatives + other.falseNegatives,
    trueNegatives: one.trueNegatives + other.trueNegatives,
    positiveVariance: one.positiveVariance + other.positiveVariance,
    negativeVariance: one.negativeVariance + other.negativeVariance,
  };
}

export interface EstimatedMetrics {
  readonly count: number;
  readonly accuracy: Estimate;
  readonly precision: Estimate;
  readonly recall: Estimate;
  readonly specificity: Estimate;
  readonly f1: Estimate;
}

/**
 * The expected metrics with labels, if the probabilities are correct. The interval covers the randomness of the labels
 * of these rows alone (each a coin with p; ratios by the delta method): labels outside of it indicate wrong
 * probabilities.
 */
export function estimatedMetrics(expected: ExpectedCounts, confidence = 0.95): EstimatedMetrics {
  const { truePositives: a, falsePositives, falseNegatives: b, positiveVariance, negativeVariance } = expected;
  const z = deviationsOf(confidence);
  const plain = binaryMetrics(expected, { draws: 0 });
  const positives = a + falsePositives;
  const negatives = b + expected.trueNegatives;
  // A = TP and B = FN are independent sums; how many rows were predicted positive is known.
  const spread = (ofA: number, ofB: number) => Math.sqrt(ofA ** 2 * positiveVariance + ofB ** 2 * negativeVariance);
  const rounded = ({ value }: Estimate, error: number): Estimate =>
    value === undefined ? { value } : intervalAround(value, error, z, 'delta', [0, 1]);
  const [actual, f1Sum, actualNegatives] = [a + b, positives + a + b, falsePositives + expected.trueNegatives];
  return {
    count: plain.count,
    accuracy: rounded(plain.accuracy, spread(1 / plain.count, 1 / plain.count)),
    precision: rounded(plain.precision, spread(1 / positives, 0)),
    recall: rounded(plain.recall, spread(b / actual ** 2, a / actual ** 2)),
    // TN = negatives − B, FP = positives − A.
    specificity: rounded(
      plain.specificity,
      spread((negatives - b) / actualNegatives ** 2, (positives - a) / actualNegatives ** 2),
    ),
    f1: rounded(
      { value: f1Sum === 0 ? undefined : (2 * a) / f1Sum },
      spread((2 * (positives + b)) / f1Sum ** 2, (2 * a) / f1Sum ** 2),
    ),
  };
}

/**
 * The ROC AUC that labels would show: rows in descending order of the raw score, each p of a positive and 1 − p of a negative
 * (NannyML `estimate_roc_auc`). Rows of one score are one step. Undefined of rows that are all certain of one class.
 */
export function estimatedRocAuc(
  rows: Iterable<{ readonly raw: number; readonly score: number; readonly count?: number | undefined }>,
): number | undefined {
  const ascending = [...rows].toSorted((a, b) => a.raw - b.raw);
  let [area, below, positives, negatives, at] = [0, 0, 0, 0, 0];
  while (at < ascending.length) {
    const { raw } = ascending[at] ?? { raw: 0 };
    let [positive, negative] = [0, 0];
    for (; ascending[at]?.raw === raw; at += 1) {
      const { score = 0, count = 1 } = ascending[at] ?? {};
      positive += count * score;
      negative += count * (1 - score);
    }
    area += positive * (below + negative / 2);
    below += negative;
    positives += positive;
    negatives += negative;
  }
  return positives === 0 || negatives === 0 ? undefined : area / (positives * negatives);
}

/** A row with a probability of each class, in the order of `classes`. */
export interface ClassProbabilities {
  readonly probabilities: readonly number[];
  readonly predicted: string;
}

export interface EstimatedClasses {
  readonly count: number;
  /** Mean probability of the class that was predicted. */
  readonly accuracy: Estimate;
  /** Unweighted means over the classes, one against all others. */
  readonly macroPrecision: number;
  readonly macroRecall: number;
  readonly macroF1: number;
  readonly byClass: Readonly<Record<string, ExpectedCounts>>;
}

/** Of more classes than two. A share of nothing counts as 0. */
export function estimatedClasses(
  classes: readonly string[],
  rows: readonly ClassProbabilities[],
  confidence = 0.95,
): EstimatedClasses {
  const positions = new Map(classes.map((name, i) => [name, i]));
  let [right, variance] = [0, 0];
  for (const { probabilities, predicted } of rows) {
    const p = probabilities[positions.get(predicted) ?? -1] ?? 0;
    right += p;
    variance += p * (1 - p);
  }
  const expected = classes.map((name, i) =>
    expectedCounts(
      rows.map(({ probabilities, predicted }) => ({ score: probabilities[i] ?? 0, predicted: predicted === name })),
    ),
  );
  const mean = (one: (counts: ExpectedCounts) => number) =>
    expected.reduce((sum, counts) => sum + one(counts), 0) / Math.max(1, expected.length);
  const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
  const count = rows.length;
  return {
    count,
    accuracy:
      count === 0
        ? { value: undefined }
        : intervalAround(right / count, Math.sqrt(variance) / count, deviationsOf(confidence), 'delta', [0, 1]),
    macroPrecision: mean(({ truePositives: tp, falsePositives: fp }) => share(tp, tp + fp)),
    macroRecall: mean(({ truePositives: tp, falseNegatives: fn }) => share(tp, tp + fn)),
    macroF1: mean(({ truePositives: tp, falsePositives: fp, falseNegatives: fn }) => share(2 * tp, 2 * tp + fp + fn)),
    byClass: Object.fromEntries(classes.map((name, i) => [name, expected[i] as ExpectedCounts])),
  };
}

export interface CalibrationDecision {
  /** Undefined: the scores are used as they are. */
  readonly calibration?: Calibration | undefined;
  /** Expected calibration error of held-out rows: raw, and calibrated. Undefined for too few rows. */
  readonly before?: number | undefined;
  readonly after?: number | undefined;
}

const FOLDS = 3;

/**
 * Returns the calibration from the labeled rows of a baseline, if it reduces the error: with three folds (every third
 * row), each third is calibrated by the other two, and the error of all held-out rows is compared. Without both classes
 * in the rows there is none.
 */
export function fitCalibration(rows: readonly ScoredRow[]): CalibrationDecision {
  if (rows.length < 2 * FOLDS) return {};
  return calibrationOfFolds(
    Array.from({ length: FOLDS }, (_, fold) =>
      summarizeScores(
        rows.filter((_row, i) => i % FOLDS === fold),
        'exact',
      ).bins.map(({ positive, negative, sum }) => ({ positive, negative, sum })),
    ),
  );
}

/** The same for rows that were counted by score, in random parts. */
export function calibrationOfFolds(folds: readonly (readonly ScoreBin[])[]): CalibrationDecision {
  const all = joined(folds.flat());
  const total = (of: 'positive' | 'negative') => all.reduce((sum, bin) => sum + bin[of], 0);
  if (total('positive') === 0 || total('negative') === 0) return {};
  const held = folds.flatMap((fold, at) => {
    const fitted = isotonicCalibration(joined(folds.filter((_, other) => other !== at).flat()));
    return fold.map(({ positive, negative, sum }): ScoreBin => {
      const count = positive + negative;
      const score = count === 0 ? 0 : sum / count;
      return { positive, negative, sum: count * (fitted === undefined ? score : calibrated(fitted, score)) };
    });
  });
  const before = calibrationError(all);
  const after = calibrationError(held);
  const helps = before !== undefined && after !== undefined && after < before;
  return { ...(helps && { calibration: isotonicCalibration(all) }), before, after };
}

/** Ascending; equal mean scores are merged. */
function joined(bins: readonly ScoreBin[]): readonly ScoreBin[] {
  const by = new Map<number, { positive: number; negative: number; sum: number }>();
  for (const { positive, negative, sum } of bins) {
    if (positive + negative === 0) continue;
    const score = sum / (positive + negative);
    const bin = by.get(score) ?? { positive: 0, negative: 0, sum: 0 };
    bin.positive += positive;
    bin.negative += negative;
    bin.sum += sum;
    by.set(score, bin);
  }
  return [...by].toSorted(([a], [b]) => a - b).map(([, bin]) => bin);
}
