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
