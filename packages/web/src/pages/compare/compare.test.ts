import type { Run } from '@dais/api/tracking';
import { expect, test } from 'vitest';
import { reached } from './objectives.ts';
import { diffRuns } from './run-diff.ts';

const run = (params: Run['params'], error?: Run['metrics'][number]['value']) =>
  ({
    params,
    tags: { 'mlflow.user': 'ada' },
    metrics: error === undefined ? [] : [{ key: 'error', value: error, step: 0, timestamp: 0 }],
  }) as unknown as Run;
const runs = [run({ depth: '3', seed: '1' }, 9.5), run({ depth: '4', seed: '1' }, 8), run({ seed: '1' })];

test('every key is listed, with whether the runs differ by it', () => {
  expect(diffRuns(runs).map(({ key, values, differs }) => [key, values, differs])).toEqual([
    ['depth', ['3', '4', undefined], true],
    ['seed', ['1', '1', '1'], false],
    ['error', ['9.5', '8', undefined], true],
  ]);
});

test('a lower value is better where a model declares so; a missing value is neither better nor worse', () => {
  expect(reached({ metric: 'error', direction: 'minimize', target: 9 }, runs)).toEqual([
    { value: 9.5, best: false, enough: false },
    { value: 8, best: true, enough: true },
    { value: undefined, best: false, enough: undefined },
  ]);
  expect(
    reached({ metric: 'error', direction: 'maximize' }, [...runs, run({}, 'NaN')]).map(({ best }) => best),
  ).toEqual([true, false, false, false]);
});
