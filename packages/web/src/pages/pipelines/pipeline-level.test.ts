import { expect, test } from 'vitest';
import { pipelineLevel, pipelineContent } from './pipeline-level.ts';

const node = (path: string, more: object = {}) =>
  ({ path, kind: 'step', group: false, conditional: false, always: false, ...more }) as const;

test('groups contain their steps until they are collapsed', () => {
  const graph = {
    nodes: [node('a'), node('g', { kind: 'graph', group: true }), node('g/x'), node('g/y')],
    edges: [
      { from: 'a', to: 'g' },
      { from: 'g/x', to: 'g/y' },
    ],
  };
  const open = pipelineLevel(graph, new Set());
  expect(open.edges).toEqual([['a', 'g']]);
  expect(open.nodes[1]?.inside?.edges).toEqual([['g/x', 'g/y']]);
  expect(pipelineLevel(graph, new Set(['g'])).nodes[1]).toEqual({ id: 'g', group: true });
});

test('steps show their special settings', () => {
  expect(pipelineContent(node('g/x', { conditional: true, always: true }))).toMatchObject({
    title: 'x',
    word: 'step',
    note: 'condition · always',
  });
});
