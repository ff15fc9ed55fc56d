import type { Execution } from '@dais/api/executions';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { codeOf } from '#kernel/testing/test-kernel.ts';
import { startExecutionsWorld, type ExecutionsWorld } from '../testing/executions-world.ts';

interface Found {
  readonly items: readonly Execution[];
  readonly nextCursor?: string;
  readonly total?: number;
}

let world: ExecutionsWorld;
beforeAll(async () => {
  world = await startExecutionsWorld();
  await world.worker();
});
afterAll(async () => await world?.stop());

const find = async (input: object) => await world.dais.call<Found>('execution.search', input);
const where = (field: string, is: string, value: unknown) => ({ field, is, value });
const names = async (...conditions: object[]) =>
  (await find({ where: conditions, descending: false })).items.map(({ name }) => name);
const submit = async (name: string, command: readonly string[] = ['true']) =>
  await world.run({ name, steps: { main: { command: [...command] } } });

test('runs are searched by their fields, in pages, with the total number', async () => {
  for (const name of ['find b', 'Find a', 'find c']) await submit(name);
  const mine = where('name', 'contains', 'FIND ');
  expect(await names(mine)).toEqual(['find b', 'Find a', 'find c']);
  expect(await names(mine, where('name', '!=', 'find b'), where('state', '=', 'succeeded'))).toEqual([
    'Find a',
    'find c',
  ]);
  expect(await names(mine, where('name', 'in', ['find c', 'x']))).toEqual(['find c']);
  expect(await names(mine, where('createdAt', '>', Date.now() + 60_000))).toEqual([]);
  expect(await names(mine, where('schedule', '!=', 'none'))).toHaveLength(3);
  const by = { where: [mine], sortBy: 'name', descending: false, limit: 2, count: true };
  const first = await find(by);
  expect([first.items.map(({ name }) => name), first.total]).toEqual([['Find a', 'find b'], 3]);
  const second = await find({ ...by, cursor: first.nextCursor });
  expect(second.items.map(({ name }) => name)).toEqual(['find c']);
  expect(second.nextCursor).toBeUndefined();
  expect(await codeOf(find({ ...by, sortBy: 'createdAt', cursor: first.nextCursor }))).toBe('invalid_cursor');
});

test('every invalid condition is reported', async () => {
  const conditions = [
    where('archived', '<', true),
    where('createdAt', '=', 'x'),
    where('name', 'in', 'x'),
    where('createdAt', '<', 1e300),
  ];
  await expect(find({ where: conditions })).rejects.toMatchObject({
    code: 'invalid_request',
    issues: conditions.map((_, index) => expect.objectContaining({ path: `where[${index}]` })),
  });
});

test('a run can be archived and restored', async () => {
  const { id } = await submit('aside');
  const archived = async (value: boolean) => await names(where('id', '=', id), where('archived', '=', value));
  const put = async (input: object) => await world.dais.call('execution.archive', input);
  expect(await archived(false)).toEqual(['aside']);
  expect(await put({ id })).toEqual({ changed: 1 });
  expect(await put({ id })).toEqual({ changed: 0 });
  expect([await archived(false), await archived(true)]).toEqual([[], ['aside']]);
  expect(await put({ id, archived: false })).toEqual({ changed: 1 });
  expect(await archived(false)).toEqual(['aside']);
  expect(await put({ experimentId: '7' })).toEqual({ changed: 0 });
  expect(await codeOf(put({}))).toBe('invalid_request');
});

test('a failed run can be resumed repeatedly under its id, but never twice concurrently', async () => {
  const first = await submit('stubborn', ['false']);
  expect(first.state).toBe('failed');
  const resume = async (id: string) => await world.dais.call<Execution>('execution.resume', { id });
  const both = await Promise.allSettled([resume(first.id), resume(first.id)]);
  expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
  const thread = where('thread', '=', first.id);
  const [second] = (await find({ where: [thread] })).items;
  expect(second).toMatchObject({ thread: first.id, retryOf: first.id });
  await world.ended(second!);
  const third = await resume(second!.id);
  await world.ended(third);
  expect((await find({ where: [thread] })).items.map(({ id }) => id)).toEqual([third.id]);
  expect((await find({ where: [thread, where('superseded', '=', true)] })).items).toHaveLength(2);
  expect(await codeOf(resume(first.id))).toBe('invalid_state');
  expect(await codeOf(resume((await submit('fine')).id))).toBe('invalid_state');
});
