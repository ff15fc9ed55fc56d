import type { ExecutionNode } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { differs, diffRuns } from './run-diff.ts';

function node(path: string, more: Partial<ExecutionNode> = {}): ExecutionNode {
  return { path, kind: 'step', state: 'succeeded', attempts: 1, inputs: {}, outputs: {}, ...more };
}

const files = (run: string, digest: string) => ({ files: [{ run, prefix: 'x', files: 1, bytes: 2, digest }] });

test('steps differ by state, inputs and outputs', () => {
  const from = [
    node('a', { outputs: { model: files('1', 'abcdef0123') } }),
    node('b', { state: 'failed', inputs: { rate: { parameter: 0.1 } } }),
    node('gone'),
    node('group', { kind: 'graph' }),
  ];
  const to = [
    node('a', { outputs: { model: files('2', 'abcdef0123') } }),
    node('b', { inputs: { rate: { parameter: 0.2 } }, outputs: { note: { parameter: 'good' } } }),
  ];
  const diffs = diffRuns(from, to);
  expect(diffs.map((diff) => [diff.path, differs(diff)])).toEqual([
    ['a', false],
    ['b', true],
    ['gone', true],
  ]);
  expect(diffs[1]?.values).toEqual([
    { side: 'input', name: 'rate', from: '0.1', to: '0.2' },
    { side: 'output', name: 'note', from: 'nothing', to: 'good' },
  ]);
});
