import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { countInBins, joinedBins, quantileEdges, widthEdges, withoutGaps } from './bins.ts';
import { chiSquareTest } from './chi-square.ts';
import { summarizeCategories, summarizeNumbers, type CategorySummary, type NumberSummary } from './column-summary.ts';
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
import { chooseMethod, driftOf, DRIFT_METHODS, isTest, type Drift, type NoDrift } from './drift.ts';
import { kolmogorovSmirnovP, kolmogorovSmirnovTest } from './kolmogorov-smirnov.ts';
import { adjustPValues } from './multiple-testing.ts';
import { chiSquareTail, kolmogorovTail, normalCumulative, normalQuantile } from './special-functions.ts';
import { normedBy, wassersteinDistance, wassersteinOfBins } from './wasserstein.ts';

/** The points Φ⁻¹((i + ½) / n) of a normal distribution. */
const normal = (mean: number, deviation: number, count = 1000) =>
  Array.from({ length: count }, (_, i) => mean + deviation * normalQuantile((i + 0.5) / count));

/** Without the values one by one, as of a large window. */
const binned = (summary: NumberSummary): NumberSummary => ({ ...summary, values: undefined });

function drift(reported: Drift | NoDrift): Drift {
  if ('unknown' in reported) throw new Error(reported.reason);
  return reported;
}

/** Fixed values of scipy 1.17.1 and numpy 2.4.6 (docs/internals/monitoring-statistics.md). */
describe('normal distributions of 1,000 points', () => {
  const reference = normal(0, 1);
  test.each([
    ['same', normal(0, 1), 0, 0, 0, 1, 0, 0],
    ['mean 0.1', normal(0.1, 1), 0.1, 0.10006510055374448, 0.04, 0.4006338815832625, 0.04281324, 0.00961367],
    ['mean 0.5', normal(0.5, 1), 0.5, 0.5003255027687223, 0.198, 1.4811534595157654e-17, 0.20601925, 0.23752416],
    [
      'deviation 1.5',
      normal(0, 1.5),
      0.398853962749834,
      0.3991136188882159,
      0.097,
      0.00016232041211307663,
      0.22307675,
      0.19545222,
    ],
    ['500 of 0.25', normal(0.25, 1, 500), 0.25, 0.25016275138436106, 0.1, 0.002472838872061108, 0.10470551, 0.05933829],
  ])('%s', (_name, current, distance, normed, statistic, pValue, jsLog2, psiTenths) => {
    const [r, c] = [reference, current].map((values) => summarizeNumbers(values, quantileEdges(reference, 100)));
    if (r === undefined || c === undefined) throw new Error('no summaries');
    expect(wassersteinDistance(reference, current)).toBeCloseTo(distance, 12);
    expect(normedBy(wassersteinDistance(reference, current), r)).toBeCloseTo(normed, 12);
    const ks = kolmogorovSmirnovTest(reference, current);
    expect(ks.method).toBe('exact');
    expect(ks.statistic).toBeCloseTo(statistic, 12);
    expect(Math.abs(ks.pValue / pValue - 1)).toBeLessThan(1e-9);
    // Of the bins alone.
    expect(Math.abs(wassersteinOfBins(binned(r), binned(c)) - distance)).toBeLessThan(0.003);
    expect(drift(driftOf(r, c, { method: 'psi' })).value).toBeCloseTo(psiTenths, 2);
    const low = Math.min(...reference, ...current);
    const high = Math.max(...reference, ...current);
    const edges = widthEdges(low, high, 12);
    const [rs, cs] = [countInBins(reference, edges).counts, countInBins(current, edges).counts];
    expect(jsDistanceLog2(rs, cs)).toBeCloseTo(jsLog2, 7);
  });

  test('tenths of the reference', () => {
    // numpy's edges are between two values; here they are values, so that the edges of integers are integers.
    const edges = Array.from({ length: 9 }, (_, i) => {
      const at = ((i + 1) * 999) / 10;
      const [below, above] = [reference[Math.floor(at)] ?? 0, reference[Math.ceil(at)] ?? 0];
      return below + (above - below) * (at % 1);
    });
    const [r, c] = [countInBins(reference, edges).counts, countInBins(normal(0.5, 1), edges).counts];
    expect(r).toEqual(Array.from({ length: 10 }, () => 100));
    expect(psi(r, c)).toBeCloseTo(0.23752415942394672, 10);
    const [fine, tenths] = [quantileEdges(reference, 100), quantileEdges(reference, 10)];
    const counted = (values: readonly number[], between: readonly number[]) => countInBins(values, between).counts;
    expect(joinedBins(counted(reference, fine), counted(normal(0.5, 1), fine), 10)).toEqual({
      reference: counted(reference, tenths),
      current: counted(normal(0.5, 1), tenths),
    });
  });
});

test('categories with a new one: 500, 300, 200 against 400, 300, 250 and 50', () => {
  const column = (counts: Readonly<Record<string, number>>): CategorySummary => ({
    type: 'categories',
    count: Object.values(counts).reduce((a, b) => a + b),
    nulls: 0,
    counts: new Map(Object.entries(counts)),
    rest: 0,
  });
  const reference = column({ a: 500, b: 300, c: 200 });
  const current = column({ a: 400, b: 300, c: 250, d: 50 });
  const values = Object.fromEntries(
    DRIFT_METHODS.filter((method) => !/ks|wasserstein/.test(method)).map((method) => {
      const reported = drift(driftOf(reference, current, { method }));
      expect(reported.added).toEqual(['d']);
      return [method, reported.value];
    }),
  );
  expect(values['psi']).toBeCloseTo(0.34358047680839876, 12);
  expect(values['js_distance_ln']).toBeCloseTo(0.1466422933152931, 12);
  expect(values['js_distance_log2']).toBeCloseTo(0.17613534457683394, 12);
  expect(values['jsd_log2']).toBeCloseTo(0.031023659609200026, 12);
  expect(values['l_infinity']).toBeCloseTo(0.1, 12);
  expect(values['hellinger']).toBeCloseTo(0.17082039324993709, 12);
  expect(values['total_variation']).toBeCloseTo(0.1, 12);
  const test = drift(driftOf(reference, current, { method: 'chi_square' }));
  expect(test.value).toBeCloseTo(66.66666666666667, 10);
  expect((test.pValue ?? 0) / 2.206914456800012e-14).toBeCloseTo(1, 10);
  expect(driftOf(reference, current, { method: 'ks' })).toMatchObject({ unknown: 'method-needs-numbers' });
});

test('small samples, with and without ties', () => {
  const x = [38.7, 41.5, 43.8, 44.5, 45.5, 46, 47.7, 58];
  const y = [39.2, 39.3, 39.7, 41.4, 41.8, 42.9, 43.3, 45.8];
  const { statistic, pValue } = kolmogorovSmirnovTest(x, y);
  expect(statistic).toBe(0.625);
  expect(pValue).toBeCloseTo(0.08702408702408701, 12);
  expect(wassersteinDistance(x, y)).toBeCloseTo(4.1625, 12);
  const [t, u] = [
    [1, 1, 2, 2, 3, 4, 5],
    [2, 2, 3, 3, 3, 6],
  ] as const;
  const tied = kolmogorovSmirnovTest(t, u);
  expect(tied.statistic).toBeCloseTo(0.2857142857142857, 12);
  expect(tied.pValue).toBeCloseTo(0.8717948717948717, 12);
  expect(wassersteinDistance(t, u)).toBeCloseTo(0.8333333333333331, 12);
  // Two shares: the z-test of two proportions, z −2.15267272, p 0.03134441.
  const shares = chiSquareTest([300, 700], [345, 655]);
  expect(Math.sqrt(shares.statistic)).toBeCloseTo(2.1526727174306766, 10);
  expect(shares.pValue).toBeCloseTo(0.031344409123270855, 12);
});

test('tails of distributions', () => {
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963984540054, 12);
  expect(normalCumulative(-10) / 7.61985302416047e-24).toBeCloseTo(1, 9);
  expect(kolmogorovTail(1.36)).toBeCloseTo(0.049486, 5);
  expect(kolmogorovTail(0)).toBe(1);
  // What is too small for a number is none, not an error.
  expect([kolmogorovTail(40), normalCumulative(-60), chiSquareTail(2500, 3)]).toEqual([0, 0, 0]);
  expect(chiSquareTail(9.99, 999)).toBe(1);
  // The approximation agrees with the exact p at the switch between the two.
  const exact = kolmogorovSmirnovP(0.04, 2000, 2000);
  const limit = kolmogorovSmirnovP(0.04, 2000, 2001);
  expect([exact.method, limit.method]).toEqual(['exact', 'asymptotic']);
  expect(Math.abs(limit.pValue / exact.pValue - 1)).toBeLessThan(0.05);
});

describe('the method that fits', () => {
  const numbers = (count: number, different: number) =>
    summarizeNumbers(
      Array.from({ length: count }, (_, i) => i % different),
      Array.from({ length: Math.min(different, 100) - 1 }, (_, i) => i),
      'values',
    );
  test.each([
    [1000, 4, 'chi_square'],
    [1000, 500, 'ks'],
    [1001, 4, 'js_distance_ln'],
    [1001, 500, 'wasserstein_normed'],
  ])('%i numbers of %i values: %s', (count, different, method) => {
    const column = numbers(count, different);
    expect(chooseMethod(column, column).method).toBe(method);
  });

  test.each([
    [900, 'chi_square'],
    [2000, 'js_distance_ln'],
  ])('%i values: %s', (count, method) => {
    const column = summarizeCategories(Array.from({ length: count }, (_, i) => `${i % 7}`));
    expect(drift(driftOf(column, column))).toMatchObject({ method, drifted: false });
  });
});

describe('an impossible comparison is never “passing”', () => {
  const numbers = summarizeNumbers([1, 2, 3], [1, 2]);
  const none = summarizeNumbers([null, Number.NaN, Infinity], [1, 2]);
  test.each([
    ['no values', numbers, none, 'no-values'],
    ['no values in the baseline', none, numbers, 'no-baseline-values'],
    ['another type', numbers, summarizeCategories(['a']), 'type-changed'],
    ['other edges', numbers, summarizeNumbers([1], [1.5]), 'bins-differ'],
  ])('%s', (_name, reference, current, unknown) => {
    expect(driftOf(reference, current)).toMatchObject({ unknown });
  });

  test('a distance in the unit of the column has no default threshold', () => {
    const reported = drift(driftOf(numbers, numbers, { method: 'wasserstein' }));
    expect(reported).toEqual({ method: 'wasserstein', value: 0, reason: 'named' });
    expect(driftOf(numbers, numbers, { method: 'wasserstein', threshold: 2 })).toMatchObject({ drifted: false });
  });
});

test('whole numbers and single values keep their distance in bins', () => {
  const zeros = Array.from({ length: 2000 }, (_, i) => i % 3);
  const ones = zeros.map((value) => value + 1);
  for (const lattice of ['whole', 'values'] as const) {
    const [r, c] = [summarizeNumbers(zeros, [0, 1, 2], lattice), summarizeNumbers(ones, [0, 1, 2], lattice)];
    expect(wassersteinOfBins(r, c)).toBeCloseTo(1, 12);
  }
  // Edges between integers, as from a t-digest.
  const between = [0.2, 0.9, 1.5];
  const [low, high] = [summarizeNumbers(zeros, between, 'whole'), summarizeNumbers(ones, between, 'whole')];
  expect(wassersteinOfBins(low, high)).toBeCloseTo(1, 12);
  // An outlier weighs what it is.
  const normals = normal(0, 1, 5000);
  const edges = quantileEdges(normals, 100);
  const far = [...normals.slice(1), 1e6];
  expect(wassersteinOfBins(summarizeNumbers(normals, edges), summarizeNumbers(far, edges)) / (1e6 / 5000)).toBeCloseTo(
    1,
    1,
  );
  // Values in a gap of the baseline.
  const apart = [...normal(-50, 1), ...normal(50, 1)];
  const filled = withoutGaps(quantileEdges(apart, 100));
  const [sides, middle] = [summarizeNumbers(apart, filled), summarizeNumbers(normal(0, 1), filled)];
  expect(wassersteinOfBins(sides, middle) / wassersteinDistance(apart, normal(0, 1))).toBeCloseTo(1, 1);
  // All of a constant moved.
  const constant = summarizeNumbers(
    Array.from({ length: 1500 }, () => 7),
    [7],
  );
  const moved = summarizeNumbers(
    Array.from({ length: 1500 }, () => 12),
    [7],
  );
  expect(wassersteinOfBins(constant, moved)).toBeCloseTo(5, 12);
});

const counts = fc
  .array(fc.tuple(fc.nat(1000), fc.nat(1000)), { minLength: 1, maxLength: 30 })
  .filter((pairs) => pairs.some(([a]) => a > 0) && pairs.some(([, b]) => b > 0))
  .map((pairs) => [pairs.map(([a]) => a), pairs.map(([, b]) => b)] as const);

describe('properties of distances', () => {
  const bounded = [
    ['js_distance_ln', jsDistanceLn, Math.sqrt(Math.LN2)],
    ['js_distance_log2', jsDistanceLog2, 1],
    ['jsd_log2', jsdLog2, 1],
    ['hellinger', hellinger, 1],
    ['total_variation', totalVariation, 1],
    ['l_infinity', lInfinity, 1],
    ['ks', ksStatistic, 1],
    ['psi', psi, Infinity],
  ] as const;
  test.each(bounded)('%s: zero to itself, symmetric, within its bounds', (_name, distance, most) => {
    fc.assert(
      fc.property(counts, ([one, other]) => {
        expect(distance(one, one)).toBeLessThan(1e-7);
        expect(distance(one, other)).toBeCloseTo(distance(other, one), 10);
        expect(distance(one, other)).toBeGreaterThanOrEqual(0);
        expect(distance(one, other)).toBeLessThanOrEqual(most + 1e-12);
      }),
    );
  });

  test('Hellinger² ≤ total variation ≤ √2 Hellinger; the chi-square p is 1 of the same counts', () => {
    fc.assert(
      fc.property(counts, ([one, other]) => {
        const [h, t] = [hellinger(one, other), totalVariation(one, other)];
        expect(h * h).toBeLessThanOrEqual(t + 1e-9);
        expect(t).toBeLessThanOrEqual(Math.SQRT2 * h + 1e-9);
        expect(chiSquareTest(one, one).pValue).toBeGreaterThan(0.999999);
        const { pValue } = chiSquareTest(one, other);
        expect(pValue).toBeGreaterThanOrEqual(0);
        expect(pValue).toBeLessThanOrEqual(1);
      }),
    );
  });
});

const sample = fc
  .array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 })
  .map((values) => values.toSorted((a, b) => a - b));

test('samples: KS and Wasserstein to themselves are zero, symmetric, and change by a common shift', () => {
  fc.assert(
    fc.property(sample, sample, fc.integer({ min: -1000, max: 1000 }), (one, other, by) => {
      expect(kolmogorovSmirnovTest(one, one)).toMatchObject({ statistic: 0, pValue: 1 });
      const [there, back] = [kolmogorovSmirnovTest(one, other), kolmogorovSmirnovTest(other, one)];
      expect(there.statistic).toBeCloseTo(back.statistic, 12);
      expect(there.pValue).toBeCloseTo(back.pValue, 9);
      expect(there.pValue).toBeLessThanOrEqual(1);
      expect(wassersteinDistance(one, one)).toBe(0);
      expect(wassersteinDistance(one, other)).toBeCloseTo(wassersteinDistance(other, one), 5);
      expect(
        wassersteinDistance(
          one,
          one.map((value) => value + by),
        ),
      ).toBeCloseTo(Math.abs(by), 5);
    }),
  );
});

test('bins never return a larger KS than the values, and differ at most by the largest bin', () => {
  fc.assert(
    fc.property(sample, sample, (one, other) => {
      const edges = quantileEdges(one, 10);
      const [r, c] = [countInBins(one, edges).counts, countInBins(other, edges).counts];
      const exact = kolmogorovSmirnovTest(one, other).statistic;
      const reported = ksStatistic(r, c);
      const widest = Math.max(...r.map((count, i) => Math.max(count / one.length, (c[i] ?? 0) / other.length)));
      expect(reported).toBeLessThanOrEqual(exact + 1e-12);
      expect(exact - reported).toBeLessThanOrEqual(widest + 1e-12);
    }),
  );
});

test('every method of every pair of columns: finite, and no drift to itself', () => {
  fc.assert(
    fc.property(sample, sample, fc.boolean(), (one, other, kept) => {
      const edges = quantileEdges(one, 100);
      const [r, c] = [summarizeNumbers(one, edges), summarizeNumbers(other, edges)].map((summary) =>
        kept ? summary : binned(summary),
      );
      if (r === undefined || c === undefined) throw new Error('no summaries');
      for (const method of DRIFT_METHODS) {
        const reported = drift(driftOf(r, c, { method }));
        expect(Number.isFinite(reported.value)).toBe(true);
        expect(reported.pValue === undefined).toBe(!isTest(method));
        expect(drift(driftOf(r, r, { method, threshold: isTest(method) ? 0.05 : 0.1 })).drifted).toBe(false);
      }
    }),
  );
});

describe('many p-values', () => {
  const reported = [0.01, 0.04, 0.03, 0.005, 0.8];
  test.each([
    ['none', reported],
    ['bonferroni', [0.05, 0.2, 0.15, 0.025, 1]],
    ['holm', [0.04, 0.09, 0.09, 0.025, 0.8]],
    ['benjamini-hochberg', [0.025, 0.05, 0.05, 0.025, 0.8]],
  ] as const)('%s', (correction, expected) => {
    for (const [i, p] of adjustPValues(reported, correction).entries()) expect(p).toBeCloseTo(expected[i] ?? -1, 12);
  });

  test('adjusted p-values are never smaller, keep the order, and Bonferroni ≥ Holm ≥ Benjamini-Hochberg', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }), (ps) => {
        const [bonferroni, holm, fdr] = (['bonferroni', 'holm', 'benjamini-hochberg'] as const).map((one) =>
          adjustPValues(ps, one),
        );
        for (const [i, p] of ps.entries()) {
          const [b, h, f] = [bonferroni?.[i] ?? -1, holm?.[i] ?? -1, fdr?.[i] ?? -1];
          expect(b).toBeGreaterThanOrEqual(h);
          expect(h).toBeGreaterThanOrEqual(f - 1e-15);
          expect(f).toBeGreaterThanOrEqual(p - 1e-15);
          const larger = ps.flatMap((q, j) => (p < q ? [holm?.[j] ?? -1] : []));
          expect(larger.every((one) => h <= one)).toBe(true);
        }
      }),
    );
  });
});
