import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  hypergeometricExcess,
  logMean,
  logOddsEvidence,
  logShareEvidence,
  normalMixtureBound,
} from './sequential-comparison.ts';

const table = (first: number, both: number, firstEvents: number, events: number) => ({
  first,
  both,
  firstEvents,
  events,
});

// SciPy 1.17: nchypergeom_fisher.logpmf(x, both, events, first, odds) - hypergeom.logpmf(x, both, events, first).
test.each([
  [table(5, 505, 5, 5), 30, 15.8373892929],
  [table(200, 2000, 7, 20), 3, 4.0674817758],
  [table(6000, 60_000, 3100, 30_000), 1.5, -69.875404065],
  [table(50, 100, 30, 50), 2.2, 1.9925336734],
  [table(1, 10, 0, 1), 10, -0.6418538862],
  [table(40, 50, 9, 12), 1.6, -0.43761082],
  [table(9, 10, 8, 8), 5, 1.0216512475],
])('the evidence of %o for odds of %d is that of SciPy', (stratum, odds, expected) => {
  expect(logOddsEvidence(stratum, odds)).toBeCloseTo(expected, 8);
});

function binomial(n: number, k: number): bigint {
  if (k < 0 || k > n) return 0n;
  let product = 1n;
  for (let at = 0; at < k; at += 1) product = (product * BigInt(n - at)) / BigInt(at + 1);
  return product;
}

test('the expectation of the evidence is 1 without a difference, and below 1 if the first group has fewer events', () => {
  const small = fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 30 }), fc.nat(60));
  fc.assert(
    fc.property(small, fc.constantFrom(1.25, 2, 20, 500), ([first, second, drawn], odds) => {
      const both = first + second;
      const events = Math.min(drawn, both);
      const expectation = (truth: number) => {
        const weights = Array.from({ length: events + 1 }, (_, k) => {
          const ways = binomial(first, k) * binomial(second, events - k);
          return Number(ways) * truth ** k;
        });
        const total = weights.reduce((sum, one) => sum + one, 0);
        return weights.reduce(
          (sum, one, k) =>
            one === 0 ? sum : sum + (one / total) * Math.exp(logOddsEvidence(table(first, both, k, events), odds)),
          0,
        );
      };
      expect(expectation(1)).toBeCloseTo(1, 7);
      expect(expectation(0.5)).toBeLessThan(1 + 1e-7);
    }),
  );
});

test('excess and variance are those of the hypergeometric distribution', () => {
  // SciPy 1.17: hypergeom(2000, 20, 200): mean 2, var 1.7828914457.
  const { excess, variance } = hypergeometricExcess(table(200, 2000, 7, 20));
  expect(excess).toBeCloseTo(5, 12);
  expect(variance).toBeCloseTo(1.782_891_445_7, 9);
  expect(hypergeometricExcess(table(1, 1, 1, 1))).toEqual({ excess: 0, variance: 0 });
});

test('the evidence of a share, and the mean of evidence', () => {
  // (0.5 / 0.2)^4 (0.5 / 0.8)^1
  expect(Math.exp(logShareEvidence(4, 5, 0.2, 0.5))).toBeCloseTo(24.414_062_5, 9);
  expect(Math.exp(logMean([Math.log(1), Math.log(3)]))).toBeCloseTo(2, 12);
  expect(logMean([-2000, -1000])).toBeCloseTo(-1000 - Math.LN2, 9);
  expect(logMean([-Infinity, -Infinity])).toBe(-Infinity);
});

test('the bound of a normal mixture', () => {
  // √(110 (log 11 + 2 log 20)), with V = 100, ρ = 10, α = 0.05.
  expect(normalMixtureBound(100, 0.05, 10)).toBeCloseTo(30.378_110_2, 6);
  expect(normalMixtureBound(0, 0.05, 10)).toBeCloseTo(Math.sqrt(20 * Math.log(20)), 9);
});
