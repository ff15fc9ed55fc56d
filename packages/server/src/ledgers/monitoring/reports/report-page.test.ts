import type { MonitorReport, MonitorResult } from '@dais/api/monitoring';
import { expect, test } from 'vitest';
import { unstyledClasses } from '#testing/unstyled-classes.ts';
import { reportPage } from './report-page.ts';

const STATUSES = ['passing', 'failing', 'unknown'] as const;
const METRICS = [{ metric: 'mae', value: 1.5, low: 1.25, high: 1.75 }];

function reportOf(status: MonitorReport['status']): MonitorReport {
  const results = STATUSES.map((one): MonitorResult => ({ check: 'drift', type: 'drift', metric: 'psi', status: one }));
  return {
    id: '00000000-0000-7000-8000-000000000001',
    monitor: 'watch',
    number: 2,
    from: 0,
    until: 3_600_000,
    rows: 50,
    requests: 10,
    status,
    reason: 'The distribution of `x` changed.',
    failing: 1,
    unknown: 1,
    versions: [{ model: 'm', version: '1', rows: 50 }],
    baseline: { type: 'first', name: 'window 1', rows: 50 },
    labeled: 20,
    evaluatedAt: 3_600_000,
    results,
    columns: [
      {
        column: 'x',
        family: 'number',
        current: { rows: 50, nulls: 0, mean: 1 },
        baseline: { rows: 50, nulls: 0, mean: 2 },
        histogram: { edges: [1], current: [20, 30], baseline: [30, 20] },
      },
      { column: 'y', family: 'text', current: { rows: 0, nulls: 50 } },
    ],
    examples: [{ column: 'x', why: 'out of range', rows: [{ row: 1, value: '99', prediction: '1' }] }],
    notes: ['Only the first columns are evaluated.'],
    performance: {
      task: 'regression',
      rows: 50,
      labeled: 20,
      unmatched: 0,
      mature: false,
      metrics: METRICS,
      segments: [{ column: 'carrier', value: 'AA', labeled: 10, metrics: METRICS }],
      scoreProblem: 'There is no score.',
      calibration: [{ score: 0.5, share: 0.25, rows: 20 }],
    },
    fairness: [
      {
        check: 'fairness',
        column: 'carrier',
        positive: 'late',
        groups: [{ group: 'AA', rows: 20, labeled: 10, metrics: METRICS }],
        small: ['DL has 2 rows.'],
      },
    ],
    attributions: [
      {
        check: 'attribution-drift',
        model: 'm',
        version: '1',
        method: 'exact',
        scale: 'output',
        background: { of: 'example', rows: 5 },
        rows: 50,
        baseline: { name: 'window 1', rows: 50 },
        columns: [{ column: 'x', current: 1, currentShare: 0.5, currentRank: 1, baselineShare: 0.25, baselineRank: 2 }],
      },
    ],
  };
}

test.each(STATUSES)('every class of a report with the status %s has a style rule', (status) => {
  const html = reportPage(reportOf(status));
  expect(html).toContain(`class="status ${status}"`);
  for (const one of STATUSES) expect(html).toContain(`<tr class="${one}">`);
  expect(unstyledClasses(html)).toEqual([]);
});

test('a class without a style rule is found', () => {
  const html = reportPage(reportOf('failing'));
  expect(unstyledClasses(html.replaceAll('.status.failing', '.status.bad').replaceAll('tr.failing', 'tr.bad'))).toEqual(
    ['failing'],
  );
});
