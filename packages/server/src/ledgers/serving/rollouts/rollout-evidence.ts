/**
 * Evidence for and against the new version of a rollout, from the counters of both versions in the same intervals.
 *
 * The gateway assigns requests to versions at random. If the versions do not differ, the failed and the slow requests of an
 * interval are therefore a random draw for each version, whatever happened in the interval. Five tests share the
 * false-alarm rate of a rollout, and each fails a version only when its evidence reaches 1/α; see
 * `lib/statistics/sequential-comparison.ts` for the formulas. Everything here is a pure function of the recorded
 * intervals, so `serving.rollout_interval` reproduces each decision.
 */
import { latencyBoundMs, LATENCY_GRID } from '@dais/api/gateway';
import type { EndpointSpec, RolloutAnalysis, RolloutCheck } from '@dais/api/serving';
import {
  hypergeometricExcess,
  logMean,
  logOddsEvidence,
  logShareEvidence,
  normalMixtureBound,
  type StratumTable,
} from '#lib/statistics/sequential-comparison.ts';
import type { Counters } from '../fleet/counters.ts';
import { quantile, summarizeCounters } from '../publishing/gateway-counters.ts';

type RolloutSpec = EndpointSpec['rollout'];
/** The settings that the evidence depends on. A rollout keeps those of its first interval. */
export type EvidenceSettings = Pick<RolloutSpec, 'falseAlarmRate' | 'errorShare' | 'latencyRatio' | 'latencyMs'>;

/** Counts of both versions in one interval. */
export interface RolloutInterval {
  /** Traffic of the new version in percent. At 100 there is no comparison. */
  readonly weight: number;
  readonly stable: Counters;
  readonly canary: Counters;
}

/** The sums over all intervals of a rollout. Evidence is stored as logarithms, one for each bet. */
export interface RolloutEvidence {
  readonly settings: EvidenceSettings;
  /** All intervals, including those at full traffic. */
  readonly intervals: number;
  /** Totals of the intervals in which both versions served requests. */
  readonly stable: Counters;
  readonly canary: Counters;
  readonly errors: {
    readonly logs: readonly number[];
    /** Σ (x − E[x]) and Σ n₁n₂/n: their ratio is the Mantel–Haenszel difference of the error rates. */
    readonly excess: number;
    readonly weight: number;
    /** Factors of the variances of both error rates in the variance of `excess`. */
    readonly stableFactor: number;
    readonly canaryFactor: number;
    /** Failures of the stable version without the peaks of error bursts. */
    readonly usualFailures: number;
  };
  readonly latency: {
    readonly logs: readonly number[];
    /** Per factor of `SHIFTS`: the test of “the new version takes this factor as long”. */
    readonly excess: readonly number[];
    readonly variance: readonly number[];
  };
  readonly tail: { readonly logs: readonly number[] };
  /** At 100 % of the traffic, against fixed limits. */
  readonly full: {
    readonly errorLogs: readonly number[];
    readonly latencyLogs: readonly number[];
    readonly requests: number;
    readonly failed: number;
    readonly intervals: number;
    readonly slowIntervals: number;
  };
}

/** The part of the false-alarm rate that each test has. Together 1. */
const PARTS = {
  errors: 0.5,
  latency: 0.2,
  tailLatency: 0.1,
  errorsAtFullTraffic: 0.1,
  latencyAtFullTraffic: 0.1,
} as const satisfies Record<RolloutCheck['check'], number>;

/** Bets on the increase of the error rate, as multiples of the smallest relevant one. */
const ERROR_BETS = [2, 20];
/** Most evidence is needed for small increases. The mean is 1. */
const ERROR_STAKES = [1.7, 0.3];
/** The least increase that bets are made on: `errorShare` may be 0. */
const LEAST_INCREASE = 0.0005;
/** Bets on the odds that a request of the new version is in the slower half of its interval. */
const LATENCY_BETS = [1.25, 1.6, 2.2, 3.5, 8, 30];
/** Bets on the odds that it is among the slowest of its interval. */
const TAIL_BETS = [2, 5, 20];
/** The slowest part of an interval. */
const TAIL_SHARE = 0.05;
/** Buckets of `LATENCY_GRID` by which latencies of the stable version are shifted: factors from 0.5 to 8. */
const SHIFTS = Array.from({ length: 33 }, (_, at) => at - 8);
const UNSHIFTED = 8;
/** Weight, in requests, of the usual error rate in the one that an interval is expected to have. */
const PRIOR_REQUESTS = 1000;
/** Part of the requests of an interval up to which failures count as usual. */
const USUAL_SHARE = 0.01;
/** At full traffic a burst of errors cannot be told from a failing version, so the limit is wide. */
const FULL_TRAFFIC_INCREASE = 0.2;
/** At full traffic at most this part of the intervals may exceed the limit of the p99 latency. */
const SLOW_INTERVALS = 0.2;
/** Variances near which the intervals are tightest, divided by 15: 200 slow, 7 failed requests. */
const LATENCY_RHO = 13;
const ERROR_RHO = 0.5;
const LARGEST_EVIDENCE = 1e9;

const NO_REQUESTS: Counters = { requests: 0, failed: 0, latency: [] };

export function settingsOf({ falseAlarmRate, errorShare, latencyRatio, latencyMs }: RolloutSpec): EvidenceSettings {
  return { falseAlarmRate, errorShare, latencyRatio, latencyMs };
}

function emptyEvidence(settings: EvidenceSettings): RolloutEvidence {
  const zeros = (count: number) => Array.from({ length: count }, () => 0);
  return {
    settings,
    intervals: 0,
    stable: NO_REQUESTS,
    canary: NO_REQUESTS,
    errors: {
      logs: ERROR_STAKES.map((stake) => Math.log(stake)),
      excess: 0,
      weight: 0,
      stableFactor: 0,
      canaryFactor: 0,
      usualFailures: 0,
    },
    latency: { logs: zeros(LATENCY_BETS.length), excess: zeros(SHIFTS.length), variance: zeros(SHIFTS.length) },
    tail: { logs: zeros(TAIL_BETS.length) },
    full: {
      errorLogs: zeros(FULL_BETS),
      latencyLogs: zeros(FULL_BETS),
      requests: 0,
      failed: 0,
      intervals: 0,
      slowIntervals: 0,
    },
  };
}

/** Returns the evidence after one more interval. Pure. */
export function addInterval(
  settings: EvidenceSettings,
  before: RolloutEvidence | undefined,
  interval: RolloutInterval,
): RolloutEvidence {
  const evidence = before ?? emptyEvidence(settings);
  const counted = { ...evidence, intervals: evidence.intervals + 1 };
  const { stable, canary, weight } = interval;
  if (weight >= 100) return canary.requests === 0 ? counted : { ...counted, full: addFullTraffic(evidence, canary) };
  if (stable.requests === 0 || canary.requests === 0) return counted;
  const latency = slowRequests(interval);
  return {
    ...counted,
    stable: addCounters(evidence.stable, stable),
    canary: addCounters(evidence.canary, canary),
    errors: addErrors(evidence, interval),
    latency: addLatency(evidence.latency, latency),
    tail: { logs: addBets(evidence.tail.logs, latency.slowest(tailShift(evidence.settings)), TAIL_BETS) },
  };
}

function addErrors({ settings, errors, stable: total }: RolloutEvidence, { stable, canary }: RolloutInterval) {
  const both = stable.requests + canary.requests;
  const events = stable.failed + canary.failed;
  const table = { first: canary.requests, both, firstEvents: canary.failed, events };
  // A burst of errors that both versions have raises the expected rate, so that the bets are small then.
  const usual = (errors.usualFailures + 1) / (total.requests + PRIOR_REQUESTS);
  const expected = (usual * PRIOR_REQUESTS + events) / (PRIOR_REQUESTS + both);
  const odds = (share: number) => share / (1 - share);
  const increase = Math.max(LEAST_INCREASE, settings.errorShare);
  const bets = ERROR_BETS.map(
    (times) => odds(Math.min(0.99, expected + times * increase)) / odds(Math.min(0.9, expected)),
  );
  return {
    logs: addBets(errors.logs, table, bets),
    excess: errors.excess + hypergeometricExcess(table).excess,
    weight: errors.weight + (stable.requests * canary.requests) / both,
    stableFactor: errors.stableFactor + (canary.requests ** 2 * stable.requests) / both ** 2,
    canaryFactor: errors.canaryFactor + (stable.requests ** 2 * canary.requests) / both ** 2,
    usualFailures: errors.usualFailures + Math.min(stable.failed, Math.max(1, USUAL_SHARE * stable.requests)),
  };
}

function addLatency(before: RolloutEvidence['latency'], latency: ReturnType<typeof slowRequests>) {
  const tables = SHIFTS.map((shift) => latency.slowerHalf(shift));
  const excesses = tables.map(hypergeometricExcess);
  return {
    logs: addBets(before.logs, tables[UNSHIFTED] as StratumTable, LATENCY_BETS),
    excess: before.excess.map((sum, at) => sum + (excesses[at]?.excess ?? 0)),
    variance: before.variance.map((sum, at) => sum + (excesses[at]?.variance ?? 0)),
  };
}

function addBets(logs: readonly number[], table: StratumTable, odds: readonly number[]): readonly number[] {
  return logs.map((log, at) => log + logOddsEvidence(table, odds[at] ?? 1));
}

/**
 * Divides the requests of an interval into slow and other ones at a bucket that only the latencies of both versions together
 * determine, after those of the stable version were shifted by some buckets.
 */
function slowRequests({ stable, canary }: RolloutInterval) {
  const [above, aboveOfCanary] = [countsAbove(stable.latency), countsAbove(canary.latency)];
  const last = LATENCY_GRID.buckets - 1;
  const [first, both] = [aboveOfCanary[0] ?? 0, (above[0] ?? 0) + (aboveOfCanary[0] ?? 0)];
  /** Requests in the buckets from `bucket` on. */
  const events = (bucket: number, shift: number) => (aboveOfCanary[bucket] ?? 0) + (above[bucket - shift] ?? 0);
  /** The first bucket with at most `most` requests from it on. */
  const divide = (shift: number, most: number) => {
    let [low, high] = [Math.max(1, 1 + shift), Math.min(last, last + shift) + 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (events(middle, shift) <= most) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const tableAt = (bucket: number, shift: number): StratumTable => {
    const isWithin = bucket >= Math.max(1, 1 + shift) && bucket <= Math.min(last, last + shift);
    if (!isWithin) return { first, both, firstEvents: 0, events: 0 };
    return { first, both, firstEvents: aboveOfCanary[bucket] ?? 0, events: events(bucket, shift) };
  };
  return {
    slowerHalf: (shift: number): StratumTable => {
      const bucket = divide(shift, both / 2);
      const [low, high] = [tableAt(bucket - 1, shift), tableAt(bucket, shift)];
      return low.events * (both - low.events) > high.events * (both - high.events) ? low : high;
    },
    slowest: (shift: number): StratumTable => tableAt(divide(shift, Math.max(1, both * TAIL_SHARE)), shift),
  };
}

/** For each bucket: the requests in it and in all higher ones. */
function countsAbove(latency: readonly number[]): readonly number[] {
  const above = Array.from({ length: LATENCY_GRID.buckets + 1 }, () => 0);
  for (let at = LATENCY_GRID.buckets - 1; at >= 0; at -= 1) above[at] = (above[at + 1] ?? 0) + (latency[at] ?? 0);
  return above;
}

/** The buckets of the multiple of the p99 latency that is permitted. */
function tailShift({ latencyRatio }: EvidenceSettings): number {
  return Math.min(LATENCY_GRID.buckets, Math.ceil(LATENCY_GRID.perDoubling * Math.log2(latencyRatio) - 1e-9));
}

const FULL_BETS = 8;
/** Bets on probabilities evenly above `limit`. */
const betsAbove = (limit: number) =>
  Array.from({ length: FULL_BETS }, (_, at) => limit + ((1 - limit) * (at + 0.5)) / FULL_BETS);

function addFullTraffic({ settings, stable, full }: RolloutEvidence, canary: Counters): RolloutEvidence['full'] {
  const limit = fullTrafficErrorLimit(settings, stable);
  const isSlow = exceedsLatency(canary, tailLimitMs(settings, stable));
  const failureBets = limit < 1 ? betsAbove(limit) : [];
  return {
    errorLogs: full.errorLogs.map((log, at) => {
      const bet = failureBets[at];
      return bet === undefined ? log : log + logShareEvidence(canary.failed, canary.requests, limit, bet);
    }),
    latencyLogs: full.latencyLogs.map(
      (log, at) => log + logShareEvidence(isSlow ? 1 : 0, 1, SLOW_INTERVALS, betsAbove(SLOW_INTERVALS)[at] ?? 0.5),
    ),
    requests: full.requests + canary.requests,
    failed: full.failed + canary.failed,
    intervals: full.intervals + 1,
    slowIntervals: full.slowIntervals + (isSlow ? 1 : 0),
  };
}

const errorRate = ({ requests, failed }: Counters) => (requests === 0 ? 0 : failed / requests);

function fullTrafficErrorLimit({ errorShare }: Pick<EvidenceSettings, 'errorShare'>, stable: Counters): number {
  return errorRate(stable) + Math.max(errorShare, FULL_TRAFFIC_INCREASE);
}

/** Undefined: the stable version has no latency to compare with. */
function tailLimitMs(
  { latencyMs, latencyRatio }: Pick<EvidenceSettings, 'latencyMs' | 'latencyRatio'>,
  stable: Counters,
): number | undefined {
  const p99 = quantile(stable.latency, 0.99);
  return p99 === null ? undefined : Math.max(latencyMs, latencyRatio * p99);
}

/** More than 1 % of the requests, and never a single one, took longer than the limit. */
function exceedsLatency({ latency }: Counters, limitMs: number | undefined): boolean {
  if (limitMs === undefined) return false;
  const total = latency.reduce((sum, one) => sum + one, 0);
  const slow = latency.reduce((sum, one, at) => (at > 0 && latencyBoundMs(at - 1) >= limitMs ? sum + one : sum), 0);
  return slow >= 2 && slow > total / 100;
}

function addCounters(one: Counters, other: Counters): Counters {
  const length = Math.max(one.latency.length, other.latency.length);
  return {
    requests: one.requests + other.requests,
    failed: one.failed + other.failed,
    latency: Array.from({ length }, (_, at) => (one.latency[at] ?? 0) + (other.latency[at] ?? 0)),
  };
}

/** Returns estimates, intervals and the status of each test. `spec`: the current limits. */
export function analyzeEvidence(spec: RolloutSpec, evidence: RolloutEvidence): RolloutAnalysis {
  const { settings, stable, canary, errors, latency, tail, full } = evidence;
  const isComparable = canary.requests >= spec.minimumRequests;
  const check = (
    name: RolloutCheck['check'],
    logs: readonly number[],
    isRelevant: boolean,
    values: Pick<RolloutCheck, 'estimate' | 'low' | 'high' | 'limit'>,
    isKnown: boolean,
  ): RolloutCheck => {
    const alpha = PARTS[name] * settings.falseAlarmRate;
    const value = Math.exp(Math.min(logMean(logs), Math.log(LARGEST_EVIDENCE)));
    const isProven = value >= 1 / alpha;
    const status = isProven && isRelevant ? 'failing' : isKnown ? 'passing' : 'unknown';
    return { check: name, status, ...values, alpha, evidence: significant(value), threshold: significant(1 / alpha) };
  };
  const alphaOf = (name: RolloutCheck['check']) => PARTS[name] * settings.falseAlarmRate;
  const difference = errorDifference(errors, stable, canary, alphaOf('errors'));
  const factor = latencyFactor(latency, alphaOf('latency'));
  const [p99, p99Before] = [quantile(canary.latency, 0.99), quantile(stable.latency, 0.99)];
  const limitMs = tailLimitMs(spec, stable);
  const isTailSlow = p99 !== null && limitMs !== undefined && p99 > limitMs;
  const isAboveFloor = p99 !== null && p99 > spec.latencyMs;
  const isSlower = factor.estimate !== null && factor.estimate >= 1 + spec.slowdown;
  const isKnown = stable.requests > 0;
  const comparisons = [
    check(
      'errors',
      errors.logs,
      difference.estimate !== null && difference.estimate >= spec.errorShare,
      { ...difference, limit: spec.errorShare },
      isKnown,
    ),
    check(
      'latency',
      latency.logs,
      isComparable && isAboveFloor && isSlower,
      { ...factor, limit: significant(1 + spec.slowdown) },
      isKnown,
    ),
    check(
      'tailLatency',
      tail.logs,
      isComparable && isTailSlow,
      { estimate: ratio(p99, p99Before), low: null, high: null, limit: spec.latencyRatio },
      isKnown,
    ),
  ];
  const atFullTraffic = [
    check(
      'errorsAtFullTraffic',
      full.errorLogs,
      true,
      {
        estimate: significant(full.failed / full.requests),
        low: null,
        high: null,
        limit: significant(fullTrafficErrorLimit(spec, stable)),
      },
      true,
    ),
    check(
      'latencyAtFullTraffic',
      full.latencyLogs,
      limitMs !== undefined,
      {
        estimate: significant(full.slowIntervals / full.intervals),
        low: null,
        high: null,
        limit: SLOW_INTERVALS,
      },
      limitMs !== undefined,
    ),
  ];
  return {
    falseAlarmRate: settings.falseAlarmRate,
    intervals: evidence.intervals,
    stable: summarizeCounters(stable),
    canary: summarizeCounters(canary),
    checks: full.intervals === 0 ? comparisons : [...comparisons, ...atFullTraffic],
  };
}

/** The difference of the error rates by Mantel and Haenszel (Greenland and Robins, Biometrics 41, 1985). */
function errorDifference(errors: RolloutEvidence['errors'], stable: Counters, canary: Counters, alpha: number) {
  if (errors.weight === 0) return { estimate: null, low: null, high: null };
  // One more success and failure (Agresti and Caffo, The American Statistician 54, 2000): no failures have a variance too.
  const variance = ({ requests, failed }: Counters) => {
    const share = (failed + 1) / (requests + 2);
    return share * (1 - share);
  };
  const total = errors.stableFactor * variance(stable) + errors.canaryFactor * variance(canary);
  const half = normalMixtureBound(total, alpha, ERROR_RHO) / errors.weight;
  const estimate = errors.excess / errors.weight;
  const [low, high] = [Math.max(-1, estimate - half), Math.min(1, estimate + half)];
  return { estimate: significant(estimate), low: significant(low), high: significant(high) };
}

/**
 * The factor by which typical latencies of the new version differ: the one at which the shifted latencies of the stable
 * version divide evenly (Hodges and Lehmann, Ann. Math. Stat. 34, 1963), and the factors that the same test does not reject.
 */
function latencyFactor({ excess, variance }: RolloutEvidence['latency'], alpha: number) {
  const bounds = variance.map((one) => normalMixtureBound(one, alpha, LATENCY_RHO));
  const factorAt = (position: number) => significant(2 ** (position / LATENCY_GRID.perDoubling));
  const [least, largest] = [factorAt(SHIFTS[0] ?? 0), factorAt(SHIFTS.at(-1) ?? 0)];
  /** `below`, `beyond`: if the values cross zero below or beyond the factors. */
  const crossing = (values: readonly number[], below: number | null, beyond: number | null): number | null => {
    const at = values.findIndex((value) => value <= 0);
    if (at === -1) return beyond;
    if (at === 0) return below;
    const [last, next] = [values[at - 1] ?? 0, values[at] ?? 0];
    return factorAt((SHIFTS[at] ?? 0) + next / (last - next));
  };
  if (variance.every((one) => one === 0)) return { estimate: null, low: null, high: null };
  return {
    estimate: crossing(excess, least, largest),
    low: crossing(
      excess.map((value, at) => value - (bounds[at] ?? 0)),
      null,
      largest,
    ),
    high: crossing(
      excess.map((value, at) => value + (bounds[at] ?? 0)),
      least,
      null,
    ),
  };
}

const ratio = (one: number | null, other: number | null) =>
  one === null || other === null || other === 0 ? null : significant(one / other);
const significant = (value: number) => Number(value.toPrecision(4));
