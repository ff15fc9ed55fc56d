/** Distances between the columns of two profiles. */
import type { ColumnProfile, DatasetProfile } from '@dais/api/data';
import { jsdLog2 } from '#lib/statistics/distances.ts';
import { alignHistograms } from '#lib/statistics/histogram.ts';

export interface Shift {
  readonly column: string;
  readonly jsdLog2: number;
}

/** Compares the columns of both profiles, largest distance first. */
export function shiftsOf(profile: DatasetProfile, before: DatasetProfile): readonly Shift[] {
  const earlier = new Map(before.columns.map((one) => [one.name, one]));
  return profile.columns
    .flatMap((column): Shift[] => {
      const other = earlier.get(column.name);
      const distance = other === undefined ? undefined : distanceOf(other, column);
      return distance === undefined ? [] : [{ column: column.name, jsdLog2: distance }];
    })
    .toSorted((a, b) => b.jsdLog2 - a.jsdLog2);
}

/** Compares classes by value, and numbers by bin. Undefined if a profile has no distribution of the column. */
function distanceOf(reference: ColumnProfile, current: ColumnProfile): number | undefined {
  const classes = classCounts(reference, current);
  if (classes !== undefined) return jsdLog2(classes.reference, classes.current);
  if (reference.histogram === undefined || current.histogram === undefined) return undefined;
  const { one, other } = alignHistograms(reference.histogram, current.histogram);
  return jsdLog2(one, other);
}

function classCounts(reference: ColumnProfile, current: ColumnProfile) {
  if (reference.trues !== undefined && current.trues !== undefined) {
    const pair = ({ trues = 0, count }: ColumnProfile) => [trues, count - trues];
    return { reference: pair(reference), current: pair(current) };
  }
  if (reference.top === undefined || current.top === undefined) return undefined;
  const counted = (of: ColumnProfile) => new Map(of.top?.map(({ value, count }) => [JSON.stringify(value), count]));
  const [r, c] = [counted(reference), counted(current)];
  const values = [...new Set([...r.keys(), ...c.keys()])];
  const countsOf = (counts: ReadonlyMap<string, number>, { count }: ColumnProfile) => {
    const known = values.map((value) => counts.get(value) ?? 0);
    return [...known, Math.max(0, count - known.reduce((sum, one) => sum + one, 0))];
  };
  return { reference: countsOf(r, reference), current: countsOf(c, current) };
}

/** Resamples a histogram to other bins: counts spread evenly within a bin, and values outside go to the outermost bins. */
export function rebin(
  { edges: own, counts }: NonNullable<ColumnProfile['histogram']>,
  edges: readonly number[],
): number[] {
  const bins = edges.slice(1).map(() => 0);
  const last = bins.length - 1;
  for (const [i, count] of counts.entries()) {
    const low = own[i] ?? 0;
    const high = own[i + 1] ?? low;
    for (const [at] of bins.entries()) {
      const left = at === 0 ? Number.NEGATIVE_INFINITY : (edges[at] ?? 0);
      const right = at === last ? Number.POSITIVE_INFINITY : (edges[at + 1] ?? 0);
      const share =
        high > low
          ? Math.max(0, Math.min(high, right) - Math.max(low, left)) / (high - low)
          : low > left && low <= right
            ? 1
            : 0;
      bins[at] = (bins[at] ?? 0) + count * share;
    }
  }
  return bins;
}
