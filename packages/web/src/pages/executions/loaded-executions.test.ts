import type { Execution } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { patchExecutions, type ExecutionsPage } from './loaded-executions.ts';

const ALL = { state: undefined, name: '' };

function run(id: string, createdAt: number, more: Partial<Execution> = {}): Execution {
  return {
    id,
    name: `run ${id}`,
    state: 'running',
    cancelRequested: false,
    priority: 0,
    submittedBy: 'user:owner',
    createdAt,
    ...more,
  };
}

const ids = (pages: readonly ExecutionsPage[]) => pages.map(({ items }) => items.map(({ id }) => id));

test('new executions come first, and unchanged ones stay identical', () => {
  const before = [{ items: [run('b', 2), run('a', 1)], nextCursor: 'x' }, { items: [run('0', 0)] }];
  const after = patchExecutions(before, [run('d', 4), run('c', 3), run('b', 2), run('a', 1, { state: 'failed' })], ALL);
  expect(ids(after)).toEqual([['d', 'c', 'b', 'a'], ['0']]);
  expect(after[0]?.items[2]).toBe(before[0]?.items[0]);
  expect(after[0]?.items[3]?.state).toBe('failed');
  expect(after[1]).toBe(before[1]);
  expect(patchExecutions(after, [run('d', 4)], ALL)[0]).toBe(after[0]);
});

test('older executions that are not loaded are left to their page', () => {
  expect(ids(patchExecutions([{ items: [run('b', 2)], nextCursor: 'x' }], [run('a', 1)], ALL))).toEqual([['b']]);
});

test('executions that no longer match the filter are removed, and deleted ones too', () => {
  const before = [{ items: [run('c', 3), run('b', 2), run('a', 1)] }];
  const filter = { state: 'running' as const, name: 'RUN' };
  const fresh = [run('b', 2, { state: 'succeeded' }), run('d', 4, { name: 'other' })];
  expect(ids(patchExecutions(before, fresh, filter, new Set(['c'])))).toEqual([['a']]);
});

test('an empty list is not patched', () => {
  expect(patchExecutions([], [run('a', 1)], ALL)).toEqual([]);
});
