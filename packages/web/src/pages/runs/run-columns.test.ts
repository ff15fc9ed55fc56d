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

test('the default columns are the metrics and the parameters that differ', () => {
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

test('a URL names columns as filters do; unknown ones are ignored', () => {
  expect(readRunColumns('status,metrics.loss,param.`a, ``b`,nothing,x.y').map(({ id, title }) => [id, title])).toEqual([
    ['status', 'Status'],
    ['metrics.loss', 'loss'],
    ['params.`a, ``b`', 'a, `b'],
  ]);
});

test('completion offers the loaded values', () => {
  const { values } = knownKeys(runs, logged);
  expect([values('parameter', 'depth'), values('attribute', 'status'), values('metric', 'loss')]).toEqual([
    ['3', '4'],
    ['FINISHED'],
    [],
  ]);
});

test('runs are grouped by common values; user tags come first', () => {
  const tags = groupChoices(logged, false).find(({ group }) => group === 'Tags');
  expect(tags?.items.map(({ value }) => value)).toEqual(['tags.team', 'tags.mlflow.user']);
});
