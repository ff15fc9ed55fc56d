import type { MonitorSeries } from '@dais/api/monitoring';
import { expect, test } from 'vitest';
import { heatRows } from './heat-map.ts';
import { bothSides, byNeed, delayText } from './monitor-words.ts';

const windows = [1, 2].map((number) => ({
  number,
  from: number,
  until: number + 1,
  rows: 100,
  labeled: 0,
  status: 'passing' as const,
}));
const series = (column: string | undefined, values: (number | null)[], statuses: MonitorSeries['statuses']) => ({
  check: 'drift',
  type: 'drift',
  metric: 'psi',
  ...(column !== undefined && { column }),
  values,
  thresholds: [0.2, 0.2],
  pValues: [null, null],
  low: [null, null],
  high: [null, null],
  statuses,
});

test('failing rows come first, and a missing value is not passing', () => {
  const rows = heatRows({
    monitor: 'm',
    more: 0,
    windows,
    series: [
      series('calm', [0.1, null], ['passing', null]),
      series('moved', [0.1, 0.4], ['passing', 'failing']),
      series(undefined, [1, 1], ['passing', 'passing']),
    ],
  });
  expect(rows.map(({ column, bad }) => [column, bad])).toEqual([
    ['moved', 1],
    ['calm', 0],
  ]);
  expect(rows[0]?.cells.map(({ heat }) => heat)).toEqual([0.25, 0.75]);
  expect(rows[1]?.cells[1]).toEqual({ window: 2, value: null, p: null, heat: 0, status: null });
});

test('the p-value of a test is compared with its threshold: equal samples are cold', () => {
  const alike = {
    ...series('x', [0, 1], ['passing', 'failing']),
    metric: 'ks',
    thresholds: [0.05, 0.05],
    pValues: [1, 0],
  };
  const [row] = heatRows({ monitor: 'm', more: 0, windows, series: [alike] });
  expect(row?.cells.map(({ heat }) => heat)).toEqual([0.025, 1]);
});

test('open bins extend to the ends of the observed values', () => {
  const side = { rows: 3, nulls: 0 };
  expect(
    bothSides({
      column: 'x',
      family: 'number',
      current: { ...side, min: 2, max: 9 },
      baseline: { ...side, min: -1, max: 4 },
      histogram: { edges: [0, 5], current: [0, 2, 1], baseline: [1, 2, 0] },
    }),
  ).toEqual({
    current: { edges: [-1, 0, 5, 9], counts: [0, 2, 1] },
    baseline: { edges: [-1, 0, 5, 9], counts: [1, 2, 0] },
  });
  expect(bothSides({ column: 'x', family: 'text', current: side })).toBeUndefined();
});

test('statuses that need attention come first', () => {
  expect((['passing', 'pending', 'failing', 'unknown'] as const).toSorted(byNeed)).toEqual([
    'failing',
    'unknown',
    'pending',
    'passing',
  ]);
  expect([delayText(5000), delayText(7_200_000), delayText(259_200_000)]).toEqual(['5 s', '2 h', '3 days']);
});
