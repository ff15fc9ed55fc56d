import { expect, test } from 'vitest';
import { chartView, rangeText } from './chart-view.ts';

test('a URL stores the chart settings; invalid ones are ignored', () => {
  expect(chartView({ x: 'relative', log: 'yes', smooth: '0.6', range: '-1~20.5' })).toEqual({
    axis: 'relative',
    log: true,
    smoothing: 0.6,
    range: [-1, 20.5],
  });
  expect(chartView({ x: 'miles', smooth: 'much', range: '3~1' })).toEqual({
    axis: 'step',
    log: false,
    smoothing: 0,
    range: undefined,
  });
  expect(chartView({ range: rangeText([1, 2]) }).range).toEqual([1, 2]);
});
