import type { Run } from '@dais/api/tracking';
import { expect, test } from 'vitest';
import { groupChoices, knownKeys, loggedKeys, readRunColumns, usualColumns } from './run-columns.ts';

function run(id: string, params: Run['params'], metrics: readonly string[]): Run {
  return {
    id,
    name: id,
    experimentId: '1',
    user: 'ada',
    status: 'FINISHED',
    startedAt: 1,
    artifactUri: '',
    lifecycle: 'active',
    metrics: metrics.map((key) => ({ key, value: 1, timestamp: 0, step: 0 })),
    params,
    tags: { 'mlflow.user': 'ada', team: 'vision' },
    datasets: [],
    modelInputs: [],
    modelOutputs: [],
  };
}
const runs = [
  run('a', { depth: '3', seed: '1' }, ['loss', 'system/cpu']),
  run('b', { depth: '4', seed: '1' }, ['loss', 'accuracy', 'system/cpu']),
];
const logged = loggedKeys(runs);

test('a new reader sees what is measured, and by what the runs differ', () => {
  expect(usualColumns(logged, false).map(({ id }) => id)).toEqual([
    'status',
    'start_time',
    'duration',
    'metrics.loss',
    'metrics.accuracy',
    'params.depth',
    'user_id',
  ]);
});

test('an address names columns as filters do; what is no column does not count', () => {
  expect(readRunColumns('status,metrics.loss,param.`a, ``b`,nothing,x.y').map(({ id, title }) => [id, title])).toEqual([
    ['status', 'Status'],
    ['metrics.loss', 'loss'],
    ['params.`a, ``b`', 'a, `b'],
  ]);
});

test('completion knows the values that were seen', () => {
  const { values } = knownKeys(runs, logged);
  expect([values('parameter', 'depth'), values('attribute', 'status'), values('metric', 'loss')]).toEqual([
    ['3', '4'],
    ['FINISHED'],
    [],
  ]);
});

test('runs are put together by what they share; tags of people come first', () => {
  const tags = groupChoices(logged, false).find(({ group }) => group === 'Tags');
  expect(tags?.items.map(({ value }) => value)).toEqual(['tags.team', 'tags.mlflow.user']);
});
