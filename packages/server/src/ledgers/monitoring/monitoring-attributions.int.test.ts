import type { MonitorAlert, MonitorReport } from '@dais/api/monitoring';
import { beforeAll, expect, test } from 'vitest';
import { linear } from '#engines/inference/onnx/onnx-files.testing.ts';
import { rankingGain } from '#lib/statistics/attribution-drift.ts';
import { batchClient, type BatchCall, type BatchClient } from '#testing/batch-client.ts';
import { evaluatedWindow } from '#testing/evaluated-window.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

/** Limits against hanging, not measurements. */
const START_MS = 600_000;
const WEIGHTS = [3, -2, 0.5];
const FEATURES = ['x[0]', 'x[1]', 'x[2]'];
/** The background rows: the input example. */
const USUAL = 1;
const ROWS = 100;

let dais: SharedDais;
let url: string;
let client: ServingClient;
let data: BatchClient;

const call: BatchCall = async <Output>(method: string, path: string, body?: object | Buffer) => {
  const answer = await client.call(method, `/api/v1${path}`, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as Output;
};

type Row = readonly [number, number, number];

/** Weights of the model. */
const usual = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at): Row => [(from + at) % 7, (at * 5) % 11, (at * 3) % 13]);

beforeAll(async () => {
  dais = await sharedDais();
  url = dais.url;
  client = servingClient(url);
  data = batchClient(call);
  const bytes = linear(Float32Array.from(WEIGHTS));
  await client.register('weighed', 0, { bytes, columns: 3, example: { inputs: [[USUAL, USUAL, USUAL]] } });
  await client.register('bare', 0, { bytes, columns: 3 });
  await data.push('points', `a,b,c\n${usual(ROWS).join('\n')}\n`);
  for (const name of ['weighed', 'bare']) {
    await call('POST', `/serving/endpoints/${name}/deploy`, { model: `models:/${name}/1` });
    await client.settled(
      name,
      ({ conditions }) => conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    );
  }
}, START_MS);

async function ask(endpoint: string, rows: readonly Row[]): Promise<void> {
  const answer = await fetch(`${url}/v2/models/${endpoint}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: 'x', shape: [rows.length, 3], datatype: 'FP32', data: rows.flat() }] }),
  });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
}

async function watch(name: string, endpoint: string, more: object, check: object = {}): Promise<void> {
  const spec = {
    endpoint,
    windows: { type: 'count', rows: ROWS },
    since: new Date(Date.now() - 600_000).toISOString(),
    graceSeconds: 0,
    checks: [{ type: 'attributionDrift', ...check }],
    ...more,
  };
  await call('POST', '/monitors', { apiVersion: 'dais.dev/v1', kind: 'Monitor', metadata: { name }, spec });
}

const evaluated = async (monitor: string, window: number) => await evaluatedWindow({ dais, call }, monitor, window);

/** Computed by hand: each weight times the difference from the example. */
const sizesOf = (rows: readonly Row[]) =>
  WEIGHTS.map(
    (weight, at) => rows.reduce((sum, row) => sum + Math.abs(weight * ((row[at] ?? 0) - USUAL)), 0) / rows.length,
  );
const resultOf = ({ results }: MonitorReport, metric: string, column?: string) =>
  results.find((one) => one.metric === metric && one.column === column);
const reasonOf = (report: MonitorReport) => resultOf(report, 'ndcg')?.reason;

/** Two columns are constant, and the least important one changes strongly. */
const moved = Array.from({ length: ROWS }, (_, at): Row => [1, 1, 40 + (at % 9)]);

test(
  'detects attribution drift, sends and resolves the alert, and keeps a deleted baseline',
  { timeout: START_MS },
  async () => {
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

test(
  'gives the reason of a failed explanation, and compares with the first window, earlier windows or a dataset',
  { timeout: START_MS },
  async () => {
    await ask('bare', usual(ROWS));
    // Without an example, only a baseline with rows can be the background.
    await watch('blind', 'bare', { baseline: { type: 'first' } });
    const blind = await evaluated('blind', 1);
    expect(blind.status).toBe('unknown');
    expect(reasonOf(blind)).toContain('bare/1 cannot be explained: it has no input example');

    const version = await data.push('points', `a,b,c\n${usual(ROWS).join('\n')}\n`);
    const named = `points@${version}`;
    await watch('seeing', 'bare', { baseline: { type: 'dataset', version: named } });
    const seeing = await evaluated('seeing', 1);
    expect(seeing).toMatchObject({ status: 'passing' });
    expect(seeing.attributions).toMatchObject([
      { background: { of: 'baseline', rows: 20 }, baseline: { name: named, rows: ROWS } },
    ]);
    // The same rows, compared with the same background.
    expect(resultOf(seeing, 'total_variation')?.value).toBeCloseTo(0, 9);

    // Columns of the model are missing.
    await data.push('others', 'p,q\n1,2\n3,4\n');
    await watch('strange', 'bare', { baseline: { type: 'dataset', version: 'others@1' } });
    const strange = await evaluated('strange', 1);
    expect(strange.status).toBe('unknown');
    expect(reasonOf(strange)).toContain('bare/1 cannot be explained');

    await watch('few', 'weighed', { minSamples: ROWS + 1 });
    expect(reasonOf(await evaluated('few', 1))).toBe(`The window has ${ROWS} rows, fewer than ${ROWS + 1}.`);

    // The windows: normal, drifted, normal.
    await watch('since-first', 'weighed', { baseline: { type: 'first' } });
    const last = await evaluated('since-first', 3);
    const [one, two] = [await evaluated('since-first', 1), await evaluated('since-first', 2)];
    expect([one.status, two.status, last.status]).toEqual(['unknown', 'failing', 'passing']);
    expect(reasonOf(one)).toContain('are the baseline of later windows');
    expect(one.attributions?.[0]?.columns).toHaveLength(3);
    expect(two.attributions?.[0]?.baseline).toEqual({ name: 'window 1', rows: ROWS });

    await watch('before', 'weighed', { baseline: { type: 'rolling', windows: 2 } });
    const third = await evaluated('before', 3);
    expect(third.attributions?.[0]?.baseline).toEqual({ name: 'windows 1 to 2', rows: 2 * ROWS });
    const both = sizesOf([...usual(ROWS, 3), ...moved]);
    for (const [at, feature] of FEATURES.entries()) {
      const column = third.attributions?.[0]?.columns.find((found) => found.column === feature);
      expect(column?.baseline).toBeCloseTo(both[at] ?? 0, 4);
    }
    expect(reasonOf(await evaluated('before', 1))).toContain('No earlier window has attributions');

    const refused = await client.call('POST', '/api/v1/monitors', {
      apiVersion: 'dais.dev/v1',
      kind: 'Monitor',
      metadata: { name: 'wrong' },
      spec: { dataset: 'points', checks: [{ type: 'attributionDrift' }] },
    });
    expect(refused.status).toBe(422);
    expect(JSON.stringify(refused.body)).toContain('a dataset has no predictions');
  },
);
