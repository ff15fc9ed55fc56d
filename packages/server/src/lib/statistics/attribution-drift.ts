/** Detects whether a model uses other columns than before, from the mean absolute attribution of each. Pure. */

/** Of one column: mean |attribution| on both sides, its share of the sum over all columns, and its place from 1. */
export interface ColumnAttribution {
  readonly column: string;
  readonly baseline: number;
  readonly current: number;
  readonly baselineShare: number;
  readonly currentShare: number;
  readonly baselineRank: number;
  readonly currentRank: number;
}

export interface AttributionDrift {
  /** 1: the most important columns are unchanged. */
  readonly ndcg: number;
  /** ½ Σ |p − q| of shares: 0 to 1. */
  readonly totalVariation: number;
  /** In descending order of the change of their share. */
  readonly columns: readonly ColumnAttribution[];
}

type Sizes = ReadonlyMap<string, number>;

/** A column that one side lacks counts nothing there. `unknown`: which side moves by no column, so that there is no order. */
export function attributionDrift(
  baseline: Sizes,
  current: Sizes,
): AttributionDrift | { readonly unknown: 'baseline' | 'current' } {
  const names = [...new Set([...baseline.keys(), ...current.keys()])];
  const [before, now] = [valuesOf(names, baseline), valuesOf(names, current)];
  if (!(sumOf(before) > 0)) return { unknown: 'baseline' };
  if (!(sumOf(now) > 0)) return { unknown: 'current' };
  const shares = [before, now].map((values) => values.map((value) => value / sumOf(values)));
  const ranks = [ranksOf(before), ranksOf(now)];
  const columns = names.map((column, at): ColumnAttribution => {
    const of = (side: readonly (readonly number[])[], which: 0 | 1) => side[which]?.[at] ?? 0;
    return {
      column,
      baseline: before[at] ?? 0,
      current: now[at] ?? 0,
      baselineShare: of(shares, 0),
      currentShare: of(shares, 1),
      baselineRank: of(ranks, 0),
      currentRank: of(ranks, 1),
    };
  });
  return {
    ndcg: rankingGain(before, now),
    totalVariation: columns.reduce((sum, one) => sum + moveOf(one), 0) / 2,
    columns: columns.toSorted((a, b) => moveOf(b) - moveOf(a) || b.baseline - a.baseline),
  };
}

/** By how much the share of a column moved. */
export function moveOf({ baselineShare, currentShare }: ColumnAttribution): number {
  return Math.abs(currentShare - baselineShare);
}

/**
 * Normalized discounted cumulative gain (Järvelin and Kekäläinen 2002) of the order of `current`, where what a column is worth is
 * its size in `baseline`. Columns of equal size share the gain of their places, as in scikit-learn.
 */
export function rankingGain(baseline: readonly number[], current: readonly number[]): number {
  const ideal = gainOf(baseline, baseline);
  return ideal === 0 ? 1 : gainOf(baseline, current) / ideal;
}

function gainOf(worth: readonly number[], by: readonly number[]): number {
  const order = by.map((_, at) => at).toSorted((a, b) => (by[b] ?? 0) - (by[a] ?? 0));
  let gain = 0;
  for (let from = 0, to = 0; from < order.length; from = to) {
    const size = by[order[from] ?? 0];
    let [sum, discounts] = [0, 0];
    for (to = from; to < order.length && by[order[to] ?? 0] === size; to++) {
      sum += worth[order[to] ?? 0] ?? 0;
      discounts += 1 / Math.log2(to + 2);
    }
    gain += (sum / (to - from)) * discounts;
  }
  return gain;
}

/** From 1; columns of equal size have the same, the first of their places. */
function ranksOf(values: readonly number[]): number[] {
  return values.map((value) => 1 + values.filter((other) => other > value).length);
}

function valuesOf(names: readonly string[], of: Sizes): number[] {
  return names.map((name) => of.get(name) ?? 0);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
