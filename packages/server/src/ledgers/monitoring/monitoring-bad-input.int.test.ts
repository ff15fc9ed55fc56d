import type { MonitorReport } from '@dais/api/monitoring';
import { beforeAll, expect, test } from 'vitest';
import { batchClient, type BatchCall } from '#testing/batch-client.ts';
import { evaluatedWindow } from '#testing/evaluated-window.ts';
import { servingClient, type ServingClient } from '#testing/serving-client.ts';
import { sharedDais, type SharedDais } from '#testing/shared-dais.ts';

/** Limits against hanging, not measurements. */
const START_MS = 600_000;
const WAIT = { timeout: 120_000, interval: 200 };

let dais: SharedDais;
let client: ServingClient;

let url: string;

const call: BatchCall = async (method, path, body) => {
  const answer = await client.call(method, `/api/v1${path}`, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body as never;
};
const push = async (dataset: string, csv: string) => await batchClient(call).push(dataset, csv);

beforeAll(async () => {
  dais = await sharedDais();
  url = dais.url;
  client = servingClient(url);
}, START_MS);

async function watch(name: string, spec: object): Promise<void> {
  const manifest = { apiVersion: 'dais.dev/v1', kind: 'Monitor', metadata: { name }, spec };
  await call('POST', '/monitors', manifest);
}

const evaluated = async (monitor: string, window: number) => await evaluatedWindow({ dais, call }, monitor, window);

/** Returns type and column of checks that do not pass. */
function shown({ results }: MonitorReport): string[] {
  return results.flatMap(({ check, column = '', metric, status }) =>
    status === 'passing' ? [] : [`${check} ${column} ${metric} ${status}`],
  );
}

const ROWS = 200;
const csv = (head: string, row: (at: number) => string, rows = ROWS) =>
  `${head}\n${Array.from({ length: rows }, (_, at) => `${row(at)}\n`).join('')}`;
const good = csv('distance,carrier', (at) => `${at % 40}.5,${['AA', 'UA'][at % 2]}`);

test(
  'reports a missing column, a changed type, missing rows and a deleted baseline by name',
  { timeout: START_MS },
  async () => {
    const spec = { schemaChanges: 'any' };
    await call('POST', '/datasets', { apiVersion: 'dais.dev/v1', kind: 'Dataset', metadata: { name: 'trips' }, spec });
    await push('trips', good);
    await watch('on-trips', {
      dataset: 'trips',
      baseline: { type: 'dataset', version: 'trips@1' },
      since: '2020-01-01T00:00:00Z',
    });
    const same = await evaluated('on-trips', 1);
    expect(shown(same)).toEqual([]);
    expect(same.status).toBe('passing');

    await push(
      'trips',
      csv('distance', (at) => `${at % 40}.5`),
    );
    const vanished = await evaluated('on-trips', 2);
    expect(vanished.status).toBe('failing');
    expect(shown(vanished)).toEqual(
      expect.arrayContaining(['quality carrier vanished failing', 'drift carrier drift unknown']),
    );

    await push(
      'trips',
      csv('distance,carrier', (at) => `far ${at % 40},${['AA', 'UA'][at % 2]}`),
    );
    const changed = await evaluated('on-trips', 3);
    expect(changed.status).toBe('failing');
    expect(shown(changed)).toEqual(
      expect.arrayContaining(['quality distance type failing', 'drift distance drift unknown']),
    );
    expect(changed.reason).toContain('The type of distance changed from number to text.');

    await push(
      'trips',
      csv('distance,carrier', () => '', 0),
    );
    const empty = await evaluated('on-trips', 4);
    expect(empty).toMatchObject({ status: 'unknown', rows: 0 });
    expect(empty.reason).toContain('The window has no rows.');

    // The baseline is deleted: its statistics are still used, and every report notes it.
    await call('DELETE', '/data/datasets/trips/versions/1');
    await push('trips', good);
    const orphan = await evaluated('on-trips', 5);
    expect(orphan.notes).toContain('trips@1 was deleted. Windows are compared with its stored statistics.');
    expect(orphan.baseline).toMatchObject({ name: 'trips@1', rows: ROWS });
    expect(shown(orphan)).toEqual([]);
    await push(
      'trips',
      csv('distance,carrier', (at) => `${900 + (at % 40)}.5,${['AA', 'UA'][at % 2]}`),
    );
    expect((await evaluated('on-trips', 6)).status).toBe('failing');
    // A baseline that was never read has no statistics, so no check passes.
    await watch('on-nothing', {
      dataset: 'trips',
      baseline: { type: 'dataset', version: 'trips@1' },
      since: '2020-01-01T00:00:00Z',
    });
    const nothing = await evaluated('on-nothing', 1);
    expect(nothing.status).toBe('unknown');
    expect(nothing.reason).toContain('trips@1');
  },
);

test(
  'reports missing labels, labels of unknown predictions, and periods without predictions',
  { timeout: START_MS },
  async () => {
    await client.register('m', 2, { example: { inputs: [[1]] } });
    await call('POST', '/serving/endpoints/scaled/deploy', { model: 'models:/m/1' });
    await client.settled(
      'scaled',
      ({ variants, conditions }) =>
        variants?.[0]?.name === 'stable' &&
        conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true,
    );
    const rows = 60;
    const ask = async () => {
      const data = Array.from({ length: rows }, (_, at) => at / 10);
      const answer = await fetch(`${url}/v2/models/scaled/infer`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ inputs: [{ name: 'x', shape: [rows, 1], datatype: 'FP32', data }] }),
      });
      expect([answer.status, await answer.text()]).toEqual([200, expect.any(String)]);
      return answer.headers.get('dais-prediction-id') ?? '';
    };
    const performance = { type: 'performance', metrics: [{ metric: 'mae', max: 0.5 }] };
    const since = new Date(Date.now() - 60_000).toISOString();
    const windows = { type: 'count', rows };
    const common = { endpoint: 'scaled', windows, since, graceSeconds: 0, minSamples: 40, checks: [performance] };
    const id = await ask();
    const answeredAt = Date.now();
    await watch('waits', common);
    // No labels are expected.
    await watch('never', { ...common, labelHours: 0.000_01 });
    const before = await evaluated('waits', 1);
    expect(before.status).toBe('unknown');
    await expect
      .poll(async () => (await evaluated('never', 1)).reason, WAIT)
      .toContain('0 of 60 predictions have ground truth, fewer than 30. Labels that arrive later are ignored.');

    // A label of an unknown prediction of that time, before the last id of the window.
    const outsider = id.replace(/[1-9a-f](?=0*$)/, '0');
    expect(outsider < id).toBe(true);
    await call('POST', '/predictions/endpoints/scaled/labels', { labels: [{ prediction: outsider, value: '1' }] });
    await expect
      .poll(async () => (await evaluated('waits', 1)).reason, WAIT)
      .toContain('No evaluated prediction exists for 1 label.');
    expect((await evaluated('waits', 1)).status).toBe('unknown');

    // The first window starts at a multiple of its length, so the prediction above may be outside.
    const lengthMs = 3000;
    const nextWindow = (Math.floor(answeredAt / lengthMs) + 1) * lengthMs;
    await expect.poll(() => Date.now(), WAIT).toBeGreaterThanOrEqual(nextWindow);
    // A window without rows is reported as such.
    await watch('empty', {
      endpoint: 'scaled',
      windows: { type: 'time', minutes: lengthMs / 60_000 },
      graceSeconds: 0,
      minSamples: 1,
      checks: [{ type: 'drift' }, { type: 'quality' }, { type: 'slo' }],
    });
    const empty = await evaluated('empty', 1);
    expect(empty).toMatchObject({ status: 'unknown', rows: 0 });
    expect(empty.reason).toContain('The window has no rows.');
    expect(empty.reason).toContain('The window has no requests.');
    expect(shown(empty).filter((one) => !one.endsWith('unknown'))).toEqual([]);
  },
);
