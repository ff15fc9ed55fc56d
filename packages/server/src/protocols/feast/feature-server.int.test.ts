/** Feast's feature server in a complete Dais: with accounts, two projects, over HTTP. */
import { beforeAll, describe, expect, test } from 'vitest';
import { sharedDais, WITH_ACCOUNTS } from '#testing/shared-dais.ts';

const PROJECT = 'drivers';
const NOW = Math.floor(Date.now() / 1000) * 1000;
const ago = (seconds: number) => new Date(NOW - seconds * 1000).toISOString();

let url: string;
const tokens: Record<string, string> = {};

interface Sent {
  readonly token?: string | undefined;
  readonly project?: string;
}
interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly headers: Headers;
}

async function send(
  path: string,
  body: unknown,
  { token = tokens['owner'], project = PROJECT }: Sent = {},
): Promise<Answer> {
  const response = await fetch(`${url}/p/${project}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token !== '' && { authorization: `Bearer ${token}` }) },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : (JSON.parse(text) as unknown) };
}

/** The error of which a client creates an exception: a JSON string that contains JSON. */
async function refusal(path: string, body: unknown, how: Sent = {}) {
  const answer = await send(path, body, how);
  expect(typeof answer.body).toBe('string');
  return { status: answer.status, ...(JSON.parse(answer.body as string) as { class: string; message: string }) };
}

const manifest = (kind: string, name: string, spec: object) =>
  JSON.stringify({ apiVersion: 'dais.dev/v1', kind, metadata: { name }, spec });

async function apply(documents: readonly string[], project?: string): Promise<void> {
  const answer = await fetch(`${url}${project === undefined ? '' : `/p/${project}`}/api/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens['owner']}` },
    body: JSON.stringify({ sources: [{ file: 'all.yaml', text: documents.join('\n---\n') }] }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

beforeAll(async () => {
  const shared = await sharedDais(PROJECT, WITH_ACCOUNTS);
  url = shared.root;
  tokens['owner'] = shared.token;
  const accounts = ['viewer', 'operator', 'stranger'];
  await apply([manifest('Project', 'other', {}), ...accounts.map((name) => manifest('ServiceAccount', name, {}))]);
  await apply(
    [
      ...['viewer', 'operator'].map((name) => manifest('RoleBinding', name, { role: name, serviceAccounts: [name] })),
      manifest('Entity', 'driver', { joinKey: 'driver_id', type: 'int64' }),
      manifest('FeatureView', 'stats', {
        entities: ['driver'],
        source: { type: 'push' },
        eventTime: 'event_timestamp',
        ttl: '1h',
        features: [
          { name: 'rate', type: 'float64' },
          { name: 'trips', type: 'int64' },
        ],
      }),
      manifest('FeatureService', 'model', { features: [{ view: 'stats', features: ['rate'] }] }),
    ],
    PROJECT,
  );
  for (const name of accounts) {
    const made = await fetch(`${url}/api/v1/serviceaccounts/${name}/tokens`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens['owner']}` },
      body: JSON.stringify({ title: 'feast', days: 1 }),
    });
    tokens[name] = ((await made.json()) as { token: string }).token;
  }
}, 180_000);

const FEATURES = ['stats:rate', 'stats:trips'];
const df = {
  driver_id: [1, 2],
  rate: [0.5, 2],
  trips: [9_007_199_254_740_992, null],
  event_timestamp: [ago(60), ago(2 * 3600)],
  created: [ago(0), ago(0)],
};

test('a viewer reads what an operator writes, by column, with the status of each value', async () => {
  const written = await send(
    '/write-to-online-store',
    { feature_view_name: 'stats', df },
    { token: tokens['operator'] },
  );
  expect([written.status, written.body]).toEqual([200, null]);
  const { status, body } = await send(
    '/get-online-features',
    { features: FEATURES, entities: { driver_id: [1, 2, 3] } },
    { token: tokens['viewer'] },
  );
  expect(status).toBe(200);
  const none = '1970-01-01T00:00:00Z';
  const times = [ago(60).replace('.000Z', 'Z'), ago(7200).replace('.000Z', 'Z'), none];
  const statuses = ['PRESENT', 'OUTSIDE_MAX_AGE', 'NOT_FOUND'];
  expect(body).toMatchObject({
    metadata: { feature_names: ['driver_id', 'rate', 'trips'] },
    results: [
      { values: [1, 2, 3], statuses: ['PRESENT', 'PRESENT', 'PRESENT'], event_timestamps: [none, none, none] },
      { statuses, event_timestamps: times },
      { statuses },
    ],
  });
  const [, rate] = (body as { results: { values: unknown[] }[] }).results;
  expect(rate?.values[0]).toBe(0.5);
  const service = await send('/get-online-features', {
    feature_service: 'model',
    entities: { driver_id: [1] },
    full_feature_names: true,
  });
  expect(service.body).toMatchObject({ metadata: { feature_names: ['driver_id', 'stats__rate'] } });
});

test('the newer event time wins; rejects columns of another length and rows without a key as a whole', async () => {
  const one = (rate: number, at: string) => ({ driver_id: [7], rate: [rate], trips: [1], event_timestamp: [at] });
  await send('/write-to-online-store', { feature_view_name: 'stats', df: one(1, ago(10)) });
  await send('/write-to-online-store', { feature_view_name: 'stats', df: one(2, ago(20)) });
  const { body } = await send('/get-online-features', { features: ['stats:rate'], entities: { driver_id: [7] } });
  expect(body).toMatchObject({ results: [{}, { values: [1] }] });
  for (const broken of [
    { ...one(3, ago(0)), trips: [1, 2] },
    { ...one(3, ago(0)), driver_id: [null] },
    { ...one(3, ago(0)), event_timestamp: ['yesterday'] },
    { ...one(3, ago(0)), rate: ['much'] },
  ]) {
    const refused = await refusal('/write-to-online-store', { feature_view_name: 'stats', df: broken });
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.status).toBeLessThan(500);
    expect(refused.message).not.toBe('');
  }
});

describe('errors from which clients create exceptions', () => {
  test.each([
    [
      'a view',
      '/get-online-features',
      { features: ['nope:x'], entities: { driver_id: [1] } },
      404,
      'FeatureViewNotFoundException',
    ],
    [
      'a service',
      '/get-online-features',
      { feature_service: 'nope', entities: {} },
      404,
      'FeatureServiceNotFoundException',
    ],
    ['a push source', '/push', { push_source_name: 'nope', df: {} }, 422, 'PushSourceNotFoundException'],
    [
      'a view to write to',
      '/write-to-online-store',
      { feature_view_name: 'nope', df: {} },
      404,
      'FeatureViewNotFoundException',
    ],
  ])('%s that does not exist', async (_what, path, body, status, feastClass) => {
    expect(await refusal(path, body)).toMatchObject({ status, class: feastClass });
  });

  test('invalid JSON, an empty request, a feature without its view, columns of different lengths', async () => {
    for (const body of [
      '{"features": [',
      {},
      { features: ['rate'], entities: { driver_id: [1] } },
      { features: FEATURES, entities: { driver_id: [1], other: [1, 2] } },
      { features: FEATURES, entities: {} },
    ]) {
      const { status, message } = await refusal('/get-online-features', body);
      expect([status >= 400 && status < 500, message === '']).toEqual([true, false]);
    }
  });

  test('authorization: no token, an invalid one, a viewer who writes, another project', async () => {
    const read = { features: FEATURES, entities: { driver_id: [1] } };
    const nobody = await refusal('/get-online-features', read, { token: '' });
    expect(nobody.status).toBe(401);
    const outsider = await refusal('/get-online-features', read, { token: tokens['stranger'] });
    expect([403, 404]).toContain(outsider.status);
    const writes = { feature_view_name: 'stats', df };
    const viewer = await refusal('/write-to-online-store', writes, { token: tokens['viewer'] });
    expect(viewer).toMatchObject({ status: 403, class: 'FeastPermissionError' });
    const elsewhere = await refusal('/get-online-features', read, { token: tokens['viewer'], project: 'other' });
    expect([403, 404]).toContain(elsewhere.status);
  });
});

test('rejects materialization of a pushed view; materializes one with a source and reports it', async () => {
  const window = { start_ts: ago(86_400), end_ts: ago(0) };
  const pushed = await refusal('/materialize', { ...window, feature_views: ['stats'] });
  expect(pushed.status).toBeGreaterThanOrEqual(400);
  expect(pushed.status).toBeLessThan(500);
  const sql = `select 1 as driver_id, 4.5 as score, timestamp '${ago(600).slice(0, 19)}' as at`;
  await apply(
    [
      manifest('Dataset', 'scores', { source: { type: 'dataset', sql, tables: {} } }),
      manifest('FeatureView', 'scored', {
        entities: ['driver'],
        source: { type: 'dataset', dataset: 'scores' },
        eventTime: 'at',
        features: [{ name: 'score', type: 'float64' }],
      }),
    ],
    PROJECT,
  );
  const refreshed = await fetch(`${url}/p/${PROJECT}/api/v1/data/datasets/scores/refresh`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${tokens['owner']}` },
    body: '{}',
  });
  if (!refreshed.ok) throw new Error(await refreshed.text());
  const done = async () => (await send('/materialize', { ...window, feature_views: ['scored'] })).status;
  await expect.poll(done, { timeout: 60_000, interval: 100 }).toBe(200);
  const { body } = await send('/get-online-features', { features: ['scored:score'], entities: { driver_id: [1] } });
  expect(body).toMatchObject({ results: [{}, { values: [4.5], statuses: ['PRESENT'] }] });
  const later = await send('/materialize-incremental?async=true', { end_ts: ago(0), feature_views: ['scored'] });
  expect(later).toMatchObject({ status: 202, body: { status: 'accepted', feature_views: ['scored'] } });
  expect(await refusal('/materialize', { feature_views: ['scored'] })).toMatchObject({ status: 400 });
});
