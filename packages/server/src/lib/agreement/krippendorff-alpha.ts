/** How far two values are apart: all alike, by their place in the order, or by their difference. */
export type MeasurementLevel = 'nominal' | 'ordinal' | 'interval';

/**
 * Agreement of any number of raters beyond chance, also where some left units out: α = 1 − Do/De.
 * K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011). `units`: the values that each unit was given, in any
 * order; units with fewer than two do not count. Without unit, at most 1; 0 is what chance gives.
 *
 * The ordinal distance of the paper, (Σ n_g from c to k − (n_c + n_k)/2)², is the squared difference of mid-ranks, so that
 * it needs no matrix of values: O(n log n) for n ratings.
 * @returns undefined when there is nothing to compare, or when every rating is the same: α is 0/0 then.
 */
export function krippendorffAlpha(units: readonly (readonly number[])[], level: MeasurementLevel): number | undefined {
  const paired = units.filter((values) => values.length > 1);
  if (level === 'nominal') return alphaOf(paired, unlikePairs);
  const ratings = paired.flat();
  const positions = level === 'ordinal' ? midRanks(ratings) : new Map<number, number>();
  // Sums of squares lose digits far from 0; a shift changes no difference.
  const middle = ratings.reduce((total, value) => total + value / ratings.length, 0);
  const numbers = paired.map((values) => values.map((value) => positions.get(value) ?? value - middle));
  return alphaOf(numbers, squaredDifferences);
}

/** The same for labels that have no order. */
export function nominalAlpha(units: readonly (readonly unknown[])[]): number | undefined {
  const numbers = new Map<unknown, number>();
  const numberOf = (label: unknown) => {
    const number = numbers.get(label) ?? numbers.size;
    numbers.set(label, number);
    return number;
  };
  return krippendorffAlpha(
    units.map((labels) => labels.map(numberOf)),
    'nominal',
  );
}

/** `distances`: the sum over all ordered pairs. */
function alphaOf(
  units: readonly (readonly number[])[],
  distances: (values: readonly number[]) => number,
): number | undefined {
  const all = units.flat();
  const expected = distances(all);
  if (all.length < 2 || expected === 0 || new Set(all).size < 2) return undefined;
  let observed = 0;
  for (const values of units) observed += distances(values) / (values.length - 1);
  return 1 - ((all.length - 1) * observed) / expected;
}

function unlikePairs(values: readonly number[]): number {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  let alike = 0;
  for (const count of counts.values()) alike += count * count;
  return values.length * values.length - alike;
}

/** Σᵢⱼ (xᵢ − xⱼ)² = 2 n Σ (x − x̄)². */
function squaredDifferences(values: readonly number[]): number {
  const mean = values.reduce((total, value) => total + value, 0) / values.length;
  return 2 * values.length * values.reduce((total, value) => total + (value - mean) ** 2, 0);
}

/** For each value among all ratings: the number of smaller values, plus half of the equal ones. */
function midRanks(ratings: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of ratings) counts.set(value, (counts.get(value) ?? 0) + 1);
  const ranks = new Map<number, number>();
  let below = 0;
  for (const [value, count] of [...counts].toSorted(([a], [b]) => a - b)) {
    ranks.set(value, below + count / 2);
    below += count;
  }
  return ranks;
}
