import { describe, expect, test } from 'vitest';
import { jsdLog2, jsDistanceLn, ksStatistic, lInfinity, psi } from './distances.ts';
import { alignHistograms } from './histogram.ts';

/** scipy 1.17.1 and numpy 2.4.6; see docs/internals/data-quality.md. */
describe('categories: 500, 300, 200 against 400, 300, 250 and 50 of a new one', () => {
  const reference = [500, 300, 200, 0];
  const current = [400, 300, 250, 50];
  test.each([
    ['psi', psi, 0.34358048],
    ['js_distance_ln', jsDistanceLn, 0.14664229],
    ['jsd_log2', jsdLog2, 0.03102366],
    ['l_infinity', lInfinity, 0.1],
  ] as const)('%s', (_name, distance, expected) => {
    expect(distance(reference, current)).toBeCloseTo(expected, 7);
  });
});

/** The 1,000 points ppf((i + ½) / n) of a normal distribution. */
function normalPoints(mean: number, deviation: number): number[] {
  return Array.from({ length: 1000 }, (_, i) => mean + deviation * quantile((i + 0.5) / 1000));
}

function quantile(p: number): number {
  let [low, high] = [-8, 8];
  for (let i = 0; i < 80; i += 1) {
    const middle = (low + high) / 2;
    if (cumulative(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Of the standard normal distribution, by its series: exact to rounding for |x| < 6. */
function cumulative(x: number): number {
  let [term, sum] = [x, x];
  for (let k = 1; k < 200; k += 1) {
    term *= (x * x) / (2 * k + 1);
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-x * x) / 2)) / Math.sqrt(2 * Math.PI);
}

function binned(values: readonly number[], edges: readonly number[]): number[] {
  const counts = edges.slice(1).map(() => 0);
  for (const value of values) {
    let bin = edges.findLastIndex((edge) => edge <= value);
    bin = Math.min(Math.max(bin, 0), counts.length - 1);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

describe('normal distributions in 12 bins of Sturges, as Evidently bins them', () => {
  const reference = normalPoints(0, 1);
  test.each([
    [0, 1, 0, 0, 0],
    [0.1, 1, 0.01018143, 0.03564436, 0.00183297],
    [0.5, 1, 0.24186921, 0.17152228, 0.04244393],
    [0, 1.5, 0.31661018, 0.18572358, 0.04976324],
  ])('mean %f, deviation %f', (mean, deviation, wantPsi, wantDistance, wantDivergence) => {
    const current = normalPoints(mean, deviation);
    const least = Math.min(...reference, ...current);
    const most = Math.max(...reference, ...current);
    const edges = Array.from({ length: 13 }, (_, i) => (i === 12 ? most : least + ((most - least) * i) / 12));
    const [r, c] = [binned(reference, edges), binned(current, edges)];
    expect(psi(r, c)).toBeCloseTo(wantPsi, 6);
    expect(jsDistanceLn(r, c)).toBeCloseTo(wantDistance, 6);
    expect(jsdLog2(r, c)).toBeCloseTo(wantDivergence, 6);
  });

  test('KS from fine bins is that of the points', () => {
    const edges = [...reference, 9];
    expect(ksStatistic(binned(reference, edges), binned(normalPoints(0.5, 1), edges))).toBeCloseTo(0.198, 2);
  });
});

test('bins with different edges are aligned as in TFDV', () => {
  const { edges, one, other } = alignHistograms(
    { edges: [0, 1, 2, 3, 4], counts: [10, 20, 30, 40] },
    { edges: [0.5, 1.5, 2.5, 3.5, 4.5], counts: [40, 30, 20, 10] },
  );
  expect(edges).toEqual([0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5]);
  expect(one).toEqual([5, 5, 10, 10, 15, 15, 20, 20, 0]);
  expect(jsdLog2(one, other)).toBeCloseTo(0.15129158, 8);
});

test('a bin without width keeps its mass at a point', () => {
  const same = alignHistograms({ edges: [3, 3], counts: [7] }, { edges: [3, 3], counts: [2] });
  expect(jsdLog2(same.one, same.other)).toBe(0);
  const apart = alignHistograms({ edges: [3, 3], counts: [7] }, { edges: [4, 4], counts: [2] });
  expect(jsdLog2(apart.one, apart.other)).toBeCloseTo(1, 12);
});
