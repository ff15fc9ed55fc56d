import type { ExecutionNode } from '@dais/api/executions';
import type { Run } from '@dais/api/tracking';
import { expect, test } from 'vitest';
import { compareRuns, type ComparedRun } from '#runs/compare-runs.ts';

function runWith(digest: string, loss: number): ComparedRun {
  const files = [{ run: digest, prefix: 'steps/x', files: 1, bytes: 1, digest }];
  const node: ExecutionNode = {
    path: 'main',
    kind: 'step',
    state: 'succeeded',
    attempts: 1,
    inputs: {},
    outputs: { model: { files }, size: { parameter: 3 } },
  };
  const metrics = [{ key: 'loss', value: loss, timestamp: 1, step: 0 }];
  const tracked = { metrics, params: { rate: '0.1' } } as unknown as Run;
  return { nodes: [node], tracked: new Map([['main', tracked]]) };
}

test('equal outputs are counted, differences are named', () => {
  expect(compareRuns(runWith('a', 1), runWith('a', 1))).toEqual({ differences: [], same: { outputs: 2, logged: 2 } });
  expect(compareRuns(runWith('a', 1), runWith('b', 2))).toEqual({
    differences: [
      { step: 'main', what: 'output', name: 'model', before: 'a', after: 'b' },
      { step: 'main', what: 'metric', name: 'loss', before: '1', after: '2' },
    ],
    same: { outputs: 1, logged: 1 },
  });
});

test('outputs of only one run differ', () => {
  const { differences } = compareRuns(runWith('a', 1), { nodes: runWith('a', 1).nodes, tracked: new Map() });
  expect(differences).toEqual([
    { step: 'main', what: 'metric', name: 'loss', before: '1', after: undefined },
    { step: 'main', what: 'parameter', name: 'rate', before: '0.1', after: undefined },
  ]);
});
