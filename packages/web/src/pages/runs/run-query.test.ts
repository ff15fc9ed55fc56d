import { parseFilter, parseOrder, runFilter } from '@dais/api/filter';
import { expect, test } from 'vitest';
import { filterProblem, runQuery, withIds } from './run-query.ts';

test('the order of groups precedes the order within groups', () => {
  const { orderBy } = runQuery({ sort: '-metrics.`val loss`', group: 'params.depth' });
  expect(orderBy).toEqual(['params.depth ASC', 'metrics.`val loss` DESC']);
  expect(parseOrder(runFilter, orderBy)).toHaveLength(2);
});

test('invalid values in a URL are ignored', () => {
  expect(runQuery({ filter: 'metrics.loss <', sort: 'duration', group: 'x.y', view: 'other' })).toEqual({
    filter: '',
    orderBy: [],
    view: 'active',
    group: undefined,
  });
});

test('an error has its position and the nearest word', () => {
  expect(filterProblem('metrics.loss < 1')).toBeUndefined();
  expect(filterProblem("metrics.loss < 1 and metrix.x = '2'")).toMatchObject({
    start: 21,
    message: expect.stringContaining('did you mean metric?') as string,
  });
});

test('ids are combined with any other condition', () => {
  expect(parseFilter(runFilter, withIds('', ['a']))).toHaveLength(1);
  expect(parseFilter(runFilter, withIds('metrics.loss < 1', ['a', "b'c"]))).toHaveLength(2);
});
