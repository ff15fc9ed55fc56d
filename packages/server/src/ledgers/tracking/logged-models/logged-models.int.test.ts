import type { LoggedModel, Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([key, value]) => ({ key, value }));
const create = async (more: object = {}) =>
  await call<LoggedModel>('loggedModel.create', { experimentId: await world.experiment(), ...more });

beforeAll(async () => {
  world = await startTrackingWorld();
  await world.dais.apply([manifest('Project', 'other')]);
});
afterAll(async () => await world?.stop());

test('a logged model is created, finished and read', async () => {
  const { id: sourceRunId, experimentId } = await world.run();
  const made = await call<LoggedModel>('loggedModel.create', {
    experimentId,
    name: 'delays',
    type: 'sklearn',
    sourceRunId,
    params: pairs({ depth: '3' }),
    tags: pairs({ team: 'data' }),
  });
  expect(made).toEqual({
    id: expect.stringMatching(/^m-[0-9a-f]{32}$/),
    experimentId,
    name: 'delays',
    type: 'sklearn',
    sourceRunId,
    status: 'PENDING',
    artifactUri: `artifacts:/${experimentId}/models/${made.id}/artifacts`,
    lifecycle: 'active',
    createdAt: expect.any(Number),
    updatedAt: made.createdAt,
    params: { depth: '3' },
    tags: { team: 'data' },
    metrics: [],
  });
  const ready = await call<LoggedModel>('loggedModel.finalize', { id: made.id, status: 'READY' });
  expect(ready).toEqual({ ...made, status: 'READY', updatedAt: ready.updatedAt });
  expect(await call('loggedModel.get', { id: made.id })).toEqual(ready);
});

test('a model without a name gets one, and names that URLs cannot contain are rejected', async () => {
  expect((await create()).name).toMatch(/^[a-z]+-[a-z]+-\d+$/);
  for (const name of ['a/b', 'a:b', 'a.b', 'a%b', 'a"b', "a'b", '']) {
    expect([name, await codeOf(create({ name }))]).toEqual([name, 'invalid_request']);
  }
});

test('parameters are added and immutable; tags are set and removed', async () => {
  const { id } = await create({ params: pairs({ a: '1' }), tags: pairs({ t: '1' }) });
  await call('loggedModel.addParams', { id, params: pairs({ a: '1', b: '2' }) });
  await expect(call('loggedModel.addParams', { id, params: pairs({ c: '3', a: '9' }) })).rejects.toMatchObject({
    code: 'immutable_field',
    issues: [{ path: 'params[1].value', expected: '1' }],
  });
  await call('loggedModel.setTags', { id, tags: pairs({ t: '2', u: '3' }) });
  await call('loggedModel.removeTag', { id, key: 'u' });
  expect(await codeOf(call('loggedModel.removeTag', { id, key: 'u' }))).toBe('not_found');
  expect(await call('loggedModel.get', { id })).toMatchObject({ params: { a: '1', b: '2' }, tags: { t: '2' } });
});

test('a deleted model is read only with allowDeleted, accepts no writes, and is deleted and restored with its experiment', async () => {
  const { id, experimentId } = await create();
  const other = await create({ experimentId });
  await call('loggedModel.delete', { id });
  expect(await codeOf(call('loggedModel.get', { id }))).toBe('not_found');
  expect(await call('loggedModel.get', { id, allowDeleted: true })).toMatchObject({ id, lifecycle: 'deleted' });
  const writes = [
    ['loggedModel.finalize', { id, status: 'READY' }],
    ['loggedModel.setTags', { id, tags: [] }],
    ['loggedModel.removeTag', { id, key: 'x' }],
    ['loggedModel.addParams', { id, params: [] }],
    ['loggedModel.delete', { id }],
  ] as const;
  for (const [name, input] of writes) expect([name, await codeOf(call(name, input))]).toEqual([name, 'invalid_state']);
  await call('experiment.delete', { id: experimentId });
  expect(await codeOf(call('loggedModel.get', { id: other.id }))).toBe('not_found');
  expect(await codeOf(create({ experimentId }))).toBe('invalid_state');
  await call('experiment.restore', { id: experimentId });
  expect(await codeOf(call('loggedModel.get', { id: other.id }))).toBe('ok');
  expect(await codeOf(call('loggedModel.get', { id }))).toBe('not_found');
});

test('metrics of a model on a dataset are in the run and in the model', async () => {
  const run = await world.run();
  const { id } = await create({ experimentId: run.experimentId });
  const point = {
    key: 'rmse',
    value: 0.4,
    timestamp: 5,
    step: 1,
    datasetName: 'flights',
    datasetDigest: 'd1',
    modelId: id,
  };
  for (const _ of [1, 2]) await call('run.log', { id: run.id, metrics: [point] });
  expect((await call<LoggedModel>('loggedModel.get', { id })).metrics).toEqual([{ ...point, runId: run.id }]);
  const { metrics } = await call<Run>('run.get', { id: run.id });
  expect(metrics).toEqual([{ key: 'rmse', value: 0.4, timestamp: 5, step: 1 }]);
});

test('a client-provided id is unique in a project and invisible to other projects', async () => {
  const { id, experimentId } = await create({ id: 'm-mine' });
  expect(await codeOf(create({ id }))).toBe('already_exists');
  const elsewhere = { projects: ['other'] };
  for (const [name, input] of [
    ['loggedModel.get', { id, allowDeleted: true }],
    ['loggedModel.delete', { id }],
    ['loggedModel.setTags', { id, tags: pairs({ a: 'b' }) }],
    ['loggedModel.create', { experimentId }],
  ] as const) {
    expect([name, await codeOf(call(name, input, elsewhere))]).toEqual([name, 'not_found']);
  }
  expect(await codeOf(call('loggedModel.create', { experimentId: '0', id }, elsewhere))).toBe('ok');
});
