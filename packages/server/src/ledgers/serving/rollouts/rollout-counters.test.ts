/** Decisions on the sum of several gateways: the same requests on one gateway give the same decisions. */
import { LATENCY_GRID, latencyBucket, type GatewayFigures } from '@dais/api/gateway';
import { endpointSpec } from '@dais/api/serving';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ScaleRule } from '#gateway/models/scale-rule.ts';
import { planEndpoint } from '#kinds/endpoint/endpoint-plan.ts';
import { addCounters, packCounters, unpackCounters, type Counters } from '#ledgers/serving/fleet/counters.ts';
import { GatewayCounts } from '#ledgers/serving/fleet/gateway-counts.ts';
import type { EndpointEffect, EndpointFacts, RolloutRow } from '#ledgers/serving/index.ts';
import { servedKey } from '#ledgers/serving/publishing/served-model.ts';
import {
  rolloutKeys,
  startInterval,
  stepFacts,
  type CountReading,
} from '#ledgers/serving/rollouts/rollout-counters.ts';
import { weightOf, type StepRow } from '#ledgers/serving/rollouts/rollout-rows.ts';
import { seededRandom } from '#lib/statistics/random.ts';

const START = Date.parse('2026-01-01T12:00:00Z');
const MINUTE_MS = 60_000;
const spec = endpointSpec.parse({
  model: 'models:/m/2',
  rollout: { steps: [20, 50], bakeSeconds: 20, minimumRequests: 50 },
});

interface RecordedRequest {
  /** Chooses the variant by the weight of the new version. */
  readonly split: number;
  /** Chooses the gateway. */
  readonly place: number;
  readonly latencyMs: number;
  readonly error: number;
}

interface Behavior {
  readonly slowdown: number;
  readonly errors: number;
}

function record(seed: number, seconds: number): readonly (readonly RecordedRequest[])[] {
  const random = seededRandom(seed);
  return Array.from({ length: seconds }, () =>
    Array.from({ length: 5 + Math.floor(random() * 20) }, () => ({
      split: random(),
      place: random(),
      latencyMs: 10 * Math.exp(random() + random()),
      error: random(),
    })),
  );
}

/** A gateway as its control process sees it: cumulative counters of its process. */
class SimulatedGateway {
  readonly counts = new GatewayCounts(START);
  #startedAt = START;
  #counters = new Map<string, Counters>();

  serve(variant: string, latencyMs: number, failed: boolean): void {
    const latency = Array.from({ length: LATENCY_GRID.buckets }, () => 0);
    latency[latencyBucket(latencyMs)] = 1;
    const before = this.#counters.get(variant) ?? { requests: 0, failed: 0, latency: [] };
    this.#counters.set(variant, addCounters(before, { requests: 1, failed: failed ? 1 : 0, latency }));
  }

  report(keys: Readonly<Record<string, string>>): void {
    const startedAt = new Date(this.#startedAt).toISOString();
    const variants: GatewayFigures['variants'] = [...this.#counters].map(([variant, { latency, ...one }]) => ({
      project: 'default',
      endpoint: 'e',
      variant,
      model: keys[variant] ?? '',
      refused: 0,
      latency: [...latency],
      ...one,
    }));
    this.counts.record({ startedAt, at: startedAt, revision: 1, models: [], variants });
  }

  restart(): void {
    this.#startedAt += 1;
    this.#counters = new Map();
  }
}

const result = (effect: EndpointEffect) => ('result' in effect ? effect.result.message : '');

/** Returns the decisions of the controller, with their second. `shares`: of the traffic, by gateway. */
function decide(
  recorded: readonly (readonly RecordedRequest[])[],
  { slowdown, errors }: Behavior,
  shares: readonly number[],
  restartEvery = Infinity,
): readonly string[] {
  const gateways = shares.map(() => new SimulatedGateway());
  const sum = shares.reduce((total, share) => total + share, 0);
  const pick = (place: number) => {
    let rest = place * sum;
    return Math.max(
      0,
      shares.findIndex((share) => (rest -= share) < 0),
    );
  };
  const rows = new Map<string, CountReading['counts'][number]>();
  let rollout = {
    id: 'r',
    state: 'running',
    to_model: 'id2',
    to_label: 'models:/m/2',
    cause: 'deploy',
    weights: spec.rollout.steps,
    step: 1,
    automatic: true,
    reason: '',
    evidence: null,
    analysis: null,
    open_interval: null,
  } as unknown as RolloutRow;
  let step: Pick<StepRow, 'started_at' | 'counts'> = { started_at: new Date(START), counts: null };
  const keys = { stable: servedKey('id1', spec), canary: servedKey('id2', spec) };
  const decisions: string[] = [];
  for (const [second, requests] of recorded.entries()) {
    const now = START + (second + 1) * 1000;
    for (const { split, place, latencyMs, error } of requests) {
      const isCanary = split * 100 < weightOf(rollout);
      gateways[pick(place)]?.serve(
        isCanary ? 'canary' : 'stable',
        latencyMs * (isCanary ? 1 + slowdown : 1),
        error < (isCanary ? 0.002 + errors : 0.002),
      );
    }
    const minute = now - (now % MINUTE_MS);
    for (const [at, gateway] of gateways.entries()) {
      gateway.report(keys);
      const taken = gateway.counts.take(minute);
      gateway.counts.markStored(taken);
      for (const one of taken) rows.set(`${at} ${one.minute} ${one.variant}`, one);
      if ((second + at) % restartEvery === restartEvery - 1) gateway.restart();
    }
    const reading: CountReading = { minute, counts: [...rows.values()] };
    const row = { uid: 'u', name: 'e', spec, stable: 'id1', rejected: null, active: {}, pending: {}, quarantined: {} };
    const model = (version: number) => ({ id: `id${version}`, label: `models:/m/${version}`, name: 'm' });
    const ready = (label: string) => ({ label, state: 'ready' as const });
    const facts = {
      nowMs: now,
      row: { ...row, refused: {}, request: { by: 'user:ada', cause: 'deploy' } },
      target: { ...model(2), version: '2', aliases: [], artifacts: 'a', files: [] },
      others: {},
      rollout,
      step: stepFacts(reading, rolloutKeys(row, rollout), { open: rollout.open_interval, step }, now),
      lastReason: undefined,
      states: new Map([
        ['id1', ready('models:/m/1')],
        ['id2', ready('models:/m/2')],
      ]),
      canTest: true,
      live: true,
      taken: true,
    } as unknown as EndpointFacts;
    const { effects } = planEndpoint({ metadata: { uid: 'u', name: 'e' }, spec: {} } as never, facts);
    for (const effect of effects) {
      decisions.push(`${second} ${effect.do} ${result(effect)}`);
      if (effect.do === 'openInterval') rollout = { ...rollout, open_interval: effect.start };
      if (effect.do === 'recordInterval') {
        const { evidence, analysis, next, stable, canary } = effect.interval;
        rollout = { ...rollout, evidence, analysis, open_interval: next };
        const add = (name: 'stable' | 'canary', more: Counters) =>
          packCounters(step.counts === null ? more : addCounters(unpackCounters(step.counts[name]), more));
        step = { ...step, counts: { stable: add('stable', stable), canary: add('canary', canary) } };
      }
      if (effect.do === 'advance') {
        const open = startInterval(reading, rolloutKeys(row, rollout), now);
        rollout = { ...rollout, step: rollout.step + 1, open_interval: open };
        step = { started_at: new Date(now), counts: null };
      }
      if (effect.do === 'promote' || effect.do === 'end') return decisions;
    }
  }
  return decisions;
}

const BEHAVIORS: readonly Behavior[] = [
  { slowdown: 0, errors: 0 },
  { slowdown: 0.6, errors: 0 },
  { slowdown: 0, errors: 0.2 },
];

test('a rollout over three gateways has the decisions of one gateway with the same requests, also when gateways restart', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const input = fc.record({
    seed: fc.nat(1000),
    shares: fc.tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), share, share),
    behavior: fc.constantFrom(...BEHAVIORS),
    restartEvery: fc.constantFrom(3, 7, 31),
  });
  fc.assert(
    fc.property(input, ({ seed, shares, behavior, restartEvery }) => {
      const recorded = record(seed, 90);
      const one = decide(recorded, behavior, [1]);
      expect(decide(recorded, behavior, shares, restartEvery)).toEqual(one);
      expect(one.length).toBeGreaterThan(1);
    }),
    { numRuns: 10 },
  );
});

test.each([
  ['equal', BEHAVIORS[0], / promote /],
  ['slower', BEHAVIORS[1], / end The latency is/],
  ['failing', BEHAVIORS[2], / end .* requests failed/],
])('a version that is %s gets its decision', (_name, behavior, expected) => {
  const decisions = decide(record(1, 200), behavior ?? { slowdown: 0, errors: 0 }, [8, 1, 1], 5);
  expect(decisions.at(-1)).toMatch(expected);
});

test('gateways scale their own instances: together they have enough for the load, and at most one more for each', () => {
  const load = fc.double({ min: 0, max: 8, noNaN: true });
  fc.assert(
    fc.property(fc.array(load, { minLength: 1, maxLength: 5 }), (loads) => {
      const decision = (one: number) => new ScaleRule({ min: 1, max: 64 }).next({ at: 0, load: one, workers: 1 });
      const total = loads.reduce((sum, one) => sum + one, 0);
      const fleet = loads.reduce((sum, one) => sum + decision(one), 0);
      // An instance is busy for at most 77 % of the time: the target of 70 % and the tolerance.
      expect(fleet).toBeGreaterThanOrEqual(total / 0.77);
      expect(fleet).toBeLessThanOrEqual(decision(total) + loads.length);
    }),
  );
});
