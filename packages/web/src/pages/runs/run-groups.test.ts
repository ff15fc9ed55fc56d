import type { Run } from '@dais/api/tracking';
import { expect, test } from 'vitest';
import { groupRuns, rowKey } from './run-groups.ts';

const run = (id: string, depth?: string) =>
  ({ id, status: 'FINISHED', params: depth === undefined ? {} : { depth } }) as Run;
const keys = (by: string | undefined, closed: readonly string[] = []) =>
  groupRuns([run('a', '3'), run('b', '3'), run('c')], by, new Set(closed)).map(rowKey);

test('headings come before the runs that share a value, and can be without runs', () => {
  expect(keys('params.depth')).toEqual(['group 3', 'a', 'b', 'group ', 'c']);
  expect(keys('params.depth', ['3'])).toEqual(['group 3', 'group ', 'c']);
});

test('without a shared value, runs are unchanged', () => {
  expect(keys(undefined)).toEqual(['a', 'b', 'c']);
  expect(keys('nothing')).toEqual(['a', 'b', 'c']);
  expect(keys('metrics.loss')).toEqual(['a', 'b', 'c']);
});
