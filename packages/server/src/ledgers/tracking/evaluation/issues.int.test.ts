import type { Issue } from '@dais/api/tracking';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const create = async (experimentId: string, name: string, more: object = {}) =>
  await call<Issue>('issue.create', { experimentId, name, description: 'what is wrong', ...more });
const search = async (input: object) => {
  const { items, total } = await call<{ items: Issue[]; total?: number }>('issue.search', input);
  return { names: items.map(({ name }) => name), total, traces: items.map(({ traces }) => traces) };
};

beforeAll(async () => {
  world = await startTrackingWorld();
});
afterAll(async () => await world?.stop());

test('an issue is created, read and updated', async () => {
  const experimentId = await world.experiment();
  const made = await create(experimentId, 'slow', {
    severity: 'high',
    rootCauses: ['network'],
    categories: ['latency', 'latency'],
    sourceRunId: 'r1',
    metadata: { team: 'a', gone: 'x' },
    createdBy: 'ann',
    seenAt: 5,
  });
  expect(made).toEqual({
    id: expect.stringMatching(/^iss-[0-9a-f]{32}$/),
    experimentId,
    name: 'slow',
    description: 'what is wrong',
    status: 'pending',
    severity: 'high',
    rootCauses: ['network'],
    categories: ['latency'],
    sourceRunId: 'r1',
    metadata: { team: 'a', gone: 'x' },
    createdAt: expect.any(Number),
    updatedAt: expect.any(Number),
    seenAt: 5,
    createdBy: 'ann',
  });
  expect(await call('issue.get', { id: made.id })).toEqual(made);
  const changed = await call<Issue>('issue.update', {
    id: made.id,
    status: 'resolved',
    categories: [],
    seenAt: 3,
    metadata: { team: 'b' },
    removeMetadata: ['gone'],
    updatedBy: 'bob',
  });
  expect(changed).toEqual({
    ...made,
    status: 'resolved',
    categories: [],
    metadata: { team: 'b' },
    updatedBy: 'bob',
    updatedAt: expect.any(Number),
  });
});

test('invalid issues are rejected', async () => {
  const experimentId = await world.experiment();
  const { id } = await create(experimentId, 'one', { id: 'iss-one' });
  expect(await codeOf(create(experimentId, 'two', { id }))).toBe('already_exists');
  expect(await codeOf(create('999999', 'one'))).toBe('not_found');
  for (const operation of ['get', 'update']) {
    expect(await codeOf(call(`issue.${operation}`, { id: 'iss-none' }))).toBe('not_found');
  }
  const both = { metadata: { a: '1' }, removeMetadata: ['a'] };
  expect(await codeOf(call('issue.update', { id, ...both }))).toBe('invalid_request');
  const many = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`a${n}`, '']));
  const more = Object.fromEntries(Array.from({ length: 60 }, (_, n) => [`b${n}`, '']));
  await call('issue.update', { id, metadata: many });
  expect(await codeOf(call('issue.update', { id, metadata: more }))).toBe('invalid_request');
  expect((await call<Issue>('issue.get', { id })).metadata).toEqual(many);
  await call('experiment.delete', { id: experimentId });
  expect(await codeOf(create(experimentId, 'late'))).toBe('invalid_state');
});

test('issues are searched by experiment, filter, name, status, severity and category', async () => {
  const [one, two] = [await world.experiment(), await world.experiment()];
  await create(one, 'Low latency', { severity: 'low', categories: ['Speed '] });
  const high = await create(one, 'High latency', { severity: 'high', status: 'resolved', sourceRunId: 'r1' });
  await create(one, 'wrong answer');
  await create(two, 'other');
  const names = async (input: object) => (await search({ experimentId: one, ...input })).names;
  expect(await names({})).toEqual(['High latency', 'Low latency', 'wrong answer']);
  expect(await names({ filter: "status = 'resolved'" })).toEqual(['High latency']);
  expect(await names({ filter: "status != 'resolved' and name != 'wrong answer'" })).toEqual(['Low latency']);
  expect(await names({ filter: "source_run_id = 'r1'" })).toEqual(['High latency']);
  expect(await names({ name: 'LATENCY' })).toEqual(['High latency', 'Low latency']);
  expect(await names({ statuses: ['pending'], severities: ['low', 'high'] })).toEqual(['Low latency']);
  expect(await names({ categories: ['speed'] })).toEqual(['Low latency']);
  expect(await names({ orderBy: ['name'] })).toEqual(['High latency', 'Low latency', 'wrong answer']);
  expect(await names({ orderBy: ['severity asc'] })).toEqual(['wrong answer', 'Low latency', 'High latency']);
  expect(await search({})).toMatchObject({ names: expect.arrayContaining(['other', 'High latency']) });
  expect((await search({ experimentId: '999999', withTotal: true })).total).toBe(0);
  expect(await codeOf(search({ filter: "title = 'x'" }))).toBe('invalid_request');

  const first = await call<{ nextCursor: string }>('issue.search', { experimentId: one, limit: 2, withTotal: true });
  expect(first).toMatchObject({ total: 3 });
  const { nextCursor: cursor } = first;
  expect(await names({ limit: 2, cursor })).toEqual(['wrong answer']);
  expect(await codeOf(search({ experimentId: two, cursor }))).toBe('invalid_cursor');

  const traceId = 'tr-issue';
  await call('trace.put', { experimentId: one, id: traceId, requestedAt: 1, state: 'OK' });
  const source = { type: 'HUMAN', id: 'ann' };
  for (const _ of [1, 2]) {
    await call('assessment.create', { traceId, name: high.id, kind: 'issue', value: 'High latency', source });
  }
  expect((await search({ experimentId: one, withTraces: true })).traces).toEqual([1, 0, 0]);
});
