import type { EvaluationDataset, EvaluationRecord } from '@dais/api/tracking';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeOf, manifest } from '#kernel/testing/test-kernel.ts';
import { startTrackingWorld, type TrackingWorld } from '../testing/tracking-world.ts';

let world: TrackingWorld;
const call = async <Output>(...args: Parameters<TrackingWorld['dais']['call']>) =>
  await world.dais.call<Output>(...args);
const create = async (more: object = {}) =>
  await call<EvaluationDataset>('evaluationDataset.create', { name: 'questions', ...more });
const records = async (id: string, more: object = {}) =>
  await call<{ items: EvaluationRecord[]; nextCursor?: string }>('evaluationDataset.records', { id, ...more });
const merge = async (id: string, given: readonly object[]) =>
  await call('evaluationDataset.merge', { id, records: given });

beforeAll(async () => {
  world = await startTrackingWorld();
  await world.dais.apply([manifest('Project', 'other')]);
});
afterAll(async () => await world?.stop());

test('a dataset is created, tagged, and linked to experiments', async () => {
  const [one, two] = [await world.experiment(), await world.experiment()];
  const made = await create({ experimentIds: [one, '0'], tags: { team: 'a' }, user: 'jo' });
  expect(made).toEqual({
    id: expect.stringMatching(/^d-[0-9a-f]{32}$/),
    name: 'questions',
    digest: expect.stringMatching(/^[0-9a-f]{8}$/),
    records: 0,
    experimentIds: expect.arrayContaining([one, '0']),
    tags: { team: 'a' },
    createdAt: expect.any(Number),
    updatedAt: made.createdAt,
    createdBy: 'jo',
    updatedBy: 'jo',
  });
  const { id } = made;
  await call('evaluationDataset.setTags', { id, tags: { team: 'b', more: 'x' } });
  await call('evaluationDataset.removeTag', { id, key: 'more' });
  await call('evaluationDataset.removeTag', { id, key: 'more' });
  await call('evaluationDataset.link', { id, add: [two, one], remove: ['0', '999999'] });
  expect(await call('evaluationDataset.get', { id })).toMatchObject({ tags: { team: 'b' }, experimentIds: [one, two] });
  expect(await codeOf(call('evaluationDataset.link', { id, add: ['999999'] }))).toBe('not_found');
  expect(await codeOf(create({ experimentIds: ['999999'] }))).toBe('not_found');
  expect(await codeOf(create({ id }))).toBe('already_exists');
});

test('records with equal inputs are merged: outputs are replaced, expectations and tags added', async () => {
  const { id, digest } = await create();
  const first = { inputs: { q: 'one', n: 1 }, expectations: { a: 1 }, tags: { x: '1' }, user: 'jo' };
  const second = { inputs: { q: 'two' }, outputs: 'text', source: { type: 'TRACE', data: { trace_id: 'tr-1' } } };
  expect(await merge(id, [first, second, { inputs: { n: 1, q: 'one' }, outputs: null, tags: { y: '2' } }])).toEqual({
    inserted: 2,
    updated: 1,
  });
  expect(await merge(id, [{ inputs: { q: 'two' }, expectations: { b: 0.5 } }])).toEqual({ inserted: 0, updated: 1 });
  const { items } = await records(id);
  expect(items).toMatchObject([
    { inputs: { q: 'one', n: 1 }, outputs: null, expectations: { a: 1 }, tags: { x: '1', y: '2' }, createdBy: 'jo' },
    { inputs: { q: 'two' }, outputs: 'text', expectations: { b: 0.5 }, source: { type: 'TRACE' } },
  ]);
  const after = await call<EvaluationDataset>('evaluationDataset.get', { id });
  expect(after).toMatchObject({
    records: 2,
    schema: {
      inputs: { q: 'string', n: 'integer' },
      outputs: 'string',
      expectations: { a: 'integer', b: 'float' },
    },
  });
  expect(after.digest).not.toBe(digest);
  expect(await call('evaluationDataset.removeRecords', { id, recordIds: [items[0]?.id, 'dr-none'] })).toEqual({
    removed: 1,
  });
  expect((await records(id)).items).toMatchObject([{ inputs: { q: 'two' } }]);
  expect(await call('evaluationDataset.get', { id })).toMatchObject({ records: 1 });
});

test('concurrent calls create every record once', async () => {
  const { id } = await create();
  const given = Array.from({ length: 50 }, (_, n) => ({ inputs: { n } }));
  await Promise.all([merge(id, given), merge(id, given.toReversed()), merge(id, given)]);
  expect(await call('evaluationDataset.get', { id })).toMatchObject({ records: 50 });
  const seen: unknown[] = [];
  let cursor: string | undefined;
  do {
    const page = await records(id, { limit: 20, ...(cursor !== undefined && { cursor }) });
    seen.push(...page.items.map(({ inputs }) => inputs['n']));
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  expect(seen.toSorted((a, b) => Number(a) - Number(b))).toEqual(given.map(({ inputs }) => inputs.n));
});

describe('searching', () => {
  const found = async (input: object) =>
    (await call<{ items: EvaluationDataset[]; nextCursor?: string }>('evaluationDataset.search', input)).items.map(
      ({ name }) => name,
    );

  test('applies filter and order, in pages', async () => {
    const experiment = await world.experiment();
    const of = { experimentIds: [experiment] };
    for (const [name, team] of [
      ['b', 'x'],
      ['a', 'y'],
      ['c', 'x'],
    ] as const) {
      await create({ name, tags: { team }, user: name, ...of });
    }
    expect(await found({ ...of, orderBy: ['name'] })).toEqual(['a', 'b', 'c']);
    expect(await found({ ...of, orderBy: ['created_by desc'] })).toEqual(['c', 'b', 'a']);
    expect(await found({ ...of, filter: "tags.team = 'x'", orderBy: ['name desc'] })).toEqual(['c', 'b']);
    expect(await found({ ...of, filter: "created_by != 'a' and created_time > 1", orderBy: ['name'] })).toEqual([
      'b',
      'c',
    ]);
    expect(await found({ ...of, filter: "name in ('a', 'c')", orderBy: ['name'] })).toEqual(['a', 'c']);
    expect(await found({ experimentIds: ['999999'] })).toEqual([]);
    const input = { ...of, orderBy: ['name'], limit: 2 };
    const first = await call<{ nextCursor?: string }>('evaluationDataset.search', input);
    expect(await found({ ...input, cursor: first.nextCursor })).toEqual(['c']);
    expect(await codeOf(found({ ...input, cursor: 'made up' }))).toBe('invalid_cursor');
    expect(await codeOf(found({ filter: "color = 'red'" }))).toBe('invalid_request');
  });
});

test('invalid values are rejected with their path, and missing datasets are not found', async () => {
  const { id } = await create();
  for (const inputs of [{ 'a\0': 1 }, { a: 'b\0' }, { a: { b: ['\ud800'] } }]) {
    expect(await codeOf(merge(id, [{ inputs }]))).toBe('invalid_request');
  }
  for (const [operation, input] of [
    ['get', {}],
    ['setTags', { tags: { a: 'b' } }],
    ['removeTag', { key: 'a' }],
    ['link', {}],
    ['merge', { records: [] }],
    ['records', {}],
    ['removeRecords', { recordIds: [] }],
  ] as const) {
    expect(await codeOf(call(`evaluationDataset.${operation}`, { id: 'd-none', ...input }))).toBe('not_found');
    expect([operation, await codeOf(call(`evaluationDataset.${operation}`, { id: '../x', ...input }))]).toEqual([
      operation,
      'invalid_request',
    ]);
  }
});

test('a project sees only its own datasets, and cannot be deleted while it has some', async () => {
  const { id } = await create();
  const elsewhere = { projects: ['other'] };
  expect(await codeOf(call('evaluationDataset.get', { id }, elsewhere))).toBe('not_found');
  const theirs = await call<EvaluationDataset>('evaluationDataset.create', { name: 'theirs' }, elsewhere);
  await call('evaluationDataset.merge', { id: theirs.id, records: [{ inputs: {} }] }, elsewhere);
  expect(await codeOf(call('project.delete', { name: 'other' }))).toBe('still_referenced');
  for (const deleted of [true, false]) {
    expect(await call('evaluationDataset.delete', { id: theirs.id }, elsewhere)).toEqual({ deleted });
  }
  await call('project.delete', { name: 'other' });
});
