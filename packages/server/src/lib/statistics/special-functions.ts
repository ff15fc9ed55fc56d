/**
 * Tails of distributions, by the Cephes library (Moshier, “Methods and Programs for Mathematical Functions”, 1989; as
 * compiled to WebAssembly by the package `cephes`). Each tail is computed separately, not as one minus the other, so
 * that a p-value of 1e-20 is exact.
 */
import { createRequire } from 'node:module';

/** What is used of it; its own types are out of reach of its `exports`. */
interface Cephes {
  chdtrc(degrees: number, x: number): number;
  ndtr(z: number): number;
  ndtri(share: number): number;
  kolmogorov(x: number): number;
  lgam(x: number): number;
}

/**
 * Values below e to this power are 0. Cephes treats them as an error and throws through its WebAssembly, which would
 * corrupt its stack: so it is not called.
 */
const LEAST_EXPONENT = -700;
const MOST_DEVIATIONS = 37;

let loaded: Cephes | undefined;

/** Loaded with the first p-value: 30 ms. Its CommonJS form is ready when it is there; the other one would have to be awaited. */
function cephes(): Cephes {
  if (loaded === undefined) {
    const require = createRequire(import.meta.url);
    loaded = require('cephes') as Cephes;
  }
  return loaded;
}

/** P(X > `statistic`) of a chi-square distribution with `degrees` of freedom: Γ(k/2, x/2) / Γ(k/2). 1 where there is no freedom. */
export function chiSquareTail(statistic: number, degrees: number): number {
  if (degrees <= 0 || statistic <= 0) return 1;
  const [a, x] = [degrees / 2, statistic / 2];
  // So far from the middle that one tail is 0 and the other 1.
  if (a * Math.log(x) - x - cephes().lgam(a) < LEAST_EXPONENT) return x > a ? 0 : 1;
  return cephes().chdtrc(degrees, statistic);
}

/** P(X ≤ `z`) of the standard normal distribution. */
export function normalCumulative(z: number): number {
  if (z < -MOST_DEVIATIONS) return 0;
  return z > MOST_DEVIATIONS ? 1 : cephes().ndtr(z);
}

/** The `z` with P(X ≤ z) = `share`, of the standard normal distribution; `share` between 0 and 1. */
export function normalQuantile(share: number): number {
  return cephes().ndtri(share);
}

/** P(K > `x`) of Kolmogorov's distribution, 2 Σ (−1)^(k−1) e^(−2k²x²): the limit of √n D. Smirnov 1948. */
export function kolmogorovTail(x: number): number {
  if (x <= 0) return 1;
  if (-2 * x * x < LEAST_EXPONENT) return 0;
  return Math.min(1, Math.max(0, cephes().kolmogorov(x)));
}

/** log Γ(`x`), for positive `x`. */
export function logGamma(x: number): number {
  return cephes().lgam(x);
}

/** How many standard deviations of a normal distribution hold `confidence` of it: 0.95 → 1.96. */
export function deviationsOf(confidence: number): number {
  return normalQuantile((1 + confidence) / 2);
}
