import type { LoggedModel } from '@dais/api/tracking';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { errorOf } from '#kernel/testing/test-project.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

interface ModelPage {
  readonly items: readonly LoggedModel[];
  readonly nextCursor?: string;
}

let world: TrackingWorld;
let experimentIds: string[];

const call = async <Output>(name: string, input: unknown) => await world.dais.call<Output>(name, input);
const search = async (input: object = {}) => await call<ModelPage>('loggedModel.search', { experimentIds, ...input });
const names = async (input: object = {}) => (await search(input)).items.map(({ name }) => name);
const byName = { orderBy: [{ field: 'name' }] };

beforeAll(async () => {
  world = await startTrackingWorld();
  experimentIds = [await world.experiment()];
  const [experimentId] = experimentIds;
  const run = await world.run(experimentId);
  const models = [
    { name: 'net', type: 'torch', params: { depth: '3' }, tags: { team: 'vision' }, points: [0.5, 0.7] },
    { name: 'tree', type: 'boosted', params: { depth: '10' }, tags: { team: 'Speech' }, points: [0.9, 0.6] },
    { name: 'line', params: {}, tags: {}, points: [Number.NaN] },
    { name: 'idle', params: {}, tags: {}, points: [] },
  ];
  const pairs = (of: object) => Object.entries(of).map(([key, value]) => ({ key, value: value as string }));
  for (const { points, params, tags, ...more } of models) {
    const input = { experimentId, ...more, sourceRunId: run.id, params: pairs(params), tags: pairs(tags) };
    const { id } = await call<LoggedModel>('loggedModel.create', input);
    const metrics = points.map((value, step) => ({
      key: 'acc score',
      value: Number.isNaN(value) ? 'NaN' : value,
      timestamp: 1000 + step,
      step,
      modelId: id,
      datasetName: step === 0 ? 'train' : 'test',
      datasetDigest: `d${step}`,
    }));
    await call('run.log', { id: run.id, metrics });
  }
  const [tree] = (await search({ filter: "name = 'tree'" })).items;
  await call('loggedModel.finalize', { id: tree!.id, status: 'READY' });
});
afterAll(async () => await world?.stop());

test.each([
  ["name = 'net'", ['net']],
  ['name = "net"', ['net']],
  ["attributes.name LIKE '%e'", ['idle', 'line', 'tree']],
  ["name IN ('net', 'idle')", ['idle', 'net']],
  ["model_type != 'torch'", ['tree']],
  ["status = 'READY'", ['tree']],
  ["status NOT IN ('READY')", ['idle', 'line', 'net']],
  ["params.depth = '3'", ['net']],
  ['params.depth = 10', ['tree']],
  ["tags.team ILIKE 'speech'", ['tree']],
  ['creation_timestamp > 0', ['idle', 'line', 'net', 'tree']],
  ['creation_time < 5', []],
  // The latest value counts: of the highest step.
  ['metrics.`acc score` > 0.65', ['net']],
  ['metrics.`acc score` < 1', ['net', 'tree']],
  ['metrics.`acc score` != 0.7', ['line', 'tree']],
  ["metrics.`acc score` > 0.5 and name = 'tree'", ['tree']],
])('filter %s', async (filter, expected) => {
  expect(await names({ filter, ...byName })).toEqual(expected);
});

describe('datasets', () => {
  const train = { datasetName: 'train' };

  test('limit the metrics of the filter', async () => {
    const filter = 'metrics.`acc score` > 0.65';
    expect(await names({ filter, datasets: [train] })).toEqual(['tree']);
    expect(await names({ filter, datasets: [{ datasetName: 'test', datasetDigest: 'd1' }] })).toEqual(['net']);
    expect(await names({ filter, datasets: [{ datasetName: 'test', datasetDigest: 'd0' }] })).toEqual([]);
  });

  test('without a metric in the filter, select models with metrics on one of them', async () => {
    expect(await names({ datasets: [{ datasetName: 'test' }], ...byName })).toEqual(['net', 'tree']);
    expect(await names({ datasets: [train, { datasetName: 'test' }], ...byName })).toEqual(['line', 'net', 'tree']);
  });

  test('limit the metric of an order', async () => {
    const field = 'metrics.acc score';
    expect(await names({ orderBy: [{ field, ascending: false }] })).toEqual(['net', 'tree', 'line', 'idle']);
    expect(await names({ orderBy: [{ field, ascending: true }] })).toEqual(['tree', 'net', 'line', 'idle']);
    expect(await names({ orderBy: [{ field, ascending: false, ...train }] })).toEqual(['tree', 'net', 'line', 'idle']);
    const none = { datasetDigest: 'd1', ...train };
    expect(await names({ orderBy: [{ field, ascending: false, ...none }, { field: 'name' }] })).toEqual([
      'idle',
      'line',
      'net',
      'tree',
    ]);
  });
});

test('pages continue after their last row', async () => {
  const orderBy = [{ field: 'metrics.acc score', ascending: false }, { field: 'model_type' }];
  const all = await names({ orderBy });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await search({ orderBy, limit: 1, ...(cursor !== undefined && { cursor }) });
    seen.push(...page.items.map(({ name }) => name));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(seen).toEqual(all);
  const { nextCursor } = await search({ orderBy, limit: 1 });
  expect(await codeOf(search({ limit: 1, cursor: nextCursor }))).toBe('invalid_cursor');
});

test('returns the newest first, and deleted models only on request', async () => {
  const times = (await search()).items.map(({ createdAt }) => createdAt);
  expect(times).toEqual(times.toSorted((a, b) => b - a));
  expect(times).toHaveLength(4);
  const { id } = await call<LoggedModel>('loggedModel.create', { experimentId: experimentIds[0], name: 'gone' });
  await call('loggedModel.delete', { id });
  expect(await names()).not.toContain('gone');
  expect(await names({ view: 'deleted' })).toEqual(['gone']);
  expect(await search({ experimentIds: [] })).toEqual({ items: [] });
});

test.each([
  [{ filter: "status = 'FOO'" }, "Unknown model status in filter: 'FOO'"],
  [{ filter: "metrics.a > '1'" }, "Expected numeric value type for metric. Found '1'"],
  [{ filter: 'tags.a IS NULL' }, 'IS NULL / IS NOT NULL is not supported for logged models.'],
  [{ orderBy: [{ field: 'foo' }] }, 'Invalid order by field name: foo.'],
  [{ orderBy: [{ field: 'params.x' }] }, 'Invalid order by field name: params.x. Only metrics are supported.'],
])('rejects %j', async (input, message) => {
  expect((await errorOf(search(input))).message).toBe(message);
});
