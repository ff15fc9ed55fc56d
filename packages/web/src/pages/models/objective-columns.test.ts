import { expect, test } from 'vitest';
import { objectiveTitle } from './objective-columns.tsx';

test('a column title has the direction, the target and the slice of an objective', () => {
  expect(objectiveTitle({ metric: 'mae', direction: 'minimize', target: 9 })).toBe('mae ≤ 9');
  expect(objectiveTitle({ metric: 'recall', direction: 'maximize', target: 0.8, slice: 'hour >= 22' })).toBe(
    'recall ≥ 0.8 where hour >= 22',
  );
  expect(objectiveTitle({ metric: 'mae', direction: 'minimize' })).toBe('mae, lower is better');
});
