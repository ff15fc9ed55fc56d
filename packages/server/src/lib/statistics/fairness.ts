/** How differently a classifier treats groups, from counts of each: counts of windows add up, so these do. */
import { shareEstimate, type BinaryCounts } from './classification.ts';
import type { Estimate } from './estimate.ts';
import { deviationsOf } from './special-functions.ts';

/** What happened to the rows of one group; without labels the true class is not known. */
export interface GroupCounts {
  readonly group: string;
  readonly rows: number;
  /** Rows that were predicted positive. */
  readonly selected: number;
  /** Of the rows that have a label. */
  readonly labeled?: BinaryCounts | undefined;
}

export interface GroupRates {
  readonly group: string;
  readonly rows: number;
  /** P(ŷ = 1). */
  readonly selectionRate: Estimate;
  /** TP / (TP + FN); undefined without labels. */
  readonly truePositiveRate?: Estimate | undefined;
  /** FP / (FP + TN). */
  readonly falsePositiveRate?: Estimate | undefined;
  /** TP / (TP + FP). */
  readonly precision?: Estimate | undefined;
  readonly accuracy?: Estimate | undefined;
}

/** The farthest two groups. */
export interface Gap {
  /** Largest less smallest rate: 0 is equal treatment. */
  readonly difference: number;
  /** Smallest over largest rate, 0 to 1: 1 is equal treatment; undefined where all rates are 0. */
  readonly ratio: number | undefined;
  readonly smallest: string;
  readonly largest: string;
}

/** A group that is in no measure, because a rate of so few rows is noise. */
export interface SmallGroup {
  readonly group: string;
  /** Of what there were too few. */
  readonly of: 'rows' | 'positives' | 'negatives' | 'predicted positives';
  readonly count: number;
}

export interface Fairness {
  readonly groups: readonly GroupRates[];
  /** Left out of a measure, and of which. */
  readonly small: readonly SmallGroup[];
  /** Of the selection rate. Undefined, like the ones below, with fewer than two sufficiently large groups. */
  readonly demographicParity?: Gap | undefined;
  /** Of the true positive rate. */
  readonly equalOpportunity?: Gap | undefined;
  /** Of the false positive rate. */
  readonly falsePositives?: Gap | undefined;
  /** The worse of true and of false positive rates: the larger difference, the smaller ratio. */
  readonly equalizedOdds?: { readonly difference: number; readonly ratio: number | undefined } | undefined;
  /** Of the precision. */
  readonly predictiveParity?: Gap | undefined;
  /**
   * Selection rate of each group divided by that of the privileged one (AIF360): can be above 1, whereas the ratio of
   * demographic parity is smallest over largest. The four-fifths rule requires 0.8 to 1.25. Undefined without a
   * privileged group with positives.
   */
  readonly disparateImpact?: Readonly<Record<string, number>> | undefined;
}

export interface FairnessChoice {
  /** Minimum rows of a group (for a rate: of its denominator); smaller groups are reported and excluded. Default 30. */
  readonly minimum?: number | undefined;
  readonly privileged?: string | undefined;
  /** Of the groups' intervals; default 0.95. */
  readonly confidence?: number | undefined;
}

/**
 * Group fairness as fairlearn defines it (`demographic_parity_*`, `equalized_odds_*` with `agg="worst_case"`; Hardt et al. 2016), and
 * AIF360's disparate impact (Feldman et al. 2015). Each rate has Wilson's interval.
 */
export function fairnessOf(groups: readonly GroupCounts[], choice: FairnessChoice = {}): Fairness {
  const { minimum = 30, privileged } = choice;
  const z = deviationsOf(choice.confidence ?? 0.95);
  const small: SmallGroup[] = [];
  const gap = (of: SmallGroup['of'], rate: (counts: GroupCounts) => Rate | undefined) => {
    const rates = groups.flatMap((counts) => {
      const rateOfGroup = rate(counts);
      if (rateOfGroup === undefined) return [];
      const [part, whole] = rateOfGroup;
      if (whole >= Math.max(1, minimum)) return [{ group: counts.group, rate: part / whole }];
      if (!small.some((one) => one.group === counts.group && one.of === of))
        small.push({ group: counts.group, of, count: whole });
      return [];
    });
    return { rates, gap: gapOf(rates) };
  };
  const labeled = (rate: (counts: BinaryCounts) => Rate) => (counts: GroupCounts) =>
    counts.labeled === undefined ? undefined : rate(counts.labeled);
  const selection = gap('rows', ({ selected, rows }) => [selected, rows]);
  const truePositives = gap('positives', labeled(truePositiveRate)).gap;
  const falsePositives = gap('negatives', labeled(falsePositiveRate)).gap;
  const predictiveParity = gap('predicted positives', labeled(precisionRate)).gap;
  const base = selection.rates.find(({ group }) => group === privileged)?.rate;
  return {
    groups: groups.map((counts) => ratesOf(counts, z)),
    small,
    demographicParity: selection.gap,
    equalOpportunity: truePositives,
    falsePositives,
    equalizedOdds: worst(truePositives, falsePositives),
    predictiveParity,
    disparateImpact:
      base === undefined || base === 0
        ? undefined
        : Object.fromEntries(
            selection.rates.filter(({ group }) => group !== privileged).map(({ group, rate }) => [group, rate / base]),
          ),
  };
}

/** Part and whole. */
type Rate = readonly [number, number];

const truePositiveRate = ({ truePositives, falseNegatives }: BinaryCounts): Rate => [
  truePositives,
  truePositives + falseNegatives,
];
const falsePositiveRate = ({ falsePositives, trueNegatives }: BinaryCounts): Rate => [
  falsePositives,
  falsePositives + trueNegatives,
];
const precisionRate = ({ truePositives, falsePositives }: BinaryCounts): Rate => [
  truePositives,
  truePositives + falsePositives,
];

function ratesOf({ group, rows, selected, labeled }: GroupCounts, z: number): GroupRates {
  const estimate = ([part, whole]: Rate) => shareEstimate(part, whole, z);
  if (labeled === undefined) return { group, rows, selectionRate: shareEstimate(selected, rows, z) };
  const { truePositives, trueNegatives, falsePositives, falseNegatives } = labeled;
  return {
    group,
    rows,
    selectionRate: shareEstimate(selected, rows, z),
    truePositiveRate: estimate(truePositiveRate(labeled)),
    falsePositiveRate: estimate(falsePositiveRate(labeled)),
    precision: estimate(precisionRate(labeled)),
    accuracy: estimate([
      truePositives + trueNegatives,
      truePositives + trueNegatives + falsePositives + falseNegatives,
    ]),
  };
}

function gapOf(rates: readonly { readonly group: string; readonly rate: number }[]): Gap | undefined {
  if (rates.length < 2) return undefined;
  const sorted = rates.toSorted((a, b) => a.rate - b.rate);
  const [smallest, largest] = [sorted[0], sorted.at(-1)];
  if (smallest === undefined || largest === undefined) return undefined;
  return {
    difference: largest.rate - smallest.rate,
    ratio: largest.rate === 0 ? undefined : smallest.rate / largest.rate,
    smallest: smallest.group,
    largest: largest.group,
  };
}

function worst(one: Gap | undefined, other: Gap | undefined): Fairness['equalizedOdds'] {
  if (one === undefined || other === undefined) return undefined;
  const ratios = [one.ratio, other.ratio].filter((ratio) => ratio !== undefined);
  return {
    difference: Math.max(one.difference, other.difference),
    ratio: ratios.length === 0 ? undefined : Math.min(...ratios),
  };
}
