import type { LineageEdge, LineageGraph, LineageNode, LineageRelation } from '@dais/api/lineage';
import { expect, test } from 'vitest';
import { nodeWords, stripSteps } from './strip-steps.ts';

const node = (name: string): LineageNode => ({ node: `run:${name}`, type: 'run', name });
const edge = (from: string, to: string, relation: LineageRelation): LineageEdge => ({
  from: `run:${from}`,
  to: `run:${to}`,
  relation,
  at: 1,
});
const graph = (root: string, edges: readonly LineageEdge[], names: string): LineageGraph => ({
  root: `run:${root}`,
  nodes: names.split(' ').map(node),
  edges: [...edges],
  truncated: false,
});
const namesOf = (steps: readonly (readonly LineageNode[])[]) => steps.map((step) => step.map(({ name }) => name));

test('sources come step by step before it, outputs after it', () => {
  const { from, to } = stripSteps(
    graph(
      'model',
      [
        edge('data', 'train', 'read'),
        edge('more', 'train', 'read'),
        edge('train', 'model', 'made'),
        edge('commit', 'train', 'code'),
        edge('sweep', 'train', 'child'),
        edge('model', 'v1', 'registered'),
        edge('v1', 'copy', 'copied'),
      ],
      'model data more train commit sweep v1 copy',
    ),
  );
  expect(namesOf(from)).toEqual([['data', 'more'], ['train']]);
  expect(namesOf(to)).toEqual([['v1'], ['copy']]);
});

test('a cycle ends, and unknown nodes are omitted', () => {
  const { from, to } = stripSteps(
    graph('a', [edge('a', 'b', 'made'), edge('b', 'a', 'read'), edge('b', 'unseen', 'made')], 'a b'),
  );
  expect(namesOf(from)).toEqual([['b']]);
  expect(namesOf(to)).toEqual([['b']]);
});

test('each node has its common name', () => {
  expect(nodeWords({ node: 'dataset:a/b', type: 'dataset', name: 'flights', data: { digest: '8d1f00a2cc' } })).toBe(
    'flights@8d1f00a2',
  );
  expect(nodeWords({ node: 'run:4a5b', type: 'run' })).toBe('4a5b');
});
