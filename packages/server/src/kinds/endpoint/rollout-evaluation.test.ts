import { LATENCY_GRID, latencyBucket } from '@dais/api/gateway';
import { endpointSpec } from '@dais/api/serving';
import { expect, test } from 'vitest';
import { seededRandom } from '#lib/statistics/random.ts';
import { addInterval, analyzeEvidence, settingsOf, type RolloutEvidence } from '#ledgers/serving/index.ts';
import { evaluateRollout, takeInterval } from './rollout-evaluation.ts';
import { simulateRollout, type Scenario } from './rollout-simulation.testing.ts';

const specWith = (rollout: object) => endpointSpec.parse({ model: 'models:/m/1', rollout }).rollout;
const limits = specWith({});
const LONG = limits.bakeSeconds * 1000;

/** Counters of `requests` that take `ms`, except `slow` ones, which take `slowMs`. */
function served(requests: number, { failed = 0, ms = 50, slow = 0, slowMs = 4000 } = {}) {
  const latency = Array.from({ length: LATENCY_GRID.buckets }, () => 0);
  latency[latencyBucket(ms)] = requests - slow;
  latency[latencyBucket(slowMs)] = (latency[latencyBucket(slowMs)] ?? 0) + slow;
  return { requests, failed, latency };
}
type Served = ReturnType<typeof served>;

function evidenceOf(intervals: readonly (readonly [Served, Served])[], weight = 10, spec = limits) {
  return intervals.reduce<RolloutEvidence | undefined>(
    (evidence, [canary, stable]) => addInterval(settingsOf(spec), evidence, { weight, stable, canary }),
    undefined,
  );
}

function evaluate(
  intervals: readonly (readonly [Served, Served])[],
  { weight = 10, spec = limits, elapsedMs = LONG } = {},
) {
  const evidence = evidenceOf(intervals, weight, spec);
  const analysis = evidence && analyzeEvidence(spec, evidence);
  const requests = intervals.reduce((sum, [canary]) => sum + canary.requests, 0);
  const figures = analysis?.canary ?? { requests, failed: 0, p50Ms: null, p99Ms: null };
  return { ...evaluateRollout(spec, elapsedMs, { ...figures, requests }, analysis), analysis };
}
const times = <T>(count: number, value: T): readonly T[] => Array.from({ length: count }, () => value);

test('a step waits for the minimum of requests and for its duration', () => {
  expect(evaluate([[served(49), served(500)]])).toMatchObject({
    status: 'pending',
    message: expect.stringContaining('49 of 50 required requests') as string,
  });
  expect(evaluate([[served(50), served(500)]], { elapsedMs: LONG - 1500 })).toMatchObject({ status: 'pending' });
  expect(evaluate([[served(50), served(500)]])).toMatchObject({ status: 'passed' });
  expect(evaluate([], { spec: specWith({ minimumRequests: 0 }) })).toMatchObject({ status: 'passed' });
});

test('one slow request among 40 or 400 never fails a version', () => {
  for (const weight of [1, 5, 10, 50]) {
    for (const requests of [40, 60, 400]) {
      const stable = served(Math.round((requests * (100 - weight)) / weight));
      const one: readonly [Served, Served] = [served(requests, { slow: 1 }), stable];
      expect(evaluate([one], { weight })).not.toMatchObject({ status: 'failed' });
    }
  }
});

test('a p99 latency above the limit needs five slow requests at 10 % of the traffic, and thirteen at 50 %', () => {
  const least = (weight: number) => {
    for (let slow = 1; ; slow += 1) {
      const stable = served((400 * (100 - weight)) / weight);
      const { analysis } = evaluate([[served(400, { slow }), stable]], { weight });
      if (analysis?.checks.find(({ check }) => check === 'tailLatency')?.status === 'failing') return slow;
    }
  };
  expect([least(10), least(50)]).toEqual([5, 13]);
});

test('failures count against those of the current version in the same intervals', () => {
  const interval: readonly [Served, Served] = [served(100, { failed: 5 }), served(100, { failed: 4 })];
  expect(evaluate(times(5, interval), { weight: 50 })).toMatchObject({ status: 'passed' });
  const burst: readonly [Served, Served] = [served(100, { failed: 60 }), served(900, { failed: 540 })];
  expect(evaluate([[served(100), served(900)], burst, burst])).toMatchObject({ status: 'passed' });
  const { status, message, analysis } = evaluate(times(10, [served(100, { failed: 2 }), served(900, { failed: 1 })]));
  expect(status).toBe('failed');
  expect(message).toBe(
    '20 of 1000 requests failed (2 %), compared with 0.11 % of the active version in the same intervals. The increase is 1.89 points (0.15 to 3.62). Evidence: 1000000000 of 200.',
  );
  expect(analysis?.checks[0]).toMatchObject({ check: 'errors', status: 'failing', alpha: 0.005, threshold: 200 });
});

test('a version that crashes does not wait for the minimum of requests', () => {
  const crash = evaluate([[served(5, { failed: 5 }), served(500)]], { elapsedMs: 0 });
  expect(crash).toMatchObject({ status: 'failed' });
  expect(evaluate([[served(1, { failed: 1 }), served(500)]], { elapsedMs: 0 })).toMatchObject({ status: 'pending' });
});

test('a slower version fails if its p99 latency is above `latencyMs` and the increase is relevant', () => {
  const slower = (factor: number, ms = 50, spec = limits) =>
    evaluate(times(4, [served(50, { ms: ms * factor }), served(450, { ms })]), { spec });
  expect(slower(1.3)).toMatchObject({
    status: 'failed',
    message: expect.stringMatching(
      /^The latency is 1\.\d+ × that of the active version .* \(1\.\d+ to 1\.\d+\)/,
    ) as string,
  });
  expect(slower(1.3, 1)).toMatchObject({ status: 'passed' });
  expect(slower(1.3, 50, specWith({ slowdown: 1 }))).toMatchObject({ status: 'passed' });
  expect(slower(1)).toMatchObject({ status: 'passed' });
  // Beyond all factors that are compared.
  expect(slower(40)).toMatchObject({ status: 'failed', analysis: { checks: [{}, { estimate: 8, high: null }, {}] } });
  expect(slower(0.02).analysis?.checks[1]).toMatchObject({ status: 'passing', estimate: 0.5, low: null });
});

test('at full traffic, fixed limits apply, and a short stall or one failure does not exceed them', () => {
  const before = times(4, [served(50), served(450)] as const);
  const full = (intervals: readonly Served[]) => {
    let evidence = evidenceOf(before);
    for (const canary of intervals) {
      evidence = addInterval(settingsOf(limits), evidence, { weight: 100, stable: served(0), canary });
    }
    const analysis = evidence && analyzeEvidence(limits, evidence);
    return evaluateRollout(limits, LONG, served(500) as never, analysis).status;
  };
  expect(full(times(12, served(100)))).toBe('passed');
  expect(full([served(100, { failed: 1 }), served(100, { slow: 1 })])).toBe('passed');
  expect(full([served(100, { slow: 60 }), ...times(10, served(100))])).toBe('passed');
  expect(full(times(8, served(100, { slow: 5 })))).toBe('failed');
  expect(full([served(10, { failed: 10 })])).toBe('failed');
});

test('an interval ends by time and numbers of requests, and with the step', () => {
  const taken = (ageMs: number, canary: number, stable: number, more: { total?: number; weight?: number } = {}) => {
    const { total = canary, weight = 10 } = more;
    const counters = { at: 0, from: 0, stable: served(0), canary: served(0) };
    const interval = { startedMs: LONG - ageMs, stable: served(stable), canary: served(canary) };
    const figures = { requests: total, failed: 0, p50Ms: null, p99Ms: null };
    const step = { startedMs: 0, stable: figures, canary: figures, interval, counters };
    const rollout = { weights: [weight], step: 1, automatic: true, evidence: null };
    return takeInterval(limits, rollout, step, LONG) !== undefined;
  };
  expect(taken(4900, 20, 200)).toBe(false);
  expect(taken(5000, 20, 200)).toBe(true);
  expect(taken(20_000, 4, 200)).toBe(false);
  expect(taken(20_000, 20, 0)).toBe(false);
  expect(taken(20_000, 20, 0, { weight: 100 })).toBe(true);
  expect(taken(60_000, 0, 200)).toBe(true);
  expect(taken(100, 3, 9, { total: 50 })).toBe(true);
  expect(taken(100, 0, 9, { total: 50 })).toBe(false);
});

test('evidence that was stored as JSON continues as if it had not been', () => {
  const interval = (failed: number) =>
    ({ weight: 10, canary: served(50, { failed, slow: failed }), stable: served(450, { failed: 1 }) }) as const;
  const intervals = [interval(0), interval(2), { ...interval(1), weight: 100 }, interval(1)];
  let stored: RolloutEvidence | undefined;
  for (const one of intervals) {
    stored = JSON.parse(JSON.stringify(addInterval(settingsOf(limits), stored, one))) as RolloutEvidence;
  }
  const whole = intervals.reduce<RolloutEvidence | undefined>(
    (evidence, one) => addInterval(settingsOf(limits), evidence, one),
    undefined,
  );
  expect(stored).toEqual(whole);
  expect(whole?.intervals).toBe(4);
});

const SHARES = [0.05, 0.1, 0.2, 0.33, 0.5];
const ERROR_SHARES = [0, 0.0005, 0.001];
/** `rollout-evaluation.full.test.ts` has 1,000 for each share. */
const ROLLOUTS = 300;

/** Returns how many of the rollouts under noise fail. */
function failures(more: Partial<Scenario>): number {
  const random = seededRandom(24);
  const failed = Array.from({ length: ROLLOUTS }, (_, at) => {
    const share = SHARES[at % SHARES.length] ?? 0.1;
    const scenario = {
      shares: [share],
      requests: 2000,
      perInterval: 150,
      medianMs: 40,
      spread: 0.5,
      errorShare: ERROR_SHARES[at % ERROR_SHARES.length] ?? 0,
      slowdown: 0,
      errorIncrease: 0,
      noise: true,
    };
    return simulateRollout(limits, { ...scenario, ...more }, random).failed;
  });
  return failed.filter((one) => one !== undefined).length;
}

test('at most 1 % of rollouts of equal versions fail', () => {
  expect(failures({})).toBeLessThanOrEqual(0.01 * ROLLOUTS);
});

test('at least 95 % of rollouts of slower versions, and of versions with more errors, fail within 2,000 requests', () => {
  expect(failures({ slowdown: 0.3 })).toBeGreaterThanOrEqual(0.95 * ROLLOUTS);
  expect(failures({ errorIncrease: 0.01 })).toBeGreaterThanOrEqual(0.95 * ROLLOUTS);
});
