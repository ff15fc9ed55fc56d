import type { LabelSchema } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const options = { kind: 'categorical', options: ['a', 'b'], multiple: false };
const create = async (experimentId: string, name: string, more: object = {}) =>
  await call<LabelSchema>('labelSchema.create', { experimentId, name, type: 'FEEDBACK', input: options, ...more });
const names = async (input: object) =>
  (await call<{ items: LabelSchema[] }>('labelSchema.list', input)).items.map(({ name }) => name);

beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world?.stop());

test('a label schema is created, read, changed and deleted', async () => {
  const experimentId = await world.experiment();
  const made = await create(experimentId, 'Is it right?', { instruction: 'Look twice.', comments: true });
  expect(made).toEqual({
    id: expect.stringMatching(/^ls-[0-9a-f]{32}$/),
    experimentId,
    name: 'Is it right?',
    type: 'FEEDBACK',
    instruction: 'Look twice.',
    comments: true,
    input: options,
    isDefault: false,
    createdAt: expect.any(Number),
    updatedAt: expect.any(Number),
  });
  const { id } = made;
  expect(await call('labelSchema.get', { id })).toEqual(made);
  const input = { ...options, options: ['a', 'b', 'c'] };
  expect(await call('labelSchema.update', { id, name: 'Right?', comments: false, input })).toEqual({
    ...made,
    name: 'Right?',
    comments: false,
    input,
    updatedAt: expect.any(Number),
  });
  for (const _ of [1, 2]) expect(await call('labelSchema.delete', { id })).toEqual({});
  for (const operation of ['get', 'update']) {
    expect(await codeOf(call(`labelSchema.${operation}`, { id }))).toBe('not_found');
  }
});

test('every experiment has a question that cannot be changed', async () => {
  const experimentId = await world.experiment();
  await create(experimentId, 'one');
  expect(await names({ experimentId })).toEqual(['one', 'Feedback']);
  expect(await names({ experimentId, name: 'Feedback' })).toEqual(['Feedback']);
  const id = `ls-default-${experimentId}`;
  expect(await call('labelSchema.get', { id })).toMatchObject({ name: 'Feedback', isDefault: true });
  expect(await codeOf(call('labelSchema.update', { id, name: 'x' }))).toBe('invalid_request');
  expect(await codeOf(call('labelSchema.delete', { id }))).toBe('invalid_request');
  expect(await codeOf(create(experimentId, ' feedback'))).toBe('invalid_request');
  expect(await codeOf(create(experimentId, 'mine', { id }))).toBe('invalid_request');
});

test('label schemas are listed in pages', async () => {
  const experimentId = await world.experiment();
  for (const name of ['a', 'b', 'c']) await create(experimentId, name);
  const all = await names({ experimentId });
  expect(all.toSorted()).toEqual(['Feedback', 'a', 'b', 'c']);
  const first = await call<{ nextCursor: string }>('labelSchema.list', { experimentId, limit: 2 });
  expect(await names({ experimentId, limit: 2, cursor: first.nextCursor })).toEqual(all.slice(2));
  await call('experiment.delete', { id: experimentId });
  expect(await codeOf(names({ experimentId }))).toBe('invalid_state');
  expect(await codeOf(create(experimentId, 'd'))).toBe('invalid_state');
});

test('invalid label schemas are rejected', async () => {
  const experimentId = await world.experiment();
  const { id } = await create(experimentId, 'one');
  await create(experimentId, 'two');
  expect(await codeOf(create(experimentId, 'one'))).toBe('already_exists');
  expect(await codeOf(call('labelSchema.update', { id, name: 'two' }))).toBe('already_exists');
  expect(await codeOf(create('999999', 'one'))).toBe('not_found');
  for (const input of [
    { kind: 'passFail', positive: 'same', negative: 'same' },
    { kind: 'categorical', options: ['a', 'a'] },
    { kind: 'categorical', options: [] },
    { kind: 'numeric', min: 2, max: 1 },
    { kind: 'text', maxLength: 0 },
    { kind: 'other' },
  ]) {
    expect([input, await codeOf(create(experimentId, 'three', { input }))]).toEqual([input, 'invalid_request']);
  }
  for (const input of [{ kind: 'text' }, { ...options, multiple: true }]) {
    expect(await codeOf(call('labelSchema.update', { id, input }))).toBe('invalid_request');
  }
});
