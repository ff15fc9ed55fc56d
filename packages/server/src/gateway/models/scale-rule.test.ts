import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ScaleRule } from './scale-rule.ts';

const limits = { min: 1, max: 8 };

test('scales up immediately, to a load of 70 % per instance', () => {
  const rule = new ScaleRule(limits);
  expect(rule.next({ at: 0, load: 0.5, workers: 1 })).toBe(1);
  expect(rule.next({ at: 1000, load: 2.8, workers: 1 })).toBe(4);
  expect(rule.next({ at: 2000, load: 100, workers: 4 })).toBe(8);
});

test('ignores differences of 10 %', () => {
  const rule = new ScaleRule(limits);
  expect(rule.next({ at: 0, load: 4 * 0.7 * 1.09, workers: 4 })).toBe(4);
  expect(rule.next({ at: 1000, load: 4 * 0.7 * 1.12, workers: 4 })).toBe(5);
});

test('scales down to the maximum of the last minute', () => {
  const rule = new ScaleRule(limits);
  expect(rule.next({ at: 0, load: 2.8, workers: 4 })).toBe(4);
  expect(rule.next({ at: 30_000, load: 1.4, workers: 4 })).toBe(4);
  expect(rule.next({ at: 59_000, load: 0, workers: 4 })).toBe(4);
  expect(rule.next({ at: 61_000, load: 0, workers: 4 })).toBe(2);
  expect(rule.next({ at: 119_500, load: 0, workers: 2 })).toBe(1);
});

test('stays within its limits', () => {
  const samples = fc.array(fc.record({ load: fc.double({ min: 0, max: 1e6, noNaN: true }), step: fc.nat(100_000) }));
  fc.assert(
    fc.property(samples, (all) => {
      const rule = new ScaleRule({ min: 2, max: 5 });
      let at = 0;
      let workers = 2;
      for (const { load, step } of all) {
        at += step;
        workers = rule.next({ at, load, workers });
        expect(workers).toBeGreaterThanOrEqual(2);
        expect(workers).toBeLessThanOrEqual(5);
      }
    }),
  );
});

const GATEWAYS = 3;
const UNLIMITED = { min: 1, max: 1000 };

/** Load of a second (waiting and active runs), and its shares by gateway: unevenly, and different in each second. */
const seconds = fc.array(
  fc.record({
    load: fc.double({ min: 0, max: 100, noNaN: true }),
    weights: fc.array(fc.nat(1000), { minLength: GATEWAYS, maxLength: GATEWAYS }),
  }),
  { minLength: 1, maxLength: 200 },
);

function shareOf(weights: readonly number[], at: number): number {
  const sum = weights.reduce((total, one) => total + one, 0);
  return sum === 0 ? 1 / weights.length : (weights[at] ?? 0) / sum;
}

// Decision 45: a gateway scales for its own requests. This is how far that is from one gateway with all requests.
test('gateways with uneven shares together have the instances of one gateway with all requests, at most one more each', () => {
  fc.assert(
    fc.property(seconds, (samples) => {
      // Without the memory of a minute and without the tolerance, which keep what is there.
      const decide = (load: number) => new ScaleRule(UNLIMITED).next({ at: 0, load, workers: 1e-9 });
      for (const { load, weights } of samples) {
        const shares = weights.map((_, at) => decide(load * shareOf(weights, at)));
        const sum = shares.reduce((total, one) => total + one);
        expect(sum).toBeGreaterThanOrEqual(decide(load));
        expect(sum).toBeLessThanOrEqual(decide(load) + GATEWAYS);
      }
    }),
  );
});

test('after each second, every gateway has the instances for its requests, and together they have those for all requests', () => {
  fc.assert(
    fc.property(seconds, (samples) => {
      const rules = Array.from({ length: GATEWAYS }, () => ({ rule: new ScaleRule(UNLIMITED), workers: 1 }));
      for (const [second, { load, weights }] of samples.entries()) {
        for (const [at, gateway] of rules.entries()) {
          const own = load * shareOf(weights, at);
          gateway.workers = gateway.rule.next({ at: second * 1000, load: own, workers: gateway.workers });
          // 70 % of the time of an instance, within the tolerance of 10 %.
          expect(own / gateway.workers).toBeLessThanOrEqual(0.7 * 1.1 + 1e-9);
        }
        const all = rules.reduce((sum, { workers }) => sum + workers, 0);
        expect(load / all).toBeLessThanOrEqual(0.7 * 1.1 + 1e-9);
      }
    }),
  );
});
