import type { Resource } from '@dais/api';
import { expect, test } from 'vitest';
import { planFeatureView, type ViewFacts } from './feature-view-plan.ts';

const HOUR = 3_600_000;
const NOW = Date.parse('2026-11-01T12:00:00Z');
const never: ViewFacts = {
  underWay: false,
  materializedTo: undefined,
  materializedAt: undefined,
  failure: undefined,
  nowMs: NOW,
};
const at = (hoursAgo: number): ViewFacts => ({
  ...never,
  materializedTo: (NOW - hoursAgo * HOUR) * 1000,
  materializedAt: new Date(NOW - hoursAgo * HOUR),
});
const view = (more: object = {}): Resource =>
  ({
    metadata: { name: 'weather', uid: 'u' },
    spec: {
      source: { type: 'dataset', dataset: 'weather' },
      eventTime: 'at',
      features: [{ name: 'wind', type: 'float64' }],
      refresh: { every: '1h' },
      ...more,
    },
  }) as unknown as Resource;

test('a view is materialized immediately, then periodically', () => {
  expect(planFeatureView(view(), never).effects).toEqual([{ view: 'weather' }]);
  expect(planFeatureView(view(), at(1)).effects).toHaveLength(1);
  const early = planFeatureView(view(), at(0.25));
  expect(early).toMatchObject({ effects: [], recheckAfterMs: 0.75 * HOUR });
  expect(early.status).toMatchObject({ materializedTo: '2026-11-01T11:45:00Z' });
  expect(planFeatureView(view(), { ...at(9), underWay: true }).effects).toEqual([]);
});

test('a failure is reported, and retried at the next interval', () => {
  const failed = (hoursAgo: number) => ({
    ...at(5),
    failure: { error: 'no such column', at: new Date(NOW - hoursAgo * HOUR) },
  });
  expect(planFeatureView(view(), failed(0.5))).toMatchObject({
    effects: [],
    conditions: [{ type: 'Ready', status: 'False' }],
  });
  expect(planFeatureView(view(), failed(1)).effects).toHaveLength(1);
});

test('views without a source are not materialized', () => {
  for (const more of [{ refresh: undefined }, { online: false }, { source: { type: 'push' }, refresh: undefined }]) {
    expect(planFeatureView(view(more), never).effects).toEqual([]);
  }
});
