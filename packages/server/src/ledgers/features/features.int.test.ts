/** Online features: materialized, pushed, read, computed, compared; and built into datasets. */
import { DaisError } from '@dais/api';
import { type FeatureSkew, type FeatureViewState } from '@dais/api/data';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '#lib/clock.ts';
import { systemClock } from '#lib/clock.ts';
import { startFeaturesWorld, type FeaturesWorld } from './testing/features-world.ts';

let nowMs = Date.parse('2026-11-01T12:00:00Z');
const clock: Clock = { ...systemClock, now: () => nowMs };
let world: FeaturesWorld;
let shared: string;
beforeAll(async () => {
  world = await startFeaturesWorld({ clock });
  await world.apply('Entity', 'airport', { joinKey: 'code', type: 'string' });
  shared = await world.dataset(WEATHER);
}, 120_000);
afterAll(async () => await world.stop());

const WEATHER = `code,at,written,wind,gusts
FRA,2026-11-01T09:00:00Z,2026-11-01T09:05:00Z,10,true
FRA,2026-11-01T10:00:00Z,2026-11-01T10:05:00Z,12.5,false
FRA,2026-11-01T11:00:00Z,2026-11-01T11:05:00Z,15,
MUC,2026-11-01T05:00:00Z,2026-11-01T05:05:00Z,3,true
BER,2026-11-01T13:00:00Z,2026-11-01T13:05:00Z,99,true
`;
let made = 0;

/** `own`: of a separate dataset. */
async function weather(more: object = {}, own = false): Promise<{ view: string; dataset: string }> {
  const dataset = own ? await world.dataset(WEATHER) : shared;
  const view = `weather_${++made}`;
  await world.apply('FeatureView', view, {
    entities: ['airport'],
    source: { type: 'dataset', dataset },
    eventTime: 'at',
    createdTime: 'written',
    ttl: '6h',
    features: [
      { name: 'wind', type: 'float64' },
      { name: 'gusts', type: 'boolean' },
    ],
    ...more,
  });
  return { view, dataset };
}

async function read(view: string, codes: readonly unknown[], feature = 'wind') {
  const { features } = await world.read({ features: [`${view}:${feature}`], entities: { code: codes } });
  return { values: features[0]?.values, statuses: features[0]?.statuses, times: features[0]?.eventTimes };
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  const error: unknown = await work.then(
    () => new Error('it did not fail'),
    (failure: unknown) => failure,
  );
  return error instanceof DaisError ? error.code : String(error);
};

describe('materialize', () => {
  test('writes the newest row of each entity in the range, and reads return a status per value', async () => {
    const { view } = await weather();
    expect(await read(view, ['FRA'])).toMatchObject({ values: [null], statuses: ['NOT_FOUND'], times: [null] });
    expect(await world.materialize({ view, mode: 'full' })).toMatchObject({
      state: 'succeeded',
      entities: 1,
      written: 1,
      end: '2026-11-01T12:00:00Z',
    });
    // MUC is older than 6 h, BER is in the future.
    expect(await read(view, ['MUC', 'FRA', 'BER'])).toEqual({
      values: [null, 15, null],
      statuses: ['NOT_FOUND', 'PRESENT', 'NOT_FOUND'],
      times: [null, '2026-11-01T11:00:00Z', null],
    });
    expect(await read(view, ['FRA'], 'gusts')).toMatchObject({ values: [null], statuses: ['NULL_VALUE'] });
  });

  test('includes both ends of the range', async () => {
    const { view } = await weather({ ttl: '0s' });
    const window = { start: '2026-11-01T05:00:00Z', end: '2026-11-01T10:00:00Z' };
    expect(await world.materialize({ view, mode: 'full', ...window })).toMatchObject({ entities: 2 });
    expect(await read(view, ['FRA', 'MUC'])).toMatchObject({ values: [12.5, 3] });
    // From the end of the last materialization.
    expect(await world.materialize({ view })).toMatchObject({
      state: 'succeeded',
      start: '2026-11-01T10:00:00Z',
      entities: 1,
    });
    expect(await read(view, ['FRA', 'MUC', 'BER'])).toMatchObject({ values: [15, 3, null] });
  });

  test('omits an expired value', async () => {
    const { view } = await weather();
    await world.materialize({ view, mode: 'full' });
    const before = nowMs;
    try {
      nowMs = Date.parse('2026-11-01T17:00:00Z');
      expect(await read(view, ['FRA'])).toMatchObject({ values: [15], statuses: ['PRESENT'] });
      nowMs += 1;
      expect(await read(view, ['FRA'])).toEqual({
        values: [null],
        statuses: ['OUTSIDE_MAX_AGE'],
        times: ['2026-11-01T11:00:00Z'],
      });
    } finally {
      nowMs = before;
    }
  });

  test('materializes, pushes to and reads a view without entities, which has one row', async () => {
    const { view } = await weather({ entities: [], ttl: '0s', createdTime: undefined }, true);
    expect(await world.materialize({ view, mode: 'full' })).toMatchObject({
      state: 'succeeded',
      entities: 1,
      written: 1,
    });
    const readAll = async (entities: object) =>
      (await world.read({ features: [`${view}:wind`], entities })).features[0]?.values;
    expect(await readAll({})).toEqual([15]);
    // Clients of Feast send a key that the view does not have.
    expect(await readAll({ __dummy_id: ['', ''] })).toEqual([15, 15]);
    expect(await world.materialize({ view, end: '2026-11-01T13:30:00Z' })).toMatchObject({ entities: 1, written: 1 });
    expect(await readAll({})).toEqual([99]);
    const rows = { at: ['2026-11-01T14:00:00Z'], wind: [7], gusts: [null] };
    expect(await world.call('features.push', { view, rows, to: 'online' })).toEqual({ rows: 1, written: 1 });
    expect(await readAll({})).toEqual([7]);
  });

  test('runs one materialization at a time, and rejects impossible ones', async () => {
    const { view } = await weather();
    const results = await Promise.all([
      codeOf(world.call('features.materialize', { view })),
      codeOf(world.call('features.materialize', { view })),
    ]);
    expect(results.toSorted()).toEqual(['Error: it did not fail', 'invalid_state']);
    await world.apply('FeatureView', 'pushed only', {
      source: { type: 'push' },
      features: [{ name: 'a', type: 'int32' }],
    });
    expect(await codeOf(world.call('features.materialize', { view: 'pushed only' }))).toBe('invalid_state');
    expect(await codeOf(world.call('features.materialize', { view: 'none' }))).toBe('not_found');
    expect(await codeOf(world.history({ features: ['pushed only:a'], entities: { event_timestamp: [] } }))).toBe(
      'invalid_state',
    );
    const wrong = await weather({ features: [{ name: 'rain', type: 'float64' }] });
    expect(await world.materialize({ view: wrong.view })).toMatchObject({
      state: 'failed',
      error: expect.stringMatching(/rain/),
    });
  });

  test('an added feature is NOT_FOUND until it is materialized', async () => {
    const { view, dataset } = await weather({ features: [{ name: 'wind', type: 'float64' }] });
    await world.materialize({ view, mode: 'full' });
    await world.apply('FeatureView', view, {
      entities: ['airport'],
      source: { type: 'dataset', dataset },
      eventTime: 'at',
      createdTime: 'written',
      ttl: '6h',
      features: [
        { name: 'gusts', type: 'boolean' },
        { name: 'wind', type: 'float64' },
      ],
    });
    expect(await read(view, ['FRA'])).toMatchObject({ values: [15], statuses: ['PRESENT'] });
    expect(await read(view, ['FRA'], 'gusts')).toMatchObject({ statuses: ['NOT_FOUND'] });
    await world.materialize({ view, mode: 'full' });
    expect(await read(view, ['FRA'], 'gusts')).toMatchObject({ statuses: ['NULL_VALUE'] });
  });
});

describe('push', () => {
  const row = (code: string, at: string, wind: number) => ({
    code: [code],
    at: [at],
    written: [at],
    wind: [wind],
    gusts: [null],
  });

  test('the newer event time is used, from any source', async () => {
    const { view } = await weather();
    await world.materialize({ view, mode: 'full' });
    const push = async (rows: object, to = 'online') =>
      await world.call<{ written: number }>('features.push', { view, rows, to });
    expect(await push(row('FRA', '2026-11-01T10:30:00Z', 1))).toEqual({ rows: 1, written: 0 });
    expect(await push(row('FRA', '2026-11-01T11:30:00Z', 2))).toEqual({ rows: 1, written: 1 });
    expect(await read(view, ['FRA'])).toMatchObject({ values: [2], times: ['2026-11-01T11:30:00Z'] });
    await world.materialize({ view, mode: 'full' });
    expect(await read(view, ['FRA'])).toMatchObject({ values: [2] });
  });

  test('an offline push becomes a version of the dataset and part of the history', async () => {
    const { view, dataset } = await weather({ ttl: '0s' }, true);
    const pushed = await world.call('features.push', {
      view,
      rows: row('HAM', '2026-11-01T08:00:00Z', 42),
      to: 'both',
    });
    expect(pushed).toEqual({ rows: 1, written: 1, version: 'later' });
    const requested = {
      features: [`${view}:wind`],
      entities: { code: ['HAM', 'FRA'], event_timestamp: ['2026-11-01T08:00:00Z', '2026-11-01T09:00:00Z'] },
    };
    await expect.poll(async () => (await world.history(requested)).rows['wind']).toEqual([42, 10]);
    const { rows } = await world.call<{ rows: number }>('datasetVersion.get', { name: dataset, version: 'latest' });
    expect(rows).toBe(6);
  });

  test.each([
    [
      { code: ['A'], at: ['2026-11-01'], written: ['2026-11-01'], wind: ['much'], gusts: [null] },
      /"wind" of rows, row 0/,
    ],
    [{ code: [null], at: ['2026-11-01'], written: ['2026-11-01'], wind: [1], gusts: [null] }, /join key is missing/],
    [{ code: ['A'], at: [null], written: ['2026-11-01'], wind: [1], gusts: [null] }, /the event time is missing/],
    [{ code: ['A'], written: ['2026-11-01'], wind: [1], gusts: [null] }, /"at" of rows is missing/],
    [{ code: ['A'], at: ['2026-11-01'], written: ['2026-11-01'], wind: [1] }, /"gusts" of rows is missing/],
    [{ code: ['A', 'B'], at: ['2026-11-01'], wind: [1], gusts: [null] }, /the same length/],
  ])('rejects all rows if one is invalid: %j', async (rows, message) => {
    const { view } = await weather();
    await expect(world.call('features.push', { view, rows, to: 'online' })).rejects.toThrow(message);
  });
});

describe('on demand', () => {
  test('computes features equally online and in history', async () => {
    const { view } = await weather();
    await world.apply('FeatureView', 'comfort', {
      source: { type: 'onDemand', views: [view], request: [{ name: 'speed', type: 'float64' }] },
      features: [
        { name: 'headwind', type: 'float64', expression: 'coalesce(wind, 0) * 1.852 + speed' },
        { name: 'rough', type: 'boolean', expression: `${view}.wind > 12 or gusts` },
        {
          name: 'class',
          type: 'string',
          expression: "case when wind is null then 'unknown' when wind >= 15 then 'strong' else 'light' end",
        },
        { name: 'knots', type: 'int64', expression: 'wind / 2' },
      ],
    });
    await world.apply('FeatureService', 'flight', { features: [{ view: 'comfort' }, { view, features: ['wind'] }] });
    await world.materialize({ view, mode: 'full' });
    const entities = { code: ['FRA', 'XXX'], speed: [100, 200] };
    const { features } = await world.read({ service: 'flight', entities });
    const online = Object.fromEntries(features.map(({ name, values }) => [name, values]));
    expect(online).toEqual({
      headwind: [127.78, 200],
      rough: [true, null],
      class: ['strong', 'unknown'],
      knots: [8, null],
      wind: [15, null],
    });
    const at = ['2026-11-01T12:00:00Z', '2026-11-01T12:00:00Z'];
    const { rows } = await world.history({ service: 'flight', entities: { ...entities, event_timestamp: at } });
    expect(rows).toMatchObject(online);
    await expect(world.read({ service: 'flight', entities: { code: ['FRA'] } })).rejects.toThrow(/"speed"/);
  });

  test.each([
    ['wind +', /ends where a value is expected/],
    ['wind + lag(wind) over ()', /lag\(\) is not a supported function/],
    ["wind + 'a'", /takes a number, not a text/],
    ['winds * 2', /nearest: "wind"/],
    ['(select 1)', /"select" is not supported in features/],
    ["wind || ''", /takes a text, not a number/],
  ])('rejects %s on apply', async (expression, message) => {
    const { view } = await weather();
    const spec = {
      source: { type: 'onDemand', views: [view] },
      features: [{ name: 'x', type: 'float64', expression }],
    };
    const failure: unknown = await world.apply('FeatureView', 'wrong', spec).catch((error: unknown) => error);
    expect(String(failure)).toMatch(message);
  });
});

describe('builds, states and skew', () => {
  test('a build creates a version with its lineage', async () => {
    const { view, dataset } = await weather();
    await world.apply('FeatureService', 'training', { features: [{ view }] });
    const flights = await world.dataset(
      'flight,code,event_timestamp,late\n2,MUC,2026-11-01T08:00:00Z,5\n1,FRA,2026-11-01T10:59:59Z,0\n3,FRA,2026-11-01T10:59:59Z,1\n',
    );
    const built = await world.build({ service: 'training', entities: `${flights}@1`, to: 'training-set' });
    expect(built).toMatchObject({
      state: 'succeeded',
      dataset: 'training-set',
      version: 1,
      rows: 3,
      sources: [`${dataset}@1`],
      entities: `${flights}@1`,
    });
    const head = await world.call<{ columns: { name: string }[]; rows: unknown[][] }>('datasetVersion.head', {
      name: 'training-set',
      version: '1',
      limit: 10,
    });
    expect(head.rows.map((row) => [row[0], ...row.slice(3)])).toEqual([
      [2, 5, 3, true],
      [1, 0, 12.5, false],
      [3, 1, 12.5, false],
    ]);
    const lineage = await world.call<{ nodes: { node: string; name?: string }[] }>('lineage.get', {
      node: `dataset-version:${built.versionId}`,
      direction: 'upstream',
      depth: 5,
    });
    const names = lineage.nodes.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['training', view, `${dataset}@1`, `${flights}@1`]));
    // Unchanged data creates no version.
    expect(await world.build({ service: 'training', entities: `${flights}@1`, to: 'training-set' })).toMatchObject({
      version: 1,
      versionId: built.versionId,
    });
  });

  test('rejects keys of another type before the job starts', async () => {
    const { view } = await weather();
    const flights = await world.dataset('code,event_timestamp\n1,2026-11-01T08:00:00Z\n');
    const input = { features: [`${view}:wind`], entities: `${flights}@1`, to: 'never' };
    await expect(world.build(input)).rejects.toThrow(
      /"code" of .*@1 is int64\. As the join key of .* it must be string/,
    );
    const other = await world.dataset('code,at\nFRA,2026-11-01T08:00:00Z\n');
    await expect(world.build({ ...input, entities: `${other}@1` })).rejects.toThrow(/has no column "event_timestamp"/);
    expect(await codeOf(world.build({ ...input, entities: 'none@1' }))).toBe('not_found');
  });

  test('views report freshness and services', async () => {
    const { view, dataset } = await weather();
    await world.apply('FeatureService', 'taker', { features: [{ view }] });
    await world.materialize({ view, mode: 'full' });
    const { items } = await world.call<{ items: FeatureViewState[] }>('features.list', { limit: 1000 });
    expect(items.find(({ name }) => name === view)).toMatchObject({
      entities: ['airport'],
      source: `dataset ${dataset}`,
      onlineEntities: 1,
      materializedTo: '2026-11-01T12:00:00Z',
      services: ['taker'],
    });
  });

  test('the check finds differences on both sides', async () => {
    const { view } = await weather({ ttl: '0s' });
    await world.materialize({ view, mode: 'full' });
    const check = async () =>
      (await world.call<FeatureSkew>('features.check', { features: [`${view}:wind`], sample: 100 })).features[0];
    expect(await check()).toMatchObject({ same: 3, different: 0, onlyOnline: 0, onlyOffline: 0, examples: [] });
    const at = ['2026-11-01T11:30:00Z', '2026-11-01T11:30:00Z'];
    await world.call('features.push', {
      view,
      rows: { code: ['FRA', 'NEW'], at, written: at, wind: [7, 8], gusts: [null, null] },
    });
    expect(await check()).toMatchObject({
      different: 1,
      onlyOnline: 1,
      examples: expect.arrayContaining([
        { entity: { code: 'FRA' }, online: 7, offline: 15, onlineTime: at[0], offlineTime: '2026-11-01T11:00:00Z' },
      ]),
    });
  });

  test('materializes a refreshed view automatically, and removes a deleted one', async () => {
    const { view } = await weather({ refresh: { every: '1h' } });
    await expect.poll(async () => (await read(view, ['FRA'])).values).toEqual([15]);
    const { metadata } = await world.call<{ metadata: { uid: string } }>('featureView.get', { name: view });
    const project = (await world.call<{ metadata: { uid: string } }>('project.get', { name: 'default' })).metadata.uid;
    const count = async () => await world.online.count({ project, view: metadata.uid });
    expect(await count()).toBe(1);
    await world.call('featureView.delete', { name: view });
    await expect.poll(count).toBe(0);
    expect(await codeOf(read(view, ['FRA']))).toBe('not_found');
  });
});
