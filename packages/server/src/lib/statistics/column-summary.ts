/**
 * The summary of a column in one window. Summaries of windows can be added, so no window is read twice; drift is
 * computed from two summaries.
 */
import { countInBins, mergeBins, type Bins } from './bins.ts';

/**
 * Positions of values between edges. `spread`: anywhere. `whole`: at integers. `values`: at the edges, each bin one
 * value (its upper edge; the last bin the largest one).
 */
export type Lattice = 'spread' | 'whole' | 'values';

export interface NumberSummary {
  readonly type: 'numbers';
  /** Finite values; all values below refer to them. */
  readonly count: number;
  readonly nulls: number;
  readonly nans: number;
  readonly infinities: number;
  /** Undefined where there are no values, as are `max` and `mean`. */
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly mean?: number | undefined;
  /** Σ (x − mean)². The variance of all: /count; of a sample: /(count − 1). */
  readonly squares: number;
  /** Of finite values, or of a sample of them: their total may be less than `count`. */
  readonly bins: Bins;
  /**
   * Sums of the values in the first and the last bin: these bins are unbounded, so only their mean indicates the
   * position of their values.
   */
  readonly tails: { readonly low: number; readonly high: number };
  readonly lattice: Lattice;
  /** All values in ascending order, up to `KEPT_VALUES`: small windows are compared exactly. */
  readonly values?: readonly number[] | undefined;
}

export interface CategorySummary {
  readonly type: 'categories';
  /** Values that are not NULL. */
  readonly count: number;
  readonly nulls: number;
  /** Rows of each value, at most `MOST_CATEGORIES`. */
  readonly counts: ReadonlyMap<string, number>;
  /** Rows of all other values together. */
  readonly rest: number;
}

export type ColumnSummary = NumberSummary | CategorySummary;

/** Maximum individual values in a summary. */
export const KEPT_VALUES = 1000;
/** Categories that a summary counts one by one; a text of more is an id. */
export const MOST_CATEGORIES = 1000;

/** A number, or a substitute: NULL, NaN, an infinity. */
export type NumberValue = number | null | undefined;

/** The summary of a column of numbers between the edges of its baseline. Moments by Welford 1962. */
export function summarizeNumbers(
  column: Iterable<NumberValue>,
  edges: readonly number[],
  lattice: Lattice = 'spread',
): NumberSummary {
  let [count, nulls, nans, infinities, mean, squares] = [0, 0, 0, 0, 0, 0];
  let [min, max] = [Infinity, -Infinity];
  const finite: number[] = [];
  for (const value of column) {
    if (value === null || value === undefined) nulls += 1;
    else if (Number.isNaN(value)) nans += 1;
    else if (!Number.isFinite(value)) infinities += 1;
    else {
      count += 1;
      const off = value - mean;
      mean += off / count;
      squares += off * (value - mean);
      if (value < min) min = value;
      if (value > max) max = value;
      finite.push(value);
    }
  }
  return {
    type: 'numbers',
    count,
    nulls,
    nans,
    infinities,
    ...(count > 0 && { min, max, mean }),
    squares,
    bins: countInBins(finite, edges),
    tails: tailsOf(finite, edges),
    lattice,
    ...(count <= KEPT_VALUES && { values: finite.toSorted((a, b) => a - b) }),
  };
}

function tailsOf(values: readonly number[], edges: readonly number[]): NumberSummary['tails'] {
  const [first = Infinity, last = Number.NEGATIVE_INFINITY] = [edges[0], edges.at(-1)];
  const sum = (of: (value: number) => boolean) =>
    values.reduce((total, value) => (of(value) ? total + value : total), 0);
  return { low: sum((value) => value <= first), high: sum((value) => value > last) };
}

/**
 * The summary of the rows of both. Moments by Chan, Golub and LeVeque 1979.
 * @throws RangeError where their edges differ: the windows were counted against different baselines.
 */
function mergeNumbers(one: NumberSummary, other: NumberSummary): NumberSummary {
  const count = one.count + other.count;
  const off = (other.mean ?? 0) - (one.mean ?? 0);
  const mean = count === 0 ? 0 : (one.mean ?? 0) * (one.count / count) + (other.mean ?? 0) * (other.count / count);
  const between = count === 0 ? 0 : off * off * ((one.count * other.count) / count);
  const values =
    one.values !== undefined && other.values !== undefined && count <= KEPT_VALUES
      ? [...one.values, ...other.values].toSorted((a, b) => a - b)
      : undefined;
  return {
    type: 'numbers',
    count,
    nulls: one.nulls + other.nulls,
    nans: one.nans + other.nans,
    infinities: one.infinities + other.infinities,
    ...(count > 0 && {
      min: Math.min(one.min ?? Infinity, other.min ?? Infinity),
      max: Math.max(one.max ?? -Infinity, other.max ?? -Infinity),
      mean,
    }),
    squares: one.squares + other.squares + between,
    bins: mergeBins(one.bins, other.bins),
    tails: { low: one.tails.low + other.tails.low, high: one.tails.high + other.tails.high },
    lattice: one.lattice,
    ...(values !== undefined && { values }),
  };
}

/** The root of Σ (x − mean)² / n; 0 where there are no values. */
export function standardDeviation({ count, squares }: Pick<NumberSummary, 'count' | 'squares'>): number {
  return count === 0 ? 0 : Math.sqrt(squares / count);
}

/** The summary of a column of categories; the most frequent ones keep their counts, equal ones by their text. */
export function summarizeCategories(column: Iterable<string | null | undefined>): CategorySummary {
  const counts = new Map<string, number>();
  let [count, nulls] = [0, 0];
  for (const value of column) {
    if (value === null || value === undefined) nulls += 1;
    else {
      count += 1;
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
  }
  return { type: 'categories', count, nulls, ...limitCategories(counts, 0) };
}

/**
 * Returns the summary of the rows of both. Exact up to `MOST_CATEGORIES` distinct values; beyond that, the count of a
 * value in the rest category of one side can be too low.
 */
export function mergeCategories(one: CategorySummary, other: CategorySummary): CategorySummary {
  const counts = new Map(one.counts);
  for (const [value, count] of other.counts) counts.set(value, (counts.get(value) ?? 0) + count);
  return {
    type: 'categories',
    count: one.count + other.count,
    nulls: one.nulls + other.nulls,
    ...limitCategories(counts, one.rest + other.rest),
  };
}

/** @throws RangeError where one is of numbers and the other of categories, or their edges differ. */
export function mergeSummaries(one: ColumnSummary, other: ColumnSummary): ColumnSummary {
  if (one.type === 'numbers' && other.type === 'numbers') return mergeNumbers(one, other);
  if (one.type === 'categories' && other.type === 'categories') return mergeCategories(one, other);
  throw new RangeError('summaries of numbers and of categories cannot be added');
}

function limitCategories(counts: ReadonlyMap<string, number>, rest: number): Pick<CategorySummary, 'counts' | 'rest'> {
  if (counts.size <= MOST_CATEGORIES) return { counts, rest };
  const sorted = [...counts].toSorted(([a, of], [b, than]) => than - of || (a < b ? -1 : 1));
  const left = sorted.slice(MOST_CATEGORIES).reduce((sum, [, count]) => sum + count, rest);
  return { counts: new Map(sorted.slice(0, MOST_CATEGORIES)), rest: left };
}

/** Counts of two summaries in the same order, the rest of both last where there is one; `added`: values that only `current` has. */
export function alignCategories(
  reference: CategorySummary,
  current: CategorySummary,
): {
  readonly categories: readonly string[];
  readonly reference: readonly number[];
  readonly current: readonly number[];
  readonly added: readonly string[];
} {
  const categories = [...new Set([...reference.counts.keys(), ...current.counts.keys()])];
  const rest = reference.rest + current.rest > 0;
  const counted = ({ counts, rest: left }: CategorySummary) => [
    ...categories.map((category) => counts.get(category) ?? 0),
    ...(rest ? [left] : []),
  ];
  return {
    categories,
    reference: counted(reference),
    current: counted(current),
    // A value in the rest category of the reference only appears to be new.
    added: reference.rest > 0 ? [] : categories.filter((category) => !reference.counts.has(category)),
  };
}

/** A summary as JSON: a map becomes pairs. */
export function summaryToJson(summary: ColumnSummary): unknown {
  return summary.type === 'numbers' ? summary : { ...summary, counts: [...summary.counts] };
}

/** The output of `summaryToJson`. */
export function summaryFromJson(json: unknown): ColumnSummary {
  const summary = json as NumberSummary | (Omit<CategorySummary, 'counts'> & { counts: [string, number][] });
  return summary.type === 'numbers' ? summary : { ...summary, counts: new Map(summary.counts) };
}
