/**
 * Sequential comparison of two groups that are observed in the same strata, for example in the same intervals of time.
 *
 * If the groups do not differ and membership is random within a stratum, then the number of events in the first group has a
 * hypergeometric distribution, given how many members and events the stratum has. That holds whatever the stratum did to
 * both groups. A likelihood ratio under this distribution is an e-value: its expectation is at most 1. The product over
 * strata is a test martingale, so it exceeds 1/α at any time with a probability of at most α (Ville 1939).
 * The likelihoods are the conditional ones of stratified 2×2 tables (Breslow and Day, “Statistical Methods in Cancer
 * Research”, vol. I, 1980, section 7.1); e-values: Grünwald, de Heide and Koolen, “Safe testing”, JRSS B 86, 2024.
 */
import { logGamma } from './special-functions.ts';

/** A stratum as a 2×2 table. */
export interface StratumTable {
  /** Members of the first group, and of both. */
  readonly first: number;
  readonly both: number;
  /** Events in the first group, and in both. */
  readonly firstEvents: number;
  readonly events: number;
}

/** Terms below this part of the largest one do not change a sum of doubles. */
const NEGLIGIBLE = 1e-17;

/**
 * Returns the logarithm of the likelihood ratio of `odds` against 1: ω^x / E[ω^X], where X is hypergeometric. `odds` is the
 * odds ratio of an event in the first group to one in the second (Fisher's noncentral hypergeometric distribution;
 * Fisher, JRSS 98, 1935). With `odds` > 1 the ratio is an e-value for the hypothesis that the true odds ratio is at most 1.
 */
export function logOddsEvidence({ first, both, firstEvents, events }: StratumTable, odds: number): number {
  const least = Math.max(0, events - (both - first));
  const largest = Math.min(first, events);
  if (least === largest) return 0;
  const mode = noncentralMode({ first, both, events }, odds, { least, largest });
  const ratio = (k: number) => (odds * (first - k) * (events - k)) / ((k + 1) * (both - first - events + k + 1));
  let sum = 1;
  for (let [k, term] = [mode, 1]; k < largest && term > NEGLIGIBLE; k += 1) {
    term *= ratio(k);
    sum += term;
  }
  for (let [k, term] = [mode, 1]; k > least && term > NEGLIGIBLE; k -= 1) {
    term /= ratio(k - 1);
    sum += term;
  }
  const logTerm =
    logBinomial(first, mode) + logBinomial(both - first, events - mode) - logBinomial(both, events) + Math.log(sum);
  return (firstEvents - mode) * Math.log(odds) - logTerm;
}

/** Solves ratio(k) = 1 (Liao and Rosen, The American Statistician 55, 2001). */
function noncentralMode(
  { first, both, events }: Pick<StratumTable, 'first' | 'both' | 'events'>,
  odds: number,
  { least, largest }: { readonly least: number; readonly largest: number },
): number {
  const a = odds - 1;
  const b = (first + events + 2) * odds + both - first - events;
  const c = odds * (first + 1) * (events + 1);
  const root = (2 * c) / (b + Math.sqrt(Math.max(0, b * b - 4 * a * c)));
  return Math.min(largest, Math.max(least, Math.floor(root)));
}

function logBinomial(n: number, k: number): number {
  return logGamma(n + 1) - logGamma(k + 1) - logGamma(n - k + 1);
}

/** Events of the first group beyond their expectation, and the variance of that number, if the groups do not differ. */
export function hypergeometricExcess({ first, both, firstEvents, events }: StratumTable): {
  readonly excess: number;
  readonly variance: number;
} {
  if (both < 2) return { excess: 0, variance: 0 };
  const share = first / both;
  const variance = (events * share * (1 - share) * (both - events)) / (both - 1);
  return { excess: firstEvents - events * share, variance };
}

/**
 * Returns the logarithm of the e-value of `hits` in `trials` for the hypothesis that the probability of a hit is at most
 * `limit`: the likelihood ratio of `probability`, which is above `limit`.
 */
export function logShareEvidence(hits: number, trials: number, limit: number, probability: number): number {
  return hits * Math.log(probability / limit) + (trials - hits) * Math.log((1 - probability) / (1 - limit));
}

/** Returns log Σ exp(x) / n: the mean of e-values is an e-value (the method of mixtures; Robbins, Ann. Math. Stat. 41, 1970). */
export function logMean(logs: readonly number[]): number {
  const largest = Math.max(...logs);
  if (largest === -Infinity) return -Infinity;
  return largest + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - largest), 0) / logs.length);
}

/**
 * Returns the bound that a sum of deviations with this total `variance` exceeds, in either direction and at any time, with
 * probability `alpha`: √((V+ρ)(log((V+ρ)/ρ) + 2 log(1/α))). The two-sided normal mixture of Howard, Ramdas, McAuliffe and
 * Sekhon (Ann. Statist. 49, 2021, eq. 14); for estimated variances it holds asymptotically (Waudby-Smith, Arbour, Sinha,
 * Kennedy and Ramdas, Ann. Statist. 52, 2024). It is tightest near the variance 10 ρ.
 */
export function normalMixtureBound(variance: number, alpha: number, rho: number): number {
  const widened = variance + rho;
  return Math.sqrt(widened * (Math.log(widened / rho) + 2 * Math.log(1 / alpha)));
}
