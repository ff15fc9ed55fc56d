import type { MonitorAlert } from '@dais/api/monitoring';
import { beforeAll, expect, test } from 'vitest';
import { rankingGain } from '#lib/statistics/attribution-drift.ts';
import {
  FEATURES,
  moved,
  openAttributionWorld,
  reasonOf,
  resultOf,
  ROWS,
  sizesOf,
  START_MS,
  usual,
  type AttributionWorld,
} from './attribution-world.testing.ts';

let world: AttributionWorld;
beforeAll(async () => {
  world = await openAttributionWorld();
}, START_MS);

test(
  'detects attribution drift, sends and resolves the alert, and keeps a deleted baseline',
  { timeout: START_MS },
  async () => {
    const { dais, url, call, ask, watch, evaluated } = world;
    await watch('order', 'weighed', { baseline: { type: 'dataset', version: 'points@1' } }, { change: 0.3 });
    await ask('weighed', usual(ROWS, 3));
    const good = await evaluated('order', 1);
    expect(good).toMatchObject({ status: 'passing' });
    const [before, now] = [sizesOf(usual(ROWS)), sizesOf(usual(ROWS, 3))];
    expect(resultOf(good, 'ndcg')?.value).toBeCloseTo(rankingGain(before, now), 5);
    const [shown] = good.attributions ?? [];
    expect(shown).toMatchObject({
      model: 'weighed',
      version: '1',
      method: 'exact',
      rows: ROWS,
      background: { of: 'example', rows: 1 },
      baseline: { name: 'points@1', rows: ROWS },
    });
    for (const [at, feature] of FEATURES.entries()) {
      const column = shown?.columns.find((one) => one.column === feature);
      expect([column?.baseline, column?.current]).toEqual([
        expect.closeTo(before[at] ?? 0, 4),
        expect.closeTo(now[at] ?? 0, 4),
      ]);
    }

    await ask('weighed', moved);
    const bad = await evaluated('order', 2);
    expect(bad.status).toBe('failing');
    expect(resultOf(bad, 'ndcg')).toMatchObject({
      status: 'failing',
      threshold: 0.9,
      value: expect.closeTo(rankingGain(before, sizesOf(moved)), 5) as number,
      reason: expect.stringContaining('Feature attributions of weighed/1 differ from points@1') as string,
    });
    expect(reasonOf(bad)).toContain('x[2] from');
    // Columns by lost share: the last one has all of it.
    expect(resultOf(bad, 'attribution_change', 'x[2]')).toMatchObject({ status: 'failing', threshold: 0.3 });
    expect(bad.attributions?.[0]?.columns[0]).toMatchObject({ column: 'x[2]', currentShare: 1, currentRank: 1 });
    const { items } = await call<{ items: MonitorAlert[] }>('GET', '/monitoring/monitors/order/alerts?state=open');
    expect(items).toMatchObject([{ check: 'attribution-drift', model: 'weighed', version: '1' }]);
    const page = await (await fetch(`${url}/api/v1/monitoring/monitors/order/reports/2/page`)).text();
    expect(page).toContain('Feature attributions of weighed/1');
    expect(page).toContain('aria-label="Share of x[2]"');
    const figures = await (await fetch(`${dais.root}/metrics`)).text();
    const gauge = (metric: string, column: string) =>
      `dais_monitor_value{project="${dais.project}",monitor="order",check="attribution-drift",metric="${metric}",column="${column}"} `;
    expect(figures).toContain(gauge('ndcg', ''));
    expect(figures).toContain(gauge('attribution_change', 'x[2]'));

    // Stored attributions do not need the baseline any more.
    await call('DELETE', '/data/datasets/points/versions/1');
    await ask('weighed', usual(ROWS, 3));
    const after = await evaluated('order', 3);
    expect(after.status).toBe('passing');
    expect(resultOf(after, 'ndcg')?.value).toBe(resultOf(good, 'ndcg')?.value);
    await watch('late', 'weighed', { baseline: { type: 'dataset', version: 'points@1' } });
    const late = await evaluated('late', 1);
    expect(late.status).toBe('unknown');
    expect(reasonOf(late)).toContain('points@1');
  },
);
