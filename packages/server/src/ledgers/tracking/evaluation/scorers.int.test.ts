import type { OnlineScoringConfig, Scorer } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const register = async (experimentId: string, name: string, definition = '{}') =>
  await call<Scorer>('scorer.register', { experimentId, name, definition });
const found = async (operation: 'search' | 'versions', input: object) =>
  (await call<{ items: Scorer[] }>(`scorer.${operation}`, input)).items.map(
    ({ name, version }) => `${name} ${version}`,
  );

beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world?.stop());

test('a scorer has versions with unique numbers', async () => {
  const experimentId = await world.experiment();
  const first = await register(experimentId, 'safety', '{"a":1}');
  expect(first).toEqual({
    id: expect.any(String),
    experimentId,
    name: 'safety',
    version: 1,
    definition: '{"a":1}',
    createdAt: expect.any(Number),
  });
  const second = await register(experimentId, 'safety', '{"a":2}');
  expect(second).toMatchObject({ id: first.id, version: 2 });
  const named = { experimentId, name: 'safety' };
  expect(await call('scorer.get', named)).toEqual(second);
  expect(await call('scorer.get', { ...named, version: 1 })).toEqual(first);
  expect(await found('versions', named)).toEqual(['safety 1', 'safety 2']);
  for (const deleted of [1, 0]) expect(await call('scorer.delete', { ...named, version: 2 })).toEqual({ deleted });
  expect(await register(experimentId, 'safety')).toMatchObject({ version: 3 });
  for (const deleted of [2, 0]) expect(await call('scorer.delete', named)).toEqual({ deleted });
  for (const operation of ['get', 'versions']) {
    expect([operation, await codeOf(call(`scorer.${operation}`, named))]).toEqual([operation, 'not_found']);
  }
  expect(await found('search', { experimentIds: [experimentId] })).toEqual([]);
});

test('scorers of an experiment or a project are listed with their latest versions', async () => {
  const [one, two] = [await world.experiment(), await world.experiment()];
  for (const name of ['b', 'a', 'b']) await register(one, name);
  await register(two, 'c');
  expect(await found('search', { experimentIds: [one] })).toEqual(['a 1', 'b 2']);
  expect(await found('search', { experimentIds: [one, two, '999999'] })).toEqual(['a 1', 'b 2', 'c 1']);
  expect(await found('search', {})).toEqual(expect.arrayContaining(['a 1', 'b 2', 'c 1']));
  const page = await call<{ nextCursor: string }>('scorer.search', { experimentIds: [one], limit: 1 });
  expect(await found('search', { experimentIds: [one], limit: 1, cursor: page.nextCursor })).toEqual(['b 2']);
  await call('experiment.delete', { id: one });
  expect(await found('search', { experimentIds: [one, two] })).toEqual(['c 1']);
  expect(await codeOf(register(one, 'a'))).toBe('invalid_state');
  expect(await codeOf(call('scorer.get', { experimentId: one, name: 'a' }))).toBe('invalid_state');
});

test('two concurrent registrations create two versions', async () => {
  const experimentId = await world.experiment();
  const made = await Promise.all(Array.from({ length: 8 }, () => register(experimentId, 'safety')));
  expect(made.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('missing scorers are not found', async () => {
  expect(await codeOf(register('999999', 'a'))).toBe('not_found');
  expect(await codeOf(call('scorer.get', { experimentId: await world.experiment(), name: 'none' }))).toBe('not_found');
});

const configure = async (experimentId: string, name: string, more: object = {}) =>
  await call<OnlineScoringConfig>('scorer.setOnlineScoring', { experimentId, name, sampleRate: 0.5, ...more });
const configured = async (input: object) =>
  await call<{ items: OnlineScoringConfig[]; nextCursor?: string }>('scorer.searchOnlineScoring', input);

test('a scorer has one online scoring configuration, until its last version is deleted', async () => {
  const experimentId = await world.experiment();
  const { id: scorerId } = await register(experimentId, 'safety');
  await register(experimentId, 'safety');
  expect((await configured({ scorerIds: [scorerId] })).items).toEqual([]);
  const first = await configure(experimentId, 'safety', { filter: "status = 'OK'" });
  expect(first).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    scorerId,
    experimentId,
    sampleRate: 0.5,
    filter: "status = 'OK'",
  });
  expect((await configured({ scorerIds: [scorerId] })).items).toEqual([first]);
  const second = await configure(experimentId, 'safety', { sampleRate: 0 });
  expect(second).toEqual({ id: expect.any(String), scorerId, experimentId, sampleRate: 0 });
  expect((await configured({ scorerIds: [scorerId, 'unknown'] })).items).toEqual([second]);
  await call('scorer.delete', { experimentId, name: 'safety', version: 1 });
  expect((await configured({ scorerIds: [scorerId] })).items).toEqual([second]);
  await call('scorer.delete', { experimentId, name: 'safety' });
  expect((await configured({ scorerIds: [scorerId] })).items).toEqual([]);
  expect(await codeOf(configure(experimentId, 'safety'))).toBe('not_found');
  await register(experimentId, 'safety');
  expect((await configured({ scorerIds: [scorerId] })).items).toEqual([]);
});

test('online scoring configurations are listed in pages, without those of deleted experiments', async () => {
  const [one, two] = [await world.experiment(), await world.experiment()];
  const made = [];
  for (const [experimentId, name] of [
    [one, 'b'],
    [one, 'a'],
    [two, 'c'],
  ] as const) {
    await register(experimentId, name);
    made.push(await configure(experimentId, name));
  }
  const [b, a, c] = made;
  const scorerIds = made.map((config) => config.scorerId);
  const page = await configured({ scorerIds, limit: 2 });
  expect(page.items).toEqual([a, b]);
  expect(await configured({ scorerIds, limit: 2, cursor: page.nextCursor })).toEqual({ items: [c] });
  expect((await configured({})).items).toEqual(expect.arrayContaining(made));
  expect(await codeOf(configured({ scorerIds: [], limit: 2, cursor: page.nextCursor }))).toBe('invalid_cursor');
  await call('experiment.delete', { id: one });
  expect((await configured({ scorerIds })).items).toEqual([c]);
  expect(await codeOf(configure(one, 'a'))).toBe('invalid_state');
});

test.each([
  [{ sampleRate: -0.1 }, 'invalid_request'],
  [{ sampleRate: 1.1 }, 'invalid_request'],
  [{ sampleRate: 'half' }, 'invalid_request'],
  [{ filter: 'status =' }, 'invalid_request'],
  [{ filter: "colour = 'red'" }, 'invalid_request'],
  [{ experimentId: '999999' }, 'not_found'],
  [{ name: 'none' }, 'not_found'],
])('rejects the online scoring configuration %j', async (wrong, code) => {
  const experimentId = await world.experiment();
  await register(experimentId, 'safety');
  expect(await codeOf(configure(experimentId, 'safety', wrong))).toBe(code);
});
