/**
 * Simulates the counts of rollouts for tests of their evaluation. Both versions have the same noise: latencies are
 * log-normal with a heavy tail, each interval has a factor of its own that depends on the previous one, some intervals have
 * a stall, and some a burst of errors.
 */
import { LATENCY_GRID } from '@dais/api/gateway';
import type { EndpointSpec, RolloutAnalysis } from '@dais/api/serving';
import { addInterval, analyzeEvidence, settingsOf, type RolloutEvidence } from '#ledgers/serving/index.ts';
import { multinomial } from '#lib/statistics/random.ts';
import { normalCumulative } from '#lib/statistics/special-functions.ts';
import { evaluateRollout } from './rollout-evaluation.ts';

export interface Scenario {
  /** Traffic of the new version, interval by interval; the last one continues. */
  readonly shares: readonly number[];
  /** Requests to the new version, after which the simulation ends. */
  readonly requests: number;
  /** Mean requests to the new version in an interval. */
  readonly perInterval: number;
  readonly medianMs: number;
  /** Standard deviation of the logarithm of most latencies. */
  readonly spread: number;
  readonly errorShare: number;
  readonly slowdown: number;
  readonly errorIncrease: number;
  /** Whether intervals have factors, stalls and bursts of their own. */
  readonly noise: boolean;
}

export interface SimulatedRollout {
  /** The test that failed; undefined: the version passed. */
  readonly failed: string | undefined;
  /** Requests to the new version until then. */
  readonly requests: number;
}

/** Points of the distribution per bucket. */
const FINE = 8;
const OCTAVES = 40;
const FIRST_OCTAVE = -20;
const POINTS = OCTAVES * LATENCY_GRID.perDoubling * FINE;
/** Requests of the heavy tail, and how much longer they take. */
const TAIL = { share: 0.03, factor: 6, spread: 1 };

/** Returns the share of latencies up to a multiple of the median, at 2^(i / 64 − 20). */
function cumulative(spread: number): readonly number[] {
  return Array.from({ length: POINTS }, (_, at) => {
    const log = (FIRST_OCTAVE + at / (LATENCY_GRID.perDoubling * FINE)) * Math.LN2;
    const tail = normalCumulative((log - Math.log(TAIL.factor)) / TAIL.spread);
    return (1 - TAIL.share) * normalCumulative(log / spread) + TAIL.share * tail;
  });
}

const distributions = new Map<number, readonly number[]>();

function distributionOf(spread: number): readonly number[] {
  const known = distributions.get(spread) ?? cumulative(spread);
  distributions.set(spread, known);
  return known;
}

/** Shares of the buckets of `LATENCY_GRID`. `stalled`: requests of a stall, which take about a second. */
function bucketShares(spread: number, medianMs: number, stalled: number): readonly number[] {
  const distribution = distributionOf(spread);
  const shift = Math.log2(medianMs / LATENCY_GRID.firstMs) * LATENCY_GRID.perDoubling;
  const below = (bucket: number) => {
    if (bucket >= LATENCY_GRID.buckets - 1) return 1;
    const position = (bucket - shift - FIRST_OCTAVE * LATENCY_GRID.perDoubling) * FINE;
    return distribution[Math.max(0, Math.min(POINTS - 1, Math.round(position)))] ?? 1;
  };
  const stall = Math.round(Math.log2(1000 / LATENCY_GRID.firstMs) * LATENCY_GRID.perDoubling);
  return Array.from({ length: LATENCY_GRID.buckets }, (_, bucket) => {
    const share = below(bucket) - (bucket === 0 ? 0 : below(bucket - 1));
    return share * (1 - stalled) + (bucket === stall ? stalled : 0);
  });
}

export function simulateRollout(
  limits: EndpointSpec['rollout'],
  scenario: Scenario,
  random: () => number,
): SimulatedRollout {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  let [evidence, analysis]: [RolloutEvidence | undefined, RolloutAnalysis | undefined] = [undefined, undefined];
  let [requests, mood] = [0, 0];
  for (let at = 0; requests < scenario.requests; at += 1) {
    const share = scenario.shares[at] ?? scenario.shares.at(-1) ?? 0;
    const { noise, perInterval, spread, medianMs } = scenario;
    mood = noise ? 0.7 * mood + 0.25 * normal() : 0;
    const stalled = noise && random() < 0.03 ? 0.3 * random() : 0;
    const burst = noise && random() < 0.04 ? 0.02 + 0.2 * random() : 0;
    const total = Math.max(1, Math.round((perInterval / share) * (noise ? 0.5 + random() : 1)));
    const [ofCanary = 0, ofStable = 0] = multinomial(random, total, [share, 1 - share]);
    const counts = (count: number, slowdown: number, errors: number) => ({
      requests: count,
      failed: multinomial(random, count, [Math.min(1, errors + burst), Math.max(0, 1 - errors - burst)])[0] ?? 0,
      latency: multinomial(random, count, bucketShares(spread, medianMs * slowdown * Math.exp(mood), stalled)),
    });
    const stable = counts(ofStable, 1, scenario.errorShare);
    const canary = counts(ofCanary, 1 + scenario.slowdown, scenario.errorShare + scenario.errorIncrease);
    requests += ofCanary;
    evidence = addInterval(settingsOf(limits), evidence, { weight: share * 100, stable, canary });
    analysis = analyzeEvidence(limits, evidence);
    if (evaluateRollout(limits, 0, analysis.canary, analysis).status === 'failed') {
      return { failed: analysis.checks.find(({ status }) => status === 'failing')?.check, requests };
    }
  }
  return { failed: undefined, requests };
}
