import { expect, test } from 'vitest';
import { valueScale } from './value-scale.ts';

test('numbers are placed by value, also when they were logged as text', () => {
  const { at, ticks } = valueScale(['10', 20, undefined, '15']);
  expect([at(10), at('15'), at('20'), at('x'), at(undefined)]).toEqual([0, 0.5, 1, undefined, undefined]);
  expect(ticks.map(({ label }) => label)).toEqual(['10', '12.5', '15', '17.5', '20']);
});

test('a single string makes all values categories, in their order', () => {
  const { at, ticks } = valueScale(['sgd', 'adam', '3']);
  expect([at('3'), at('adam'), at('sgd')]).toEqual([0, 0.5, 1]);
  expect(ticks.map(({ label }) => label)).toEqual(['3', 'adam', 'sgd']);
});

test('a constant value is in the middle', () => {
  expect([valueScale([7]).at(7), valueScale(['x']).at('x'), valueScale([]).ticks]).toEqual([0.5, 0.5, []]);
});
