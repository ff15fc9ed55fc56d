import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BURN_RULES, budgetLeft, burnRate, burnResults } from './burn-rate.ts';
import {
  estimatedClasses,
  estimatedMetrics,
  estimatedRocAuc,
  expectedCounts,
  fitCalibration,
  mergeExpected,
} from './cbpe.ts';
import { binaryMetrics, classMetrics, confusionOf, countsOfClass, mergeConfusions } from './classification.ts';
import { fairnessOf } from './fairness.ts';
import { calibrated, isotonicCalibration } from './isotonic.ts';
import { seededRandom } from './random.ts';
import { mergeErrors, regressionMetrics, summarizeErrors } from './regression.ts';
import { mergeScores, scoreMetrics, summarizeScores } from './scores.ts';

describe('classes', () => {
  const counts = { truePositives: 40, falsePositives: 10, falseNegatives: 20, trueNegatives: 30 };
  test('a positive class, with intervals that the seed fixes', () => {
    const reported = binaryMetrics(counts);
    expect(reported.accuracy.value).toBeCloseTo(0.7, 12);
    expect(reported.accuracy.low).toBeCloseTo(0.60418, 4);
    expect(reported.precision.value).toBeCloseTo(0.8, 12);
    expect(reported.recall.value).toBeCloseTo(2 / 3, 12);
    expect(reported.specificity.value).toBeCloseTo(0.75, 12);
    expect(reported.f1.value).toBeCloseTo(80 / 110, 12);
    expect(reported.f1.low).toBeLessThan(80 / 110);
    expect(reported.f1.high).toBeGreaterThan(80 / 110);
    expect(binaryMetrics(counts)).toEqual(reported);
    expect(binaryMetrics(counts, { seed: 2 }).f1).not.toEqual(reported.f1);
  });

  test('a share of zero rows is not a number', () => {
    const none = binaryMetrics({ truePositives: 0, falsePositives: 0, falseNegatives: 3, trueNegatives: 5 });
    expect(none.precision).toEqual({ value: undefined });
    expect(none.recall.value).toBe(0);
    expect(classMetrics(confusionOf([])).accuracy).toEqual({ value: undefined });
    expect(() => countsOfClass(confusionOf([]), 'yes')).toThrow('no row has the class yes');
  });

  test('tables of windows add up, also where one lacks a class', () => {
    const one = [{ actual: 'a', predicted: 'b', count: 2 }];
    const other = [
      { actual: 'c', predicted: 'a', count: 1 },
      { actual: 'a', predicted: 'b', count: 1 },
    ];
    const whole = confusionOf([...one, ...other]);
    expect(mergeConfusions(confusionOf(one), confusionOf(other))).toEqual(whole);
    expect(whole.counts).toEqual([
      [0, 3, 0],
      [0, 0, 0],
      [1, 0, 0],
    ]);
  });

  test('the interval holds the true F1 in about 95 of 100 worlds', () => {
    const random = seededRandom(5);
    let held = 0;
    for (let world = 0; world < 200; world += 1) {
      const drawn = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
      for (let row = 0; row < 200; row += 1) {
        const at = random();
        drawn[
          at < 0.3 ? 'truePositives' : at < 0.4 ? 'falsePositives' : at < 0.5 ? 'falseNegatives' : 'trueNegatives'
        ] += 1;
      }
      const { low = 1, high = 0 } = binaryMetrics(drawn, { draws: 200, seed: world }).f1;
      if (low <= 0.75 && 0.75 <= high) held += 1;
    }
    expect(held).toBeGreaterThan(175);
    expect(held).toBeLessThan(200);
  });
});

describe('scores', () => {
  const rows = Array.from({ length: 4000 }, (_, i) => {
    const random = seededRandom(i);
    const score = random();
    return { score, positive: random() < score };
  });
  test('merged bins are close to the result of each score', () => {
    const exact = scoreMetrics(summarizeScores(rows, 'exact'));
    const halves = [rows.slice(0, 1500), rows.slice(1500)].map((half) => summarizeScores(half));
    const binned = scoreMetrics(mergeScores(halves[0] ?? summarizeScores([]), halves[1] ?? summarizeScores([])));
    expect(binned.count).toBe(4000);
    expect(Math.abs((binned.rocAuc.value ?? 0) - (exact.rocAuc.value ?? 1))).toBeLessThan(0.001);
    expect(Math.abs((binned.prAuc.value ?? 0) - (exact.prAuc.value ?? 1))).toBeLessThan(0.003);
    expect(binned.logLoss.value).toBeCloseTo(exact.logLoss.value ?? -1, 9);
    expect(binned.brier.value).toBeCloseTo(exact.brier.value ?? -1, 9);
    expect(binned.calibrationError.value).toBeCloseTo(exact.calibrationError.value ?? -1, 9);
    // Scores that are true: AUC of uniform scores is 5/6, Brier 1/6.
    expect(exact.rocAuc.low).toBeLessThan(5 / 6);
    expect(exact.rocAuc.high).toBeGreaterThan(5 / 6);
    expect(exact.brier.value).toBeCloseTo(1 / 6, 1);
  });

  test('one class has no area; a score outside of 0 to 1 is rejected', () => {
    const reported = scoreMetrics(summarizeScores([{ score: 0.5, positive: true }]));
    expect(reported.rocAuc.value).toBeUndefined();
    expect(reported.prAuc.value).toBe(1);
    expect(scoreMetrics(summarizeScores([])).calibrationError.value).toBeUndefined();
    expect(() => summarizeScores([{ score: 1.2, positive: true }])).toThrow('1.2 is not a probability');
    expect(() => mergeScores(summarizeScores([], 10), summarizeScores([], 20))).toThrow(RangeError);
  });

  test('isotonic calibration never decreases and preserves the share of positives', () => {
    const score = fc.record({ score: fc.integer({ min: 0, max: 20 }).map((x) => x / 20), positive: fc.boolean() });
    fc.assert(
      fc.property(fc.array(score, { minLength: 1 }), (some) => {
        const fitted = isotonicCalibration(summarizeScores(some, 'exact').bins);
        if (fitted === undefined) throw new Error('no calibration');
        for (const [i, share] of fitted.shares.entries())
          expect(share).toBeGreaterThanOrEqual(fitted.shares[i - 1] ?? 0);
        const sum = some.reduce((total, one) => total + calibrated(fitted, one.score), 0);
        expect(sum).toBeCloseTo(some.filter(({ positive }) => positive).length, 6);
        expect(calibrated(fitted, -1)).toBe(fitted.shares[0]);
        expect(calibrated(fitted, 2)).toBe(fitted.shares.at(-1));
      }),
    );
  });
});

describe('predicted numbers', () => {
  const pair = fc.record({ actual: fc.integer({ min: -99, max: 99 }), predicted: fc.integer({ min: -99, max: 99 }) });
  test('sums of windows add up', () => {
    fc.assert(
      fc.property(fc.array(pair), fc.array(pair), (one, other) => {
        const whole = summarizeErrors([...one, ...other]);
        const merged = mergeErrors(summarizeErrors(one), summarizeErrors(other));
        for (const [name, value] of Object.entries(whole)) {
          expect(merged[name as keyof typeof merged]).toBeCloseTo(value, 5);
        }
      }),
    );
  });

  test('metrics', () => {
    const reported = regressionMetrics(
      summarizeErrors([
        { actual: 3, predicted: 2.5 },
        { actual: -0.5, predicted: 0 },
        { actual: 2, predicted: 2 },
        { actual: 0, predicted: 1 },
      ]),
    );
    expect(reported.mae.value).toBeCloseTo(0.5, 12);
    expect(reported.rmse.value).toBeCloseTo(Math.sqrt(1.5 / 4), 12);
    expect(reported.bias.value).toBeCloseTo(0.25, 12);
    // The row whose actual value is 0 has no relative error.
    expect(reported.mape.value).toBeCloseTo((0.5 / 3 + 1 + 0) / 3, 12);
    expect(reported.r2.value).toBeCloseTo(1 - 1.5 / 8.1875, 12);
    expect(regressionMetrics(summarizeErrors([{ actual: 1, predicted: 1 }])).r2.value).toBeUndefined();
    expect(regressionMetrics(summarizeErrors([])).mae).toEqual({ value: undefined });
    expect(() => summarizeErrors([{ actual: Number.NaN, predicted: 1 }])).toThrow('are not a pair of numbers');
  });
});

describe('without labels', () => {
  const scores = [0.9, 0.8, 0.7, 0.6, 0.55, 0.4, 0.3, 0.2, 0.1, 0.05];
  const rows = scores.map((score) => ({ score, predicted: score >= 0.5 }));
  test('ten rows, as NannyML estimates them', () => {
    const expected = expectedCounts(rows);
    expect(expected.truePositives).toBeCloseTo(3.55, 12);
    expect(expected.falsePositives).toBeCloseTo(1.45, 12);
    expect(expected.falseNegatives).toBeCloseTo(1.05, 12);
    expect(expected.trueNegatives).toBeCloseTo(3.95, 12);
    const reported = estimatedMetrics(expected);
    expect(reported.accuracy.value).toBeCloseTo(0.75, 12);
    expect(reported.precision.value).toBeCloseTo(0.71, 12);
    expect(reported.recall.value).toBeCloseTo(0.7717391304347827, 12);
    expect(reported.f1.value).toBeCloseTo(0.7395833333333334, 12);
    expect(estimatedRocAuc(scores.map((score) => ({ raw: score, score })))).toBeCloseTo(0.8240740740740742, 2);
    const halves = mergeExpected(expectedCounts(rows.slice(0, 4)), expectedCounts(rows.slice(4)));
    expect(halves.truePositives).toBeCloseTo(expected.truePositives, 12);
    expect(halves.negativeVariance).toBeCloseTo(expected.negativeVariance, 12);
    expect(estimatedMetrics(expectedCounts([])).accuracy).toEqual({ value: undefined });
  });

  test('labels drawn with these probabilities are within the intervals', () => {
    const random = seededRandom(11);
    const many = Array.from({ length: 500 }, () => random()).map((score) => ({ score, predicted: score > 0.4 }));
    const reported = estimatedMetrics(expectedCounts(many));
    const held = { accuracy: 0, precision: 0, recall: 0, specificity: 0, f1: 0 };
    for (let world = 0; world < 300; world += 1) {
      const outcomes = many.map(({ score, predicted }) => ({
        actual: random() < score ? 'yes' : 'no',
        predicted: predicted ? 'yes' : 'no',
        count: 1,
      }));
      const real = binaryMetrics(countsOfClass(confusionOf(outcomes), 'yes'), { draws: 1 });
      for (const name of ['accuracy', 'precision', 'recall', 'specificity', 'f1'] as const) {
        const { low = 1, high = 0 } = reported[name];
        const value = real[name].value ?? -1;
        if (low <= value && value <= high) held[name] += 1;
      }
    }
    for (const times of Object.values(held)) {
      expect(times).toBeGreaterThan(270);
      expect(times).toBeLessThan(300);
    }
  });

  test('several classes', () => {
    const reported = estimatedClasses(
      ['a', 'b', 'c'],
      [
        { probabilities: [0.8, 0.1, 0.1], predicted: 'a' },
        { probabilities: [0.3, 0.6, 0.1], predicted: 'b' },
        { probabilities: [0.2, 0.2, 0.6], predicted: 'c' },
      ],
    );
    expect(reported.accuracy.value).toBeCloseTo(2 / 3, 12);
    expect(reported.macroPrecision).toBeCloseTo(2 / 3, 12);
    expect(reported.byClass['a']?.falseNegatives).toBeCloseTo(0.5, 12);
  });

  test('a calibration is fitted where it helps, and only there', () => {
    const random = seededRandom(3);
    const squared = Array.from({ length: 3000 }, () => random()).map((score) => ({
      score,
      positive: random() < score ** 3,
    }));
    const { calibration, before = 0, after = 1 } = fitCalibration(squared);
    expect(after).toBeLessThan(before);
    if (calibration === undefined) throw new Error('none was fitted');
    expect(calibrated(calibration, 0.5)).toBeCloseTo(0.125, 1);
    const perfect = squared.map(({ positive }) => ({ score: positive ? 1 : 0, positive }));
    expect(fitCalibration(perfect).calibration).toBeUndefined();
    expect(fitCalibration(perfect.filter(({ positive }) => positive))).toEqual({});
  });
});

describe('groups', () => {
  const group = (name: string, rows: number, selected: number, [tp, fp, fn, tn]: readonly number[] = []) => ({
    group: name,
    rows,
    selected,
    ...(tp !== undefined && {
      labeled: { truePositives: tp, falsePositives: fp ?? 0, falseNegatives: fn ?? 0, trueNegatives: tn ?? 0 },
    }),
  });
  test('gaps, and disparate impact that may be above 1', () => {
    const reported = fairnessOf([group('a', 100, 50, [40, 10, 10, 40]), group('b', 100, 60, [45, 15, 5, 35])], {
      privileged: 'a',
    });
    expect(reported.demographicParity).toMatchObject({ smallest: 'a', largest: 'b' });
    expect(reported.demographicParity?.difference).toBeCloseTo(0.1, 12);
    expect(reported.demographicParity?.ratio).toBeCloseTo(5 / 6, 12);
    expect(reported.disparateImpact?.['b']).toBeCloseTo(1.2, 12);
    expect(reported.equalOpportunity?.difference).toBeCloseTo(0.1, 12);
    expect(reported.equalizedOdds?.ratio).toBeCloseTo(2 / 3, 12);
    expect(reported.small).toEqual([]);
  });

  test('small groups are reported, and excluded from all measures', () => {
    const reported = fairnessOf([group('a', 100, 50), group('b', 29, 0), group('c', 40, 30)]);
    expect(reported.small).toEqual([{ group: 'b', of: 'rows', count: 29 }]);
    expect(reported.groups).toHaveLength(3);
    expect(reported.demographicParity?.difference).toBeCloseTo(0.25, 12);
    expect(reported.equalizedOdds).toBeUndefined();
    expect(fairnessOf([group('a', 100, 50), group('b', 3, 0)]).demographicParity).toBeUndefined();
    const few = fairnessOf([group('a', 100, 50, [40, 10, 10, 40]), group('b', 100, 60, [10, 50, 0, 40])]);
    expect(few.small).toEqual([{ group: 'b', of: 'positives', count: 10 }]);
  });
});

describe('error budgets', () => {
  const minute = 60_000;
  const stretches = (minutes: number, bad: number) =>
    Array.from({ length: minutes }, (_, i) => ({ end: (i + 1) * minute, total: 1000, bad }));
  test('a fast burn pages, one that has ended does not', () => {
    const burning = stretches(60, 20);
    const [page] = burnResults(burning, { objective: 0.999, now: 60 * minute });
    expect(page).toMatchObject({ rule: BURN_RULES[0], fires: true });
    expect(page?.long).toBeCloseTo(20, 9);
    const ended = [...burning, ...stretches(66, 0).slice(60)];
    expect(burnResults(ended, { objective: 0.999, now: 66 * minute })[0]).toMatchObject({ short: 0, fires: false });
  });

  test('the budget, silence, and the projection', () => {
    expect(budgetLeft(stretches(10, 1), { objective: 0.998, now: 10 * minute })).toBeCloseTo(0.5, 9);
    expect(budgetLeft([], { objective: 0.999, now: 0 })).toBe(1);
    expect(burnResults([], { objective: 0.999, now: 0 })[0]).toMatchObject({ long: undefined, fires: false });
    expect(burnResults(stretches(10, 9), { objective: 0.999, now: 0 })[0]).toMatchObject({ long: undefined });
    expect(() => burnRate({ total: 1, bad: 0 }, 1)).toThrow('between 0 and 1');
  });
});
