import type { Run, RunInfo } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const read = async (id: string) => await call<Run>('run.get', { id });

beforeAll(async () => {
  world = await startTrackingWorld();
  await world.dais.apply([manifest('Project', 'other')]);
});
afterAll(async () => await world?.stop());

test('a new run has a name, also in its name tag', async () => {
  const experimentId = await world.experiment();
  const made = await call<Run>('run.create', { experimentId, user: 'ada', startedAt: 1234, tags: { note: 'x' } });
  expect(made).toEqual({
    id: expect.stringMatching(/^[0-9a-f]{32}$/),
    name: expect.stringMatching(/^[a-z]+-[a-z]+-\d{1,3}$/),
    experimentId,
    user: 'ada',
    status: 'RUNNING',
    startedAt: 1234,
    artifactUri: `artifacts:/${experimentId}/${made.id}/artifacts`,
    lifecycle: 'active',
    metrics: [],
    params: {},
    tags: { note: 'x', 'client.runName': made.name },
    datasets: [],
    modelInputs: [],
    modelOutputs: [],
  });
  expect(await read(made.id)).toEqual(made);
});

test('name and name tag are kept equal', async () => {
  const experimentId = await world.experiment();
  const byTag = await call<Run>('run.create', { experimentId, tags: { 'client.runName': 'by tag' } });
  expect(byTag.name).toBe('by tag');
  const byName = await call<Run>('run.create', { experimentId, name: 'by name' });
  expect(byName.tags['client.runName']).toBe('by name');
  const twice = { experimentId, name: 'a', tags: { 'client.runName': 'b' } };
  await expect(call('run.create', twice)).rejects.toMatchObject({
    code: 'invalid_request',
    issues: [{ path: 'tags["client.runName"]', expected: 'a' }],
  });
  await call('run.update', { id: byTag.id, name: 'renamed' });
  expect(await read(byTag.id)).toMatchObject({ name: 'renamed', tags: { 'client.runName': 'renamed' } });
  await call('run.log', { id: byTag.id, tags: [{ key: 'client.runName', value: 'again' }] });
  expect(await read(byTag.id)).toMatchObject({ name: 'again', tags: { 'client.runName': 'again' } });
});

test('a client-provided id is unique in a project', async () => {
  const experimentId = await world.experiment();
  const create = { experimentId, id: 'my-run_1' };
  expect((await call<Run>('run.create', create)).id).toBe('my-run_1');
  expect(await codeOf(call('run.create', create))).toBe('already_exists');
  expect(await codeOf(call('run.create', { ...create, experimentId: '0' }, { projects: ['other'] }))).toBe('ok');
  expect(await codeOf(call('run.create', { ...create, id: '../x' }))).toBe('invalid_request');
  expect(await codeOf(call('run.create', { experimentId: '999999' }))).toBe('not_found');
});

test('an experiment that was deleted concurrently rejects runs', async () => {
  const experimentId = await world.experiment();
  const create = async (id: string) => await codeOf(call('run.create', { experimentId, id }));
  expect([await create('meanwhile-1'), await create('meanwhile-2')]).toEqual(['ok', 'ok']);
  expect(await create('meanwhile-1')).toBe('already_exists');
  await call('experiment.delete', { id: experimentId });
  expect(await create('meanwhile-3')).toBe('invalid_state');
  await call('experiment.restore', { id: experimentId });
  expect(await create('meanwhile-3')).toBe('ok');
});

test('a repeated creation with an idempotency key creates one run', async () => {
  const experimentId = await world.experiment();
  const create = () => call<Run>('run.create', { experimentId }, { idempotencyKey: 'run-key' });
  const [first, second] = await Promise.all([create(), create()]);
  expect(first).toEqual(second);
});

test('a run has a status, and its end is reported once', async () => {
  const { id, experimentId } = await world.run();
  const ended = await call<RunInfo>('run.update', { id, status: 'FINISHED', endedAt: 5000 });
  expect(ended).toMatchObject({ id, status: 'FINISHED', endedAt: 5000, startedAt: 1000 });
  await call('run.update', { id, status: 'FINISHED' });
  expect(await read(id)).toMatchObject({ status: 'FINISHED', endedAt: 5000 });
  await call('run.update', { id, status: 'FAILED' });
  const events = await world.test.asAdmin(
    `select type, data from kernel.event where subject_kind = 'Run' and subject_name = '${id}' order by id`,
  );
  expect(events).toEqual([
    { type: 'run.created', data: { run: id, experiment: experimentId } },
    { type: 'run.finished', data: { run: id, experiment: experimentId } },
    { type: 'run.failed', data: { run: id, experiment: experimentId, status: 'FAILED' } },
  ]);
});

test('deletion and restoration can be repeated, and a deleted run can be read but not changed', async () => {
  const { id } = await world.run();
  for (const _ of [1, 2]) await call('run.delete', { id });
  expect(await read(id)).toMatchObject({ lifecycle: 'deleted' });
  const writes = [
    ['run.update', { id, status: 'FINISHED' }],
    ['run.log', { id, tags: [{ key: 'k', value: 'v' }] }],
    ['run.removeTag', { id, key: 'k' }],
  ] as const;
  for (const [name, input] of writes) expect([name, await codeOf(call(name, input))]).toEqual([name, 'invalid_state']);
  for (const _ of [1, 2]) await call('run.restore', { id });
  expect(await codeOf(call('run.log', { id, tags: [{ key: 'k', value: 'v' }] }))).toBe('ok');
  expect(await codeOf(call('run.delete', { id: 'nobody' }))).toBe('not_found');
  expect(await codeOf(call('run.restore', { id: 'nobody' }))).toBe('not_found');
  expect(await codeOf(call('run.update', { id: 'nobody', name: 'x' }))).toBe('not_found');
});

test('runs of another project cannot be read or changed', async () => {
  const { id, experimentId } = await world.run();
  const elsewhere = { projects: ['other'] };
  const calls = [
    ['run.get', { id }],
    ['run.update', { id, status: 'KILLED' }],
    ['run.delete', { id }],
    ['run.log', { id, tags: [{ key: 'k', value: 'v' }] }],
    ['run.removeTag', { id, key: 'k' }],
    ['run.create', { experimentId }],
  ] as const;
  for (const [name, input] of calls)
    expect([name, await codeOf(call(name, input, elsewhere))]).toEqual([name, 'not_found']);
  expect(await read(id)).toMatchObject({
    status: 'RUNNING',
    lifecycle: 'active',
    tags: { 'client.runName': expect.any(String) },
  });
});
