import type { Experiment, Run } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);

beforeAll(async () => {
  world = await startTrackingWorld();
  await world.dais.apply([manifest('Project', 'other')]);
});
afterAll(async () => await world?.stop());

test('an experiment is created, read by id and by name, and found only in its project', async () => {
  const before = Date.now();
  const made = await call<Experiment>('experiment.create', { name: 'Flights / delays', tags: { team: 'data' } });
  expect(made).toEqual({
    id: expect.stringMatching(/^[1-9]\d*$/),
    name: 'Flights / delays',
    artifactUri: `artifacts:/${made.id}`,
    lifecycle: 'active',
    createdAt: expect.any(Number),
    updatedAt: made.createdAt,
    tags: { team: 'data' },
  });
  expect(made.createdAt).toBeGreaterThanOrEqual(before);
  expect(await call('experiment.get', { id: made.id })).toEqual(made);
  expect(await call('experiment.find', { name: 'Flights / delays' })).toEqual(made);
  const elsewhere = { projects: ['other'] };
  expect(await codeOf(call('experiment.get', { id: made.id }, elsewhere))).toBe('not_found');
  expect(await codeOf(call('experiment.find', { name: made.name }, elsewhere))).toBe('not_found');
  expect(await codeOf(call('experiment.delete', { id: made.id }, elsewhere))).toBe('not_found');
  expect((await call<Experiment>('experiment.create', { name: made.name }, elsewhere)).id).not.toBe(made.id);
});

test('deleted experiments keep their names, and one of two concurrent creations gets a name', async () => {
  const name = 'taken';
  const id = await world.experiment(name);
  expect(await codeOf(call('experiment.create', { name }))).toBe('already_exists');
  await call('experiment.delete', { id });
  expect(await codeOf(call('experiment.create', { name }))).toBe('already_exists');
  const both = await Promise.all([1, 2].map(() => codeOf(call('experiment.create', { name: 'concurrent' }))));
  expect(both.toSorted()).toEqual(['already_exists', 'ok']);
});

test('a repeated creation with an idempotency key creates one experiment', async () => {
  const create = () => call<Experiment>('experiment.create', { name: 'once' }, { idempotencyKey: 'the-key' });
  expect(await create()).toEqual(await create());
});

test('an experiment can have its own artifact location', async () => {
  const made = await call<Experiment>('experiment.create', { name: 'far', artifactLocation: 's3://bucket/far/?x=1' });
  expect(made.artifactUri).toBe('s3://bucket/far/?x=1');
  const run = await world.run(made.id);
  expect(run.artifactUri).toBe(`s3://bucket/far/${run.id}/artifacts?x=1`);
});

test('an update renames, sets tags and removes them; a missing tag is reported and changes nothing', async () => {
  const { id } = await call<Experiment>('experiment.create', { name: 'before', tags: { a: '1', b: '2' } });
  const changed = await call<Experiment>('experiment.update', {
    id,
    name: 'after',
    tags: { b: '3', c: '4' },
    removeTags: ['a'],
  });
  expect(changed).toMatchObject({ name: 'after', tags: { b: '3', c: '4' } });
  await expect(call('experiment.update', { id, tags: { d: '5' }, removeTags: ['nope'] })).rejects.toMatchObject({
    code: 'not_found',
    message: expect.stringContaining('"nope"'),
  });
  expect((await call<Experiment>('experiment.get', { id })).tags).toEqual({ b: '3', c: '4' });
  await world.experiment('occupied');
  expect(await codeOf(call('experiment.update', { id, name: 'occupied' }))).toBe('already_exists');
  expect(await codeOf(call('experiment.update', { id, name: 'after' }))).toBe('ok');
});

test('deletion includes the runs, and restoring returns them except those deleted before', async () => {
  const id = await world.experiment();
  const [kept, gone] = [await world.run(id), await world.run(id)];
  await call('run.delete', { id: gone.id });
  await call('experiment.delete', { id });
  expect(await call('experiment.get', { id })).toMatchObject({ lifecycle: 'deleted' });
  expect(await call('run.get', { id: kept.id })).toMatchObject({ lifecycle: 'deleted' });
  expect(await codeOf(call('experiment.delete', { id }))).toBe('invalid_state');
  expect(await codeOf(call('experiment.update', { id, name: 'x' }))).toBe('invalid_state');
  expect(await codeOf(world.run(id))).toBe('invalid_state');
  await call('experiment.restore', { id });
  expect(await codeOf(call('experiment.restore', { id }))).toBe('invalid_state');
  expect(await call('run.get', { id: kept.id })).toMatchObject({ lifecycle: 'active' });
  expect(await call('run.get', { id: gone.id })).toMatchObject({ lifecycle: 'deleted' });
});

test('every project has a default experiment with the id 0', async () => {
  const [here, there] = [
    await world.run('0'),
    await call<Run>('run.create', { experimentId: '0' }, { projects: ['other'] }),
  ];
  expect(here).toMatchObject({ experimentId: '0', artifactUri: `artifacts:/0/${here.id}/artifacts` });
  expect(there.experimentId).toBe('0');
  const [mine, theirs] = [
    await call('experiment.get', { id: '0' }),
    await call('experiment.find', { name: 'Default' }),
  ];
  expect(mine).toEqual(theirs);
  expect(mine).toMatchObject({ id: '0', name: 'Default' });
  expect(await codeOf(call('run.get', { id: there.id }))).toBe('not_found');
  // Its number inside opens nothing.
  const [row] = await world.test.asAdmin('select min(id)::text as id from tracking.experiment where is_default');
  expect(await codeOf(call('experiment.get', { id: String(row!['id']) }))).toBe('not_found');
});
