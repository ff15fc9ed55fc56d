import type { MonitorReport } from '@dais/api/monitoring';
import { beforeAll, expect, test } from 'vitest';
import { binaryMetrics } from '#lib/statistics/classification.ts';
import { fairnessOf } from '#lib/statistics/fairness.ts';
import { seededRandom } from '#lib/statistics/random.ts';
import { scoreMetrics, summarizeScores } from '#lib/statistics/scores.ts';
import { evaluatedWindow } from '#testing/evaluated-window.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

/** Limits against hanging, not measurements. */
const START_MS = 600_000;
const POLLING = { timeout: 120_000, interval: 200 };
const ROWS = 1000;

let dais: SharedDais;
let url: string;
let client: ServingClient;

beforeAll(async () => {
  dais = await sharedDais();
  url = dais.url;
  client = servingClient(url);
  // The model returns its input: a score, and the group of the row.
  await client.register('m', 1, { example: { inputs: [[0.5, 1]] }, columns: 2 });
  await call('POST', '/serving/endpoints/scored/deploy', { model: 'models:/m/1' });
  await client.settled(
    'scored',
    ({ variants, conditions }) =>
      variants?.[0]?.name === 'stable' &&
      conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
  );
}, START_MS);

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await client.call(method, `/api/v1${path}`, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as T;
}

/** Triggers an evaluation, because the monitor runs only every ten seconds. */
const evaluate = async (monitor: string) => await call('POST', `/monitors/${monitor}/actions/run`, {});

const evaluated = async (monitor: string, window: number) => await evaluatedWindow({ dais, call }, monitor, window);

interface Row {
  readonly score: number;
  readonly group: number;
  readonly positive: boolean;
}

/** A score s is correct in s² of all cases, so it is too confident. `low`: start of the scores of group 0, and end of those of group 1. */
function rowsOf(seed: number, { least, most }: { readonly least: number; readonly most: number }): readonly Row[] {
  const random = seededRandom(seed);
  return Array.from({ length: ROWS }, (_, at) => {
    const score = Math.fround(least + (most - least) * random());
    return { score, group: at % 2, positive: random() < score * score };
  });
}

async function ask(rows: readonly Row[]): Promise<string> {
  const data = rows.flatMap(({ score, group }) => [score, group]);
  const answer = await fetch(`${url}/v2/models/scored/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ inputs: [{ name: 'x', shape: [rows.length, 2], datatype: 'FP32', data }] }),
  });
  expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
  return answer.headers.get('dais-prediction-id') ?? '';
}

async function label(prediction: string, rows: readonly Row[]): Promise<void> {
  const labels = rows.map(({ positive }, row) => ({ prediction, row, value: positive ? '1' : '0' }));
  await call('POST', '/predictions/endpoints/scored/labels', { labels });
}

async function measured(monitor: string, window: number): Promise<MonitorReport> {
  await expect
    .poll(async () => {
      await evaluate(monitor);
      const report = await call<MonitorReport>('GET', `/monitoring/monitors/${monitor}/reports/${window}`);
      return report.performance?.labeled;
    }, POLLING)
    .toBe(ROWS);
  return await call<MonitorReport>('GET', `/monitoring/monitors/${monitor}/reports/${window}`);
}

const valueOf = (metrics: readonly { readonly metric: string; readonly value?: number | undefined }[], name: string) =>
  metrics.find(({ metric }) => metric === name)?.value ?? Number.NaN;
const resultOf = ({ results }: MonitorReport, check: string, metric: string) =>
  results.find((one) => one.check === check && one.metric === metric && one.segment === undefined);

function countsOf(rows: readonly Row[]) {
  const n = (selected: boolean, positive: boolean) =>
    rows.filter((row) => row.score >= 0.5 === selected && row.positive === positive).length;
  return {
    truePositives: n(true, true),
    falsePositives: n(true, false),
    falseNegatives: n(false, true),
    trueNegatives: n(false, false),
  };
}

test(
  'measures scores with labels and by segment, evaluates fairness, and estimates performance without labels',
  { timeout: START_MS },
  async () => {
    const spec = {
      endpoint: 'scored',
      windows: { type: 'count', rows: ROWS },
      since: new Date(Date.now() - 60_000).toISOString(),
      graceSeconds: 0,
      prediction: { score: 'y[0]', threshold: 0.5 },
      checks: [
        {
          type: 'performance',
          metrics: [
            { metric: 'roc_auc', min: 0.99 },
            { metric: 'ece', max: 0.9 },
          ],
          segments: ['x[1]'],
        },
        { type: 'estimatedPerformance', metrics: [{ metric: 'accuracy', change: 0.2 }], minLabeled: 500 },
        { type: 'fairness', columns: ['x[1]'], equalizedOdds: 0.5 },
      ],
    };
    await call('POST', '/monitors', {
      apiVersion: 'dais.dev/v1',
      kind: 'Monitor',
      metadata: { name: 'outputs' },
      spec,
    });

    const first = rowsOf(1, { least: 0, most: 1 });
    const id = await ask(first);
    const before = await evaluated('outputs', 1);
    expect(before.status).toBe('unknown');
    expect(resultOf(before, 'estimated-performance', 'accuracy')).toMatchObject({
      status: 'unknown',
      reason: expect.stringContaining(
        'Scores cannot be calibrated: the reference contains 0 predictions of m/1',
      ) as string,
    });
    // Metrics that need no labels are reported immediately; the others are unknown.
    expect(resultOf(before, 'fairness', 'disparate_impact_ratio')?.status).toBe('passing');
    expect(resultOf(before, 'fairness', 'equalized_odds_difference')).toMatchObject({ status: 'unknown' });

    await label(id, first);
    const after = await measured('outputs', 1);
    const scores = scoreMetrics(summarizeScores(first));
    const { metrics = [], calibration = [], segments = [] } = after.performance ?? {};
    expect(valueOf(metrics, 'roc_auc')).toBeCloseTo(scores.rocAuc.value ?? 0, 9);
    expect(valueOf(metrics, 'average_precision')).toBeCloseTo(scores.prAuc.value ?? 0, 9);
    expect(valueOf(metrics, 'log_loss')).toBeCloseTo(scores.logLoss.value ?? 0, 9);
    expect(valueOf(metrics, 'brier')).toBeCloseTo(scores.brier.value ?? 0, 9);
    expect(valueOf(metrics, 'ece')).toBeCloseTo(scores.calibrationError.value ?? 0, 9);
    const auc = metrics.find(({ metric }) => metric === 'roc_auc');
    expect([auc?.low, auc?.high]).toEqual([
      expect.closeTo(scores.rocAuc.low ?? 0, 9),
      expect.closeTo(scores.rocAuc.high ?? 0, 9),
    ]);
    expect(calibration.reduce((sum, { rows }) => sum + rows, 0)).toBe(ROWS);
    const group = first.filter((row) => row.group === 1);
    const segment = segments.find(({ value }) => value === '1.0');
    expect(segment?.labeled).toBe(group.length);
    expect(valueOf(segment?.metrics ?? [], 'brier')).toBeCloseTo(
      scoreMetrics(summarizeScores(group)).brier.value ?? 0,
      9,
    );
    expect(resultOf(after, 'performance', 'roc_auc')).toMatchObject({ status: 'failing', threshold: 0.99 });
    const groups = [0, 1].map((one) => {
      const own = first.filter((row) => row.group === one);
      const selected = own.filter(({ score }) => score >= 0.5).length;
      return { group: `${one}.0`, rows: own.length, selected, labeled: countsOf(own) };
    });
    expect(resultOf(after, 'fairness', 'equalized_odds_difference')).toMatchObject({
      status: 'passing',
      value: expect.closeTo(fairnessOf(groups).equalizedOdds?.difference ?? 0, 9) as number,
    });
    expect(after.fairness).toMatchObject([{ column: 'x[1]', positive: '1', groups: [{ rows: 500 }, { rows: 500 }] }]);

    // Inputs drift: the estimate changes before labels arrive.
    const second = rowsOf(2, { least: 0.4, most: 0.9 }).map((row) =>
      row.group === 1 ? { ...row, score: Math.fround(row.score / 2) } : row,
    );
    const truth = seededRandom(3);
    const moved = second.map((row) => ({ ...row, positive: truth() < row.score * row.score }));
    const next = await ask(moved);
    const estimated = await evaluated('outputs', 2);
    expect(estimated.estimates).toMatchObject([
      { model: 'm', version: '1', rows: ROWS, score: 'y[0]', reference: { labeled: ROWS, calibrated: true } },
    ]);
    const shown = estimated.estimates?.[0];
    const real = binaryMetrics(countsOf(moved)).accuracy.value ?? 0;
    expect(Math.abs(valueOf(shown?.metrics ?? [], 'accuracy') - real)).toBeLessThan(0.06);
    expect(valueOf(shown?.reference.metrics ?? [], 'accuracy')).toBeCloseTo(
      binaryMetrics(countsOf(first)).accuracy.value ?? 0,
      9,
    );
    // No row of group 1 reaches the threshold.
    expect(resultOf(estimated, 'fairness', 'disparate_impact_ratio')).toMatchObject({ status: 'failing', value: 0 });
    expect(estimated.status).toBe('failing');

    await label(next, moved);
    const both = await measured('outputs', 2);
    expect(valueOf(both.performance?.metrics ?? [], 'accuracy')).toBeCloseTo(real, 9);
    // The measured performance does not replace the estimate.
    expect(both.estimates).toEqual(estimated.estimates);

    const page = await (await fetch(`${url}/api/v1/monitoring/monitors/outputs/reports/2/page`)).text();
    for (const words of ['Estimated performance', 'Fairness by x[1]', 'Calibration of y[0]']) {
      expect(page).toContain(words);
    }
    const figures = await (await fetch(`${dais.root}/metrics`)).text();
    const gauge = (check: string, metric: string, column: string) =>
      `dais_monitor_value{project="${dais.project}",monitor="outputs",check="${check}",metric="${metric}",column="${column}"} `;
    expect(figures).toContain(gauge('performance', 'roc_auc', ''));
    expect(figures).toContain(gauge('estimated-performance', 'accuracy', ''));
    expect(figures).toContain(`${gauge('fairness', 'disparate_impact_ratio', 'x[1]')}0\n`);
  },
);

test('gives the reason of an unknown result, which never passes', { timeout: START_MS }, async () => {
  const watch = async (name: string, more: object) => {
    const spec = {
      endpoint: 'scored',
      windows: { type: 'count', rows: ROWS },
      since: new Date(Date.now() - 600_000).toISOString(),
      graceSeconds: 0,
      ...more,
    };
    await call('POST', '/monitors', { apiVersion: 'dais.dev/v1', kind: 'Monitor', metadata: { name }, spec });
    return await evaluated(name, 1);
  };
  await ask(rowsOf(4, { least: 0, most: 1 }));
  const blind = await watch('blind', {
    prediction: { column: 'y[1]', task: 'classification' },
    checks: [
      { type: 'estimatedPerformance' },
      { type: 'fairness', columns: ['sex'] },
      { type: 'performance', metrics: [{ metric: 'brier', max: 0.2 }], minLabeled: 1 },
    ],
  });
  expect(blind.status).toBe('unknown');
  expect(resultOf(blind, 'estimated-performance', 'accuracy')?.reason).toContain('Set `prediction.score`');
  expect(resultOf(blind, 'fairness', 'demographic_parity_difference')?.reason).toBe(
    'There is no input sex in the window.',
  );
  const labeled = await measured('blind', 1);
  expect(resultOf(labeled, 'performance', 'brier')).toMatchObject({
    status: 'unknown',
    reason: expect.stringContaining('Set `prediction.score`') as string,
  });

  const numbers = await watch('numbers', {
    prediction: { column: 'y[0]', task: 'regression' },
    checks: [{ type: 'performance' }],
  });
  expect(numbers.status).toBe('unknown');
  expect(valueOf((await measured('numbers', 1)).performance?.metrics ?? [], 'mae')).toBeGreaterThan(0);

  const refused = await client.call('POST', '/api/v1/monitors', {
    apiVersion: 'dais.dev/v1',
    kind: 'Monitor',
    metadata: { name: 'wrong' },
    spec: {
      endpoint: 'scored',
      prediction: { column: 'y', threshold: 0.5, task: 'regression' },
      checks: [{ type: 'fairness', columns: ['x[1]'], privileged: { age: '1' } }],
    },
  });
  expect(refused.status).toBe(422);
  expect(JSON.stringify(refused.body)).toContain('the task is regression');
});

test('evaluates the resource usage that the gateway reports against thresholds', { timeout: START_MS }, async () => {
  const watch = async (name: string, limits: object) => {
    const spec = {
      endpoint: 'scored',
      windows: { type: 'count', rows: ROWS },
      since: new Date(Date.now() - 600_000).toISOString(),
      // The gateway reports twice a second.
      graceSeconds: 3,
      checks: [{ type: 'resources', ...limits }],
    };
    await call('POST', '/monitors', { apiVersion: 'dais.dev/v1', kind: 'Monitor', metadata: { name }, spec });
    return await evaluated(name, 1);
  };
  await ask(rowsOf(5, { least: 0, most: 1 }));
  const shown = await watch('thrifty', { cpuSeconds: 100_000, memoryMb: 100_000 });
  expect(shown.results.filter(({ status }) => status !== 'passing')).toEqual([]);
  expect(shown.status).toBe('passing');
  const cpu = resultOf(shown, 'resources', 'cpu_seconds_per_1000');
  const memory = resultOf(shown, 'resources', 'peak_memory_mb');
  expect([cpu?.status, memory?.status]).toEqual(['passing', 'passing']);
  expect(cpu?.value).toBeGreaterThan(0);
  expect(memory?.value).toBeGreaterThan(0);
  expect(resultOf(shown, 'resources', 'gateway_peak_memory_mb')?.value).toBeGreaterThan(20);

  const dear = await watch('dear', { cpuSeconds: 1e-9 });
  expect(dear).toMatchObject({ status: 'failing', reason: expect.stringContaining('CPU seconds') as string });
  const figures = await (await fetch(`${dais.root}/metrics`)).text();
  const gauge = `dais_monitor_value{project="${dais.project}",monitor="dear",check="resources",metric="cpu_seconds_per_1000"`;
  expect(figures).toContain(gauge);

  const unbound = await client.call('POST', '/api/v1/monitors', {
    apiVersion: 'dais.dev/v1',
    kind: 'Monitor',
    metadata: { name: 'unbound' },
    spec: { endpoint: 'scored', checks: [{ type: 'resources' }] },
  });
  expect(unbound.status).toBe(422);
  expect(JSON.stringify(unbound.body)).toContain('`cpuSeconds` or `memoryMb`');
});
