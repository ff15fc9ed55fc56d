import { expect, test } from 'vitest';
import { areaOfBestOrder, areaUnderRoc, explainedEntropy, balanceOf } from './association.ts';
import { wilsonInterval } from './estimate.ts';

test('900, 80 and 20 rows', () => {
  const { ratio, evenness, gini, effectiveClasses, minShare } = balanceOf([900, 80, 20]);
  expect(1 / ratio).toBeCloseTo(45, 10);
  expect(evenness).toBeCloseTo(0.341452, 6);
  expect(gini).toBeCloseTo(0.1832, 10);
  expect(effectiveClasses).toBeCloseTo(1.45517, 5);
  expect(minShare).toBeCloseTo(0.02, 10);
  expect(balanceOf([])).toEqual({ ratio: 0, evenness: 0, gini: 0, effectiveClasses: 0, minShare: 0 });
  expect(balanceOf([7])).toMatchObject({ ratio: 1, evenness: 1, gini: 0, effectiveClasses: 1 });
});

/** By counting every pair. */
test('the area under a ROC curve is the share of pairs in the right order', () => {
  const counts = [
    { positive: 1, negative: 4 },
    { positive: 2, negative: 3 },
    { positive: 0, negative: 2 },
    { positive: 5, negative: 1 },
  ];
  let right = 0;
  for (const [i, a] of counts.entries()) {
    for (const [j, b] of counts.entries()) right += a.positive * b.negative * (i > j ? 1 : i === j ? 0.5 : 0);
  }
  expect(areaUnderRoc(counts)).toBeCloseTo(right / (8 * 10), 12);
  expect(areaOfBestOrder(counts.toReversed())).toBeGreaterThanOrEqual(areaUnderRoc(counts));
  expect(areaUnderRoc([{ positive: 3, negative: 0 }])).toBe(0.5);
});

test('a variable that determines another explains its entropy', () => {
  const reported = [
    { x: 'a', y: 'yes', count: 5 },
    { x: 'b', y: 'no', count: 5 },
  ];
  expect(explainedEntropy(reported)).toBe(1);
  expect(explainedEntropy(reported.map(({ count }, i) => ({ x: 'same', y: `${i}`, count })))).toBe(0);
  const half = [...reported, { x: 'c', y: 'yes', count: 5 }, { x: 'c', y: 'no', count: 5 }];
  expect(explainedEntropy(half)).toBeCloseTo(0.5, 12);
});

test('bounds of a share: 90 of 100', () => {
  const { low, high } = wilsonInterval(90, 100);
  expect(low).toBeCloseTo(0.8256, 4);
  expect(high).toBeCloseTo(0.9448, 4);
});
