import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type {
  MonitorAlert,
  MonitorDecision,
  MonitorHistory,
  MonitorReport,
  MonitorSummary,
} from '@dais/api/monitoring';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaisProcess, type DaisProcess } from '#testing/dais-process.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';

/** A limit against hanging, not a measurement. */
const START_MS = 600_000;

let folder: string;
let dais: DaisProcess;
let url: string;
let client: ServingClient;
let receiver: Server;
const received: {
  readonly type: string;
  readonly data: { readonly title: string; readonly state: string; readonly key: string };
}[] = [];

beforeAll(async () => {
  receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString('utf8')));
    request.on('end', () => {
      received.push(JSON.parse(text) as (typeof received)[number]);
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'dais-monitoring-'));
  dais = startDaisProcess({
    data: join(folder, 'data'),
    'keys.folder': join(folder, 'keys'),
    'outbound.allowHosts': ['127.0.0.1'],
  });
  url = await dais.ready;
  client = servingClient(url);
  await client.register('m', 2, { example: { inputs: [[1]] } });
  await client.call('POST', '/api/v1/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
  await client.settled('scaled', (status) => status.variants?.[0]?.name === 'stable' && isReady(status));
  const { port } = receiver.address() as AddressInfo;
  await apply('AlertChannel', 'alertchannels', 'desk', { send: { type: 'webhook', url: `http://127.0.0.1:${port}/` } });
  await apply('Pipeline', 'pipelines', 'retrain', {
    steps: { main: { command: ['true'], resources: { cpu: 1_000_000 } } },
  });
}, START_MS);
afterAll(async () => {
  dais.process.kill('SIGTERM');
  await dais.ended;
  receiver.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

function isReady(status: {
  readonly conditions?: readonly { readonly type: string; readonly status: string }[];
}): boolean {
  return status.conditions?.some((one) => one.type === 'Ready' && one.status === 'True') === true;
}

async function apply(kind: string, plural: string, name: string, spec: object): Promise<void> {
  const manifest = { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec };
  const answer = await client.call('POST', `/api/v1/${plural}`, manifest);
  if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
}

/** Sends requests of one row each, in order; returns the prediction ids. */
async function ask(values: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const x of values) {
    const answer = await fetch(`${url}/v2/models/scaled/infer`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ inputs: [{ name: 'x', shape: [1, 1], datatype: 'FP32', data: [x] }] }),
    });
    if (answer.status !== 200) throw new Error(await answer.text());
    ids.push(answer.headers.get('dais-prediction-id') ?? '');
    await answer.arrayBuffer();
  }
  return ids;
}

async function get<T>(path: string): Promise<T> {
  const answer = await client.call('GET', `/api/v1/monitoring/${path}`);
  if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as T;
}

const windows = async (name: string) => (await get<MonitorSummary>(`monitors/${name}`)).windows;
/** Asks for an evaluation first: a monitor checks every ten seconds only. */
const windowsNow = async (name: string) => {
  await client.call('POST', `/api/v1/monitors/${name}/actions/run`, {});
  return await windows(name);
};
const spread = (count: number, from: number) => Array.from({ length: count }, (_, at) => from + (at % 25) / 10);
const WAIT = { timeout: 120_000, interval: 200 };

test(
  'detects drift by window, sends and resolves alerts, and starts the pipeline once',
  { timeout: 600_000 },
  async () => {
    await apply('Monitor', 'monitors', 'watch', {
      endpoint: 'scaled',
      windows: { type: 'count', rows: 50 },
      graceSeconds: 0,
      // As many rows as each window has: enough to be evaluated.
      minSamples: 50,
      alerts: ['desk'],
      severity: 'critical',
      runbook: 'https://wiki.example.com/drift',
      onAlert: { startPipeline: { pipeline: 'retrain', checks: ['drift'] } },
    });
    await ask(spread(50, 0));
    await expect.poll(async () => await windows('watch'), WAIT).toBe(1);
    const first = await get<MonitorReport>('monitors/watch/reports/latest');
    expect(first.status).toBe('unknown');
    expect(first.notes.join(' ')).toContain('The lineage of m/1 contains no training dataset');
    await ask(spread(50, 0));
    await expect.poll(async () => await windowsNow('watch'), WAIT).toBe(2);
    const good = await get<MonitorReport>('monitors/watch/reports/2');
    expect(good).toMatchObject({ status: 'passing' });
    expect(good.baseline).toMatchObject({ type: 'first', name: 'window 1', rows: 50 });
    expect(good.versions).toMatchObject([{ model: 'm', version: '1', rows: 50 }]);

    await ask(spread(50, 30));
    await expect.poll(async () => await windowsNow('watch'), WAIT).toBe(3);
    const bad = await get<MonitorReport>('monitors/watch/reports/3');
    expect(bad.status).toBe('failing');
    expect(bad.results[0]).toMatchObject({ check: 'drift', column: 'x', metric: 'ks', status: 'failing' });
    expect(bad.columns[0]?.column).toBe('x');
    expect(bad.columns[0]?.histogram?.current.reduce((a, b) => a + b, 0)).toBe(50);
    expect(bad.examples[0]?.rows.length).toBeGreaterThan(0);
    await expect
      .poll(() => received.map(({ data }) => data.title).toSorted(), WAIT)
      .toEqual([
        'watch: drift of scaled is failing',
        'watch: prediction-drift of scaled is failing',
        'watch: quality of scaled is failing',
      ]);
    const { items: open } = await get<{ items: MonitorAlert[] }>('alerts?state=open');
    const drift = open.find(({ check }) => check === 'drift');
    expect(drift).toMatchObject({ severity: 'critical', firstWindow: 3, model: 'm', version: '1', columns: ['x'] });
    const { items: decisions } = await get<{ items: MonitorDecision[] }>('monitors/watch/decisions');
    expect(decisions).toMatchObject([{ outcome: 'started', pipeline: 'retrain', alert: drift?.id }]);
    const run = await client.call('GET', `/api/v1/executions/${decisions[0]?.run}`);
    expect(run.status).toBe(200);
    expect((await get<{ items: object[] }>('models/m/decisions')).items).toHaveLength(1);

    const acknowledged = await client.call(
      'POST',
      `/api/v1/monitoring/monitors/watch/alerts/${drift?.id}/acknowledge`,
      { note: 'on it' },
    );
    expect(acknowledged.body).toMatchObject({ acknowledgedBy: 'user/owner', note: 'on it', state: 'open' });

    await ask(spread(50, 0));
    await expect.poll(async () => await windowsNow('watch'), WAIT).toBe(4);
    await expect.poll(() => received.filter(({ type }) => type === 'monitor.alert.resolved').length, WAIT).toBe(3);
    const keys = received
      .filter(({ data }) => data.title.includes('drift of') || data.title.includes(': drift'))
      .map(({ data }) => data.key);
    expect(new Set(keys).size).toBeLessThan(keys.length);

    // Failing again: the pipeline may start only once a day.
    await ask(spread(50, 30));
    await expect.poll(async () => await windowsNow('watch'), WAIT).toBe(5);
    const after = await get<{ items: MonitorDecision[] }>('monitors/watch/decisions');
    expect(after.items.map(({ outcome }) => outcome)).toEqual(['declined', 'started']);
    expect(after.items[0]?.reason).toContain('The cooldown ends at');

    const history = await get<MonitorHistory>('monitors/watch/history?check=drift&column=x');
    expect(history.windows.map(({ status }) => status)).toEqual([
      'unknown',
      'passing',
      'failing',
      'passing',
      'failing',
    ]);
    const series = history.series.find(({ metric }) => metric === 'ks');
    expect(series?.statuses).toEqual([null, 'passing', 'failing', 'passing', 'failing']);
    const page = await fetch(`${url}/api/v1/monitoring/monitors/watch/reports/3/page`);
    expect(await page.text()).toContain('Failing');
    const { body } = await client.call('GET', '/api/v1/monitors/watch');
    expect(body['status']).toMatchObject({ state: 'failing', windows: 5 });
    const figures = await (await fetch(`${url}/metrics`)).text();
    expect(figures).toContain('dais_monitors{state="failing"} 1\n');
    expect(figures).toContain('dais_monitor_alerts_open{severity="critical"} 3\n');
    expect(figures).toContain('dais_monitor_failing{project="default",monitor="watch"} 1\n');

    // Deleting the monitor resolves its alerts and notifies their channels.
    const before = received.length;
    await expect.poll(() => received.filter(({ data }) => data.state === 'raised').length, WAIT).toBe(6);
    expect((await client.call('DELETE', '/api/v1/monitors/watch')).status).toBeLessThan(300);
    await expect
      .poll(() => received.slice(before).filter(({ data }) => data.title.includes('no longer monitored')).length, WAIT)
      .toBe(3);
  },
);
