/** How far a column has moved from its baseline, and whether that is too far: by a method that fits its values, or a named one. */
import { joinedBins, sameEdges } from './bins.ts';
import { chiSquareTest } from './chi-square.ts';
import { alignCategories, type CategorySummary, type ColumnSummary, type NumberSummary } from './column-summary.ts';
import {
  hellinger,
  jsDistanceLn,
  jsDistanceLog2,
  jsdLog2,
  ksStatistic,
  lInfinity,
  psi,
  totalVariation,
} from './distances.ts';
import { kolmogorovSmirnovP, kolmogorovSmirnovTest } from './kolmogorov-smirnov.ts';
import { normedBy, wassersteinDistance, wassersteinOfBins } from './wasserstein.ts';

/**
 * Exact names, because tools use one name for several methods. All except `ks` and the two Wasserstein distances use
 * counts in bins or of categories; those three need an order and apply to numbers only.
 */
export const DRIFT_METHODS = [
  'psi',
  'js_distance_ln',
  'js_distance_log2',
  'jsd_log2',
  'hellinger',
  'l_infinity',
  'total_variation',
  'wasserstein',
  'wasserstein_normed',
  'ks',
  'chi_square',
] as const;
export type DriftMethod = (typeof DRIFT_METHODS)[number];

/**
 * For these the p-value is compared with the threshold (drift below it), for all others the distance (drift at or above
 * it).
 */
export function isTest(method: DriftMethod): boolean {
  return method === 'ks' || method === 'chi_square';
}

/**
 * Default thresholds of drift: a p-value of 0.05 for tests; 0.1 for distances (Evidently's default; NannyML's is three
 * deviations of the baseline's windows); 0.2 for PSI over tenths (credit scoring: 0.1 to 0.25 is a moderate shift). The
 * plain Wasserstein distance has the unit of the column, so it has no default.
 */
const DEFAULT_THRESHOLDS: Readonly<Record<Exclude<DriftMethod, 'wasserstein'>, number>> = {
  psi: 0.2,
  js_distance_ln: 0.1,
  js_distance_log2: 0.1,
  jsd_log2: 0.02,
  hellinger: 0.1,
  l_infinity: 0.1,
  total_variation: 0.1,
  wasserstein_normed: 0.1,
  ks: 0.05,
  chi_square: 0.05,
};

/** Up to this many values of the baseline a test decides; above it each move is significant, so its size decides. */
const SMALL_BASELINE = 1000;
/** Numbers of so few different values are compared as categories. */
const FEW_VALUES = 5;
/** Of PSI: tenths of the baseline. */
const PSI_BINS = 10;
/** Of the other distances of binned numbers: twentieths of the baseline. */
const DISTANCE_BINS = 20;

export interface Drift {
  readonly method: DriftMethod;
  /** For tests the statistic, else the distance. */
  readonly value: number;
  /** Of tests. */
  readonly pValue?: number | undefined;
  /** The threshold of `value` or of the p-value; undefined for `wasserstein` without a configured threshold. */
  readonly threshold?: number | undefined;
  /** Undefined where there is no threshold. */
  readonly drifted?: boolean | undefined;
  /** The method and the reason for its choice, for a report. */
  readonly reason: string;
  /** Categories that the baseline does not have. */
  readonly added?: readonly string[] | undefined;
}

/** Why two columns cannot be compared, which differs from "no drift". */
export interface NoDrift {
  readonly method?: undefined;
  readonly unknown: 'no-values' | 'no-baseline-values' | 'type-changed' | 'bins-differ' | 'method-needs-numbers';
  readonly reason: string;
}

export interface DriftChoice {
  /** Default: by type and size, see `chooseMethod`. */
  readonly method?: DriftMethod | undefined;
  /** Default: that of the method. */
  readonly threshold?: number | undefined;
}

/**
 * Selects the method like Evidently: with at most 1,000 values in the baseline a test (`chi_square` for categories and
 * for numbers with at most 5 distinct values, else `ks`), above it a distance (`js_distance_ln`, or
 * `wasserstein_normed`).
 */
export function chooseMethod(
  reference: ColumnSummary,
  current: ColumnSummary,
): { readonly method: DriftMethod; readonly reason: string } {
  const small = reference.count <= SMALL_BASELINE;
  const size = small
    ? 'a baseline of at most 1,000 values: statistical test'
    : 'a baseline of more than 1,000 values: distance';
  const few = isFew(reference, current);
  const kind = reference.type === 'categories' ? 'categories' : few ? 'numbers with few distinct values' : 'numbers';
  const asCategories = reference.type === 'categories' || few;
  const method = small ? (asCategories ? 'chi_square' : 'ks') : asCategories ? 'js_distance_ln' : 'wasserstein_normed';
  return { method, reason: `${kind}, ${size}` };
}

function isFew(reference: ColumnSummary, current: ColumnSummary): boolean {
  if (reference.type !== 'numbers' || current.type !== 'numbers') return false;
  if (reference.values !== undefined && current.values !== undefined) {
    return new Set([...reference.values, ...current.values]).size <= FEW_VALUES;
  }
  return reference.lattice === 'values' && reference.bins.edges.length <= FEW_VALUES;
}

/**
 * The drift of `current` against `reference`: summaries of the same column, with the bins of the baseline. Exact if
 * both keep their values, else as exact as the bins permit. NULL, NaN and infinities are not part of a distribution.
 */
export function driftOf(reference: ColumnSummary, current: ColumnSummary, choice: DriftChoice = {}): Drift | NoDrift {
  const unknown = incomparable(reference, current);
  if (unknown !== undefined) return unknown;
  const chosen =
    choice.method === undefined ? chooseMethod(reference, current) : { method: choice.method, reason: 'named' };
  const { method, reason } = chosen;
  if (reference.type === 'categories' && ['ks', 'wasserstein', 'wasserstein_normed'].includes(method)) {
    return {
      unknown: 'method-needs-numbers',
      reason: `${method} requires ordered values, but the column has categories`,
    };
  }
  const measured =
    reference.type === 'numbers' && current.type === 'numbers'
      ? ofNumbers(method, reference, current)
      : ofCategories(method, reference as CategorySummary, current as CategorySummary);
  const threshold = choice.threshold ?? (method === 'wasserstein' ? undefined : DEFAULT_THRESHOLDS[method]);
  const drifted =
    threshold === undefined
      ? undefined
      : isTest(method)
        ? (measured.pValue ?? 1) < threshold
        : measured.value >= threshold;
  return { method, ...measured, ...(threshold !== undefined && { threshold, drifted }), reason };
}

function incomparable(reference: ColumnSummary, current: ColumnSummary): NoDrift | undefined {
  if (reference.type !== current.type) {
    return { unknown: 'type-changed', reason: `the baseline has ${reference.type}, the window has ${current.type}` };
  }
  if (reference.count === 0) return { unknown: 'no-baseline-values', reason: 'the baseline has no values' };
  if (current.count === 0) return { unknown: 'no-values', reason: 'the window has no values' };
  if (
    reference.type === 'numbers' &&
    current.type === 'numbers' &&
    !sameEdges(reference.bins.edges, current.bins.edges)
  ) {
    return { unknown: 'bins-differ', reason: 'the bins of the window belong to another baseline' };
  }
  return undefined;
}

type MeasuredDrift = Pick<Drift, 'value' | 'pValue' | 'added'>;

function ofNumbers(method: DriftMethod, reference: NumberSummary, current: NumberSummary): MeasuredDrift {
  const [r, c] = [reference.bins.counts, current.bins.counts];
  const exact =
    reference.values !== undefined && current.values !== undefined ? [reference.values, current.values] : undefined;
  const [one, other] = exact ?? [];
  if (method === 'ks') {
    if (one !== undefined && other !== undefined) {
      const { statistic, pValue } = kolmogorovSmirnovTest(one, other);
      return { value: statistic, pValue };
    }
    const value = ksStatistic(r, c);
    return { value, pValue: kolmogorovSmirnovP(value, totalOf(r), totalOf(c)).pValue };
  }
  if (method === 'wasserstein' || method === 'wasserstein_normed') {
    const distance =
      one !== undefined && other !== undefined
        ? wassersteinDistance(one, other)
        : wassersteinOfBins(reference, current);
    return { value: method === 'wasserstein' ? distance : normedBy(distance, reference) };
  }
  if (method === 'chi_square' && one !== undefined && other !== undefined && isFew(reference, current)) {
    return ofCounts(method, ...countsOfValues(one, other));
  }
  const bins = joinedBins(r, c, method === 'psi' ? PSI_BINS : DISTANCE_BINS);
  return ofCounts(method, bins.reference, bins.current);
}

/** Counted values: for large windows those of a sample. */
function totalOf(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function countsOfValues(one: readonly number[], other: readonly number[]): [number[], number[]] {
  const values = [...new Set([...one, ...other])];
  const counted = (of: readonly number[]) => values.map((value) => of.filter((each) => each === value).length);
  return [counted(one), counted(other)];
}

function ofCategories(method: DriftMethod, reference: CategorySummary, current: CategorySummary): MeasuredDrift {
  const { reference: r, current: c, added } = alignCategories(reference, current);
  return { ...ofCounts(method, r, c), ...(added.length > 0 && { added }) };
}

type Counted = Exclude<DriftMethod, 'ks' | 'wasserstein' | 'wasserstein_normed' | 'chi_square'>;

const DISTANCES: Readonly<Record<Counted, (reference: readonly number[], current: readonly number[]) => number>> = {
  psi,
  js_distance_ln: jsDistanceLn,
  js_distance_log2: jsDistanceLog2,
  jsd_log2: jsdLog2,
  hellinger,
  l_infinity: lInfinity,
  total_variation: totalVariation,
};

function ofCounts(method: DriftMethod, reference: readonly number[], current: readonly number[]): MeasuredDrift {
  if (method in DISTANCES) return { value: DISTANCES[method as Counted](reference, current) };
  const { statistic, pValue } = chiSquareTest(reference, current);
  return { value: statistic, pValue };
}
