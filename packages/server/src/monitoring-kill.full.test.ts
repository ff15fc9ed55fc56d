import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MonitorAlert, MonitorDecision, MonitorReportHead, MonitorSummary } from '@dais/api/monitoring';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { KILL_TIMEOUT, KillableDais } from './testing/killable-dais.ts';
import { servingClient } from './testing/serving-client.ts';

interface Delivery {
  readonly id: string;
  readonly type: string;
  readonly title: string;
}

let folder: string;
let receiver: Server;
const received: Delivery[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dais-monitoring-kill-'));
  receiver = createServer((request, response) => {
    let text = '';
    request.on('data', (piece: Buffer) => (text += piece.toString('utf8')));
    request.on('end', () => {
      const { type, data } = JSON.parse(text) as { readonly type: string; readonly data: { readonly title: string } };
      received.push({ id: String(request.headers['webhook-id']), type, title: data.title });
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  receiver.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const ROWS = 50;
/** Start values of the windows: twice as in the baseline, then with drift. */
const WINDOWS = [0, 0, 30, 30, 30, 30, 30, 30, 30, 30];
/** A limit against hanging: after each kill a lease of 30 s has to run out. */
const PATIENCE_MS = 1_800_000;

test(
  'kill -9 during the evaluation of windows: each window once, each alert once, one start of the pipeline',
  async () => {
    // The time of each kill, then whether the control process exits before its supervisor: it does.
    const dais = await KillableDais.start(folder, () => 0, { 'outbound.allowHosts': ['127.0.0.1'] });
    const client = servingClient(dais.url);
    await client.register('m', 2, { example: { inputs: [[1]] } });
    await dais.call('POST', '/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
    await client.settled(
      'scaled',
      ({ variants, conditions }) =>
        variants?.[0]?.name === 'stable' &&
        conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    );
    const apply = async (kind: string, plural: string, name: string, spec: object) =>
      await dais.call('POST', `/${plural}`, { apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec });
    const { port } = receiver.address() as AddressInfo;
    await apply('AlertChannel', 'alertchannels', 'desk', {
      send: { type: 'webhook', url: `http://127.0.0.1:${port}/` },
    });
    await apply('Pipeline', 'pipelines', 'retrain', {
      steps: { main: { command: ['true'], resources: { cpu: 1_000_000 } } },
    });
    const since = new Date(Date.now() - 3_600_000).toISOString();
    for (const from of WINDOWS) {
      const data = Array.from({ length: ROWS }, (_, at) => from + (at % 25) / 10);
      const answer = await client.call('POST', '/v2/models/scaled/infer', {
        inputs: [{ name: 'x', shape: [ROWS, 1], datatype: 'FP32', data }],
      });
      expect(answer).toMatchObject({ status: 200 });
    }
    await apply('Monitor', 'monitors', 'watch', {
      endpoint: 'scaled',
      windows: { type: 'count', rows: ROWS },
      since,
      graceSeconds: 0,
      minSamples: 40,
      alerts: ['desk'],
      onAlert: { startPipeline: { pipeline: 'retrain', cooldownMinutes: 0, maxPerDay: 100, checks: ['drift'] } },
    });
    const windows = async () =>
      (await dais.call<MonitorSummary>('GET', '/monitoring/monitors/watch').catch(() => undefined))?.windows ?? 0;
    const atLeast = async (n: number) =>
      await vi.waitUntil(async () => (await windows()) >= n, { ...KILL_TIMEOUT, interval: 5 });

    await atLeast(1);
    await dais.kill(0);
    // The third window raises the alerts and starts the pipeline.
    await atLeast(3);
    await dais.kill(0);
    await atLeast(WINDOWS.length);

    const { items: reports } = await dais.call<{ items: MonitorReportHead[] }>(
      'GET',
      '/monitoring/monitors/watch/reports',
    );
    expect(reports.map(({ number, rows, status }) => [number, rows, status]).toReversed()).toEqual(
      WINDOWS.map((from, at) => [at + 1, ROWS, at === 0 ? 'unknown' : from === 0 ? 'passing' : 'failing']),
    );
    const { items: alerts } = await dais.call<{ items: MonitorAlert[] }>('GET', '/monitoring/monitors/watch/alerts');
    const checks = ['drift', 'prediction-drift', 'quality'];
    expect(alerts.map(({ check }) => check).toSorted()).toEqual(checks);
    expect(alerts.map(({ windows: bad, firstWindow }) => [firstWindow, bad])).toEqual(
      checks.map(() => [3, WINDOWS.length - 2]),
    );
    // A delivery can arrive twice with the same id; receivers deduplicate by the id.
    await vi.waitUntil(() => new Set(received.map(({ id }) => id)).size >= checks.length, KILL_TIMEOUT);
    const { items: decisions } = await dais.call<{ items: MonitorDecision[] }>(
      'GET',
      '/monitoring/monitors/watch/decisions',
    );
    expect(decisions).toMatchObject([{ outcome: 'started', pipeline: 'retrain' }]);
    const { items: runs } = await dais.call<{ items: { readonly id: string }[] }>('GET', '/executions');
    expect(runs.map(({ id }) => id)).toEqual([decisions[0]?.run]);
    expect(await dais.stop()).toBe(0);
    expect(new Set(received.map(({ id }) => id)).size).toBe(checks.length);
    expect(await dais.leftContent()).toEqual({ unowned: 0, missing: 0 });
    expect(dais.problems).toEqual([]);
  },
  PATIENCE_MS,
);
