import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const read = async (id: string) => await call<Run>('run.get', { id });
const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }));

beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world?.stop());

test('parameters and tags are stored, and a repeated call changes nothing', async () => {
  const { id } = await world.run();
  const log = { id, params: pairs({ depth: '3', 'läuft/schnell': '' }), tags: pairs({ note: 'a', __proto__x: 'b' }) };
  for (const _ of [1, 2]) expect(await call('run.log', log)).toEqual({});
  const run = await read(id);
  expect(run.params).toEqual({ depth: '3', 'läuft/schnell': '' });
  expect(run.tags).toMatchObject({ note: 'a', __proto__x: 'b' });
});

test('metrics are stored with their latest point, and a repeated call changes nothing', async () => {
  const { id } = await world.run();
  const point = (key: string, step: number, value: number | string) => ({ key, step, timestamp: 1000 + step, value });
  const metrics = [point('loss', 2, 0.5), point('loss', 1, 0.7), point('acc', 0, 'NaN'), point('top', 0, 'Infinity')];
  for (const _ of [1, 2]) await call('run.log', { id, metrics });
  const run = await read(id);
  expect(run.metrics.toSorted((a, b) => (a.key < b.key ? -1 : 1))).toEqual([
    { key: 'acc', value: 'NaN', timestamp: 1000, step: 0 },
    { key: 'loss', value: 0.5, timestamp: 1002, step: 2 },
    { key: 'top', value: Number.MAX_VALUE, timestamp: 1000, step: 0 },
  ]);
  const { items } = await call<{ items: unknown[] }>('metric.history', { id, key: 'loss' });
  expect(items).toEqual([
    { value: 0.7, timestamp: 1001, step: 1 },
    { value: 0.5, timestamp: 1002, step: 2 },
  ]);
});

test('texts can contain any character, and keys can have any name', async () => {
  const { id } = await world.run();
  const odd = { 'a\u0001b': 'x', c: 'y\u0001z', ['__proto__']: 'p', d: ',"\\' };
  await call('run.log', { id, params: pairs(odd), tags: pairs({ t: '\u0001' }) });
  const points = ['m\u0001', '__proto__', 'n'].map((key) => ({ key, value: 'NaN', timestamp: 1, step: 0 }));
  await call('run.log', { id, metrics: points });
  const run = await read(id);
  expect(new Map(Object.entries(run.params))).toEqual(new Map(Object.entries(odd)));
  expect(run.tags).toMatchObject({ t: '\u0001' });
  expect(new Map(run.metrics.map(({ key, value }) => [key, value]))).toEqual(
    new Map(['__proto__', 'm\u0001', 'n'].map((key) => [key, 'NaN'])),
  );
});

test('a run that was deleted concurrently rejects metrics', async () => {
  const { id } = await world.run();
  const log = async (step: number) =>
    await codeOf(call('run.log', { id, metrics: [{ key: 'loss', step, timestamp: step, value: 1 }] }));
  expect([await log(0), await log(1)]).toEqual(['ok', 'ok']);
  await call('run.delete', { id });
  expect(await log(2)).toBe('invalid_state');
  await call('run.restore', { id });
  expect(await log(3)).toBe('ok');
  const { items } = await call<{ items: { step: number }[] }>('metric.history', { id, key: 'loss' });
  expect(items.map(({ step }) => step)).toEqual([0, 1, 3]);
});

test.each([
  ['parameters', { params: pairs({ lr: '0.1' }) }],
  ['tags', { tags: pairs({ note: 'a' }) }],
  ['nothing', {}],
])('a missing run and a deleted run reject a call with %s', async (_name, logged) => {
  const { id } = await world.run();
  expect(await codeOf(call('run.log', { id: `${id}x`, ...logged }))).toBe('not_found');
  await call('run.delete', { id });
  for (const _ of [1, 2]) expect(await codeOf(call('run.log', { id, ...logged }))).toBe('invalid_state');
  const { params, tags } = await read(id);
  expect([params, tags]).toEqual([{}, { 'client.runName': expect.any(String) }]);
});

test('one call adds parameters to stored ones, points after the stored ones, tags and a name', async () => {
  const { id } = await world.run();
  const metrics = (step: number) => ['loss', 'acc'].map((key) => ({ key, step, timestamp: step, value: step }));
  for (const step of [1, 2, 2, 1, 3]) {
    const params = pairs({ lr: '0.1', [`of ${step}`]: 'x' });
    await call('run.log', { id, params, metrics: metrics(step), tags: pairs({ 'client.runName': `run ${step}` }) });
  }
  const run = await read(id);
  expect(run.name).toBe('run 3');
  expect(run.tags).toMatchObject({ 'client.runName': 'run 3' });
  expect(Object.keys(run.params).toSorted()).toEqual(['lr', 'of 1', 'of 2', 'of 3']);
  for (const key of ['loss', 'acc']) {
    const { items } = await call<{ items: { step: number }[] }>('metric.history', { id, key });
    expect(items.map(({ step }) => step)).toEqual([1, 2, 3]);
  }
});

test('metrics of a rejected call are not stored', async () => {
  const { id } = await world.run();
  await call('run.log', { id, params: pairs({ lr: '0.1' }) });
  const metrics = [{ key: 'loss', step: 0, timestamp: 1, value: 1 }];
  expect(await codeOf(call('run.log', { id, metrics, params: pairs({ lr: '0.2' }) }))).toBe('immutable_field');
  expect((await read(id)).metrics).toEqual([]);
});

test('parameters are immutable: the whole call is rejected, with the stored value', async () => {
  const { id } = await world.run();
  await call('run.log', { id, params: pairs({ lr: '0.1', depth: '3' }) });
  const log = { id, params: pairs({ fresh: '1', lr: '0.2' }), tags: pairs({ note: 'lost' }) };
  await expect(call('run.log', log)).rejects.toMatchObject({
    code: 'immutable_field',
    issues: [{ path: 'params[1].value', message: expect.stringContaining('"lr"'), expected: '0.1' }],
  });
  const run = await read(id);
  expect(run.params).toEqual({ lr: '0.1', depth: '3' });
  expect(run.tags).not.toHaveProperty('note');
});

test('duplicate keys of parameters are rejected, and the last duplicate of a tag applies', async () => {
  const { id } = await world.run();
  const twice = [...pairs({ q: '1' }), ...pairs({ q: '1' })];
  await expect(call('run.log', { id, params: twice })).rejects.toMatchObject({
    code: 'invalid_request',
    issues: [{ path: 'params[1].key' }],
  });
  await call('run.log', { id, tags: [...pairs({ q: '1' }), ...pairs({ q: '2' })] });
  expect((await read(id)).tags).toMatchObject({ q: '2' });
});

test('long values are truncated between characters', async () => {
  const { id } = await world.run();
  const long = '😀'.repeat(8001);
  await call('run.log', { id, params: pairs({ p: long }), tags: pairs({ t: long }) });
  const run = await read(id);
  expect(Array.from(run.params['p']!)).toHaveLength(6000);
  expect(Array.from(run.tags['t']!)).toHaveLength(8000);
  // Distinguished by the stored value.
  expect(await codeOf(call('run.log', { id, params: pairs({ p: `${long}x` }) }))).toBe('ok');
});

test('a tag can be removed once', async () => {
  const { id } = await world.run();
  await call('run.log', { id, tags: pairs({ t: '1' }) });
  expect(await call('run.removeTag', { id, key: 't' })).toEqual({});
  expect(await codeOf(call('run.removeTag', { id, key: 't' }))).toBe('not_found');
});

test('two concurrent calls with the same keys in opposite order both succeed', async () => {
  const { id } = await world.run();
  const keys = Array.from({ length: 100 }, (_, index) => `k${index}`);
  const tags = keys.map((key) => ({ key, value: 'v' }));
  const params = keys.map((key) => ({ key, value: 'v' }));
  const calls = Array.from({ length: 16 }, (_, index) =>
    call(
      'run.log',
      index % 2 === 0 ? { id, tags, params } : { id, tags: tags.toReversed(), params: params.toReversed() },
    ),
  );
  await Promise.all(calls);
  expect(Object.keys((await read(id)).params)).toHaveLength(100);
});

test('of two concurrent values for one parameter, one is stored and the other rejected', async () => {
  const { id } = await world.run();
  const codes = await Promise.all(
    ['1', '2', '3'].map((value) => codeOf(call('run.log', { id, params: pairs({ p: value }) }))),
  );
  expect(codes.toSorted()).toEqual(['immutable_field', 'immutable_field', 'ok']);
});
