/** Metrics of classes, from counts of what was predicted and what was true: counts of windows add up, so these do. */
import { type Estimate, wilsonInterval } from './estimate.ts';
import { multinomial, seededRandom } from './random.ts';
import { deviationsOf } from './special-functions.ts';

/** `counts[i][j]`: rows of the true class `classes[i]` that were predicted to be `classes[j]`. */
export interface Confusion {
  readonly classes: readonly string[];
  readonly counts: readonly (readonly number[])[];
}

/** One kind of row and how many there are of it. */
export interface OutcomeCount {
  readonly actual: string;
  readonly predicted: string;
  readonly count: number;
}

/** Classes in the order of their text. */
export function confusionOf(outcomes: Iterable<OutcomeCount>): Confusion {
  const rows = [...outcomes];
  const classes = [...new Set(rows.flatMap(({ actual, predicted }) => [actual, predicted]))].toSorted();
  const at = new Map(classes.map((name, i) => [name, i]));
  const counts = classes.map(() => classes.map(() => 0));
  for (const { actual, predicted, count } of rows) {
    const [row, cell] = [counts[at.get(actual) ?? 0], at.get(predicted) ?? 0];
    if (row !== undefined) row[cell] = (row[cell] ?? 0) + count;
  }
  return { classes, counts };
}

/** The rows of both; classes need not be the same. */
export function mergeConfusions(one: Confusion, other: Confusion): Confusion {
  return confusionOf([...outcomesOf(one), ...outcomesOf(other)]);
}

function outcomesOf({ classes, counts }: Confusion): readonly OutcomeCount[] {
  return classes.flatMap((actual, i) =>
    classes.map((predicted, j) => ({ actual, predicted, count: counts[i]?.[j] ?? 0 })),
  );
}

/** One class against all others. */
export interface BinaryCounts {
  readonly truePositives: number;
  readonly falsePositives: number;
  readonly falseNegatives: number;
  readonly trueNegatives: number;
}

/** @throws RangeError where no row has the class. */
export function countsOfClass({ classes, counts }: Confusion, positive: string): BinaryCounts {
  const at = classes.indexOf(positive);
  if (at === -1) throw new RangeError(`no row has the class ${positive}`);
  const truePositives = counts[at]?.[at] ?? 0;
  const predicted = counts.reduce((sum, row) => sum + (row[at] ?? 0), 0);
  const actual = (counts[at] ?? []).reduce((sum, count) => sum + count, 0);
  const total = totalOf(counts);
  return {
    truePositives,
    falsePositives: predicted - truePositives,
    falseNegatives: actual - truePositives,
    trueNegatives: total - predicted - actual + truePositives,
  };
}

function totalOf(counts: readonly (readonly number[])[]): number {
  return counts.reduce((sum, row) => sum + row.reduce((of, count) => of + count, 0), 0);
}

export interface IntervalChoice {
  /** Default 0.95. */
  readonly confidence?: number | undefined;
  /** Of the bootstrap; default 1. */
  readonly seed?: number | undefined;
  /** Draws of the bootstrap; default 1,000. */
  readonly draws?: number | undefined;
}

export interface BinaryMetrics {
  readonly count: number;
  readonly accuracy: Estimate;
  readonly precision: Estimate;
  readonly recall: Estimate;
  /** TN / (TN + FP). */
  readonly specificity: Estimate;
  readonly f1: Estimate;
}

/**
 * Metrics of a positive class: accuracy (TP + TN)/n, precision TP/(TP + FP), recall TP/(TP + FN) with Wilson's interval
 * (1927), F1 2TP/(2TP + FP + FN) with a bootstrap of the four counts. A share with a denominator of 0 is undefined,
 * where scikit-learn returns 0.
 */
export function binaryMetrics(counts: BinaryCounts, choice: IntervalChoice = {}): BinaryMetrics {
  const { truePositives: tp, falsePositives: fp, falseNegatives: fn, trueNegatives: tn } = counts;
  const z = deviationsOf(choice.confidence ?? 0.95);
  const f1 = ([a = 0, b = 0, c = 0]: readonly number[]) => (a + b + c === 0 ? undefined : (2 * a) / (2 * a + b + c));
  return {
    count: tp + fp + fn + tn,
    accuracy: shareEstimate(tp + tn, tp + fp + fn + tn, z),
    precision: shareEstimate(tp, tp + fp, z),
    recall: shareEstimate(tp, tp + fn, z),
    specificity: shareEstimate(tn, tn + fp, z),
    f1: bootstrapped([tp, fp, fn, tn], f1, choice),
  };
}

export function shareEstimate(successes: number, trials: number, z: number): Estimate {
  if (trials === 0) return { value: undefined };
  return { value: successes / trials, ...wilsonInterval(successes, trials, z), interval: 'wilson' };
}

export interface ClassMetrics {
  readonly count: number;
  readonly accuracy: Estimate;
  /** Unweighted means over the classes that are there, true or predicted; a share of nothing counts as 0, as in scikit-learn. */
  readonly macroPrecision: Estimate;
  readonly macroRecall: Estimate;
  readonly macroF1: Estimate;
  /** Mean recall of the classes that have rows. */
  readonly balancedAccuracy: Estimate;
  readonly byClass: readonly { readonly class: string; readonly support: number; readonly metrics: BinaryMetrics }[];
}

/** Of any number of classes. Macro means have a bootstrap of the cells of the matrix for their interval. */
export function classMetrics(confusion: Confusion, choice: IntervalChoice = {}): ClassMetrics {
  const { classes, counts } = confusion;
  const size = classes.length;
  const cells = counts.flat();
  const count = cells.reduce((sum, cell) => sum + cell, 0);
  const correct = classes.reduce((sum, _, i) => sum + (counts[i]?.[i] ?? 0), 0);
  const z = deviationsOf(choice.confidence ?? 0.95);
  const macro = (one: (tp: number, predicted: number, actual: number) => number | undefined) => {
    const statistic = (of: readonly number[]) => macroOf(of, size, one);
    return bootstrapped(cells, statistic, choice);
  };
  return {
    count,
    accuracy: shareEstimate(correct, count, z),
    macroPrecision: macro((tp, predicted) => (predicted === 0 ? 0 : tp / predicted)),
    macroRecall: macro((tp, _, actual) => (actual === 0 ? 0 : tp / actual)),
    macroF1: macro((tp, predicted, actual) => (predicted + actual === 0 ? undefined : (2 * tp) / (predicted + actual))),
    balancedAccuracy: macro((tp, _, actual) => (actual === 0 ? undefined : tp / actual)),
    byClass: classes.map((name) => {
      const of = countsOfClass(confusion, name);
      return { class: name, support: of.truePositives + of.falseNegatives, metrics: binaryMetrics(of, choice) };
    }),
  };
}

function macroOf(
  cells: readonly number[],
  size: number,
  one: (tp: number, predicted: number, actual: number) => number | undefined,
): number | undefined {
  let [sum, classes] = [0, 0];
  for (let i = 0; i < size; i += 1) {
    let [predicted, actual] = [0, 0];
    for (let j = 0; j < size; j += 1) {
      predicted += cells[j * size + i] ?? 0;
      actual += cells[i * size + j] ?? 0;
    }
    if (predicted + actual === 0) continue;
    const value = one(cells[i * size + i] ?? 0, predicted, actual);
    if (value === undefined) continue;
    sum += value;
    classes += 1;
  }
  return classes === 0 ? undefined : sum / classes;
}

/**
 * A metric of counts with the percentile interval of a bootstrap of the rows (Efron 1979): rows that differ only by
 * their cell are drawn as a multinomial of the cells.
 */
function bootstrapped(
  cells: readonly number[],
  statistic: (cells: readonly number[]) => number | undefined,
  { confidence = 0.95, seed = 1, draws = 1000 }: IntervalChoice = {},
): Estimate {
  const value = statistic(cells);
  const total = cells.reduce((sum, cell) => sum + cell, 0);
  if (value === undefined || total < 2) return { value };
  const shares = cells.map((cell) => cell / total);
  const random = seededRandom(seed);
  const drawn = Array.from({ length: draws }, () => statistic(multinomial(random, total, shares)))
    .filter((one): one is number => one !== undefined)
    .toSorted((a, b) => a - b);
  const at = (share: number) => drawn[Math.min(drawn.length - 1, Math.max(0, Math.round(share * (drawn.length - 1))))];
  return { value, low: at((1 - confidence) / 2), high: at((1 + confidence) / 2), interval: 'bootstrap' };
}
