import type { LineageEdge, LineageGraph, LineageNode, LineageRelation } from '@dais/api/lineage';
import { expect, test } from 'vitest';
import { versionsMade } from './versions-made.ts';

const edge = (from: string, to: string, relation: LineageRelation): LineageEdge => ({ from, to, relation, at: 1 });
const graph = (edges: readonly LineageEdge[]): LineageGraph => ({
  root: 'step:a',
  nodes: [...new Set(edges.flatMap(({ from, to }) => [from, to]))].map((node) => {
    const [type, name] = node.split(':');
    return { node, type: type as LineageNode['type'], name };
  }),
  edges: [...edges],
  truncated: false,
});
const made = (...edges: readonly LineageEdge[]) => versionsMade(graph(edges)).map(({ node }) => node);

test('versions that it created, and that its run created', () => {
  expect(
    made(
      edge('step:a', 'run:r', 'started'),
      edge('run:r', 'logged-model:m', 'made'),
      edge('logged-model:m', 'model-version:m/2', 'registered'),
      edge('step:a', 'files:f', 'made'),
      edge('files:f', 'dataset-version:d@3', 'made'),
      edge('step:a', 'dataset-version:d@3', 'made'),
    ),
  ).toEqual(['dataset-version:d@3', 'model-version:m/2']);
});

test('neither its inputs, nor versions that others created from its outputs', () => {
  expect(
    made(
      edge('dataset-version:in@1', 'step:a', 'read'),
      edge('step:a', 'dataset-version:d@3', 'made'),
      edge('dataset-version:d@3', 'step:b', 'read'),
      edge('step:b', 'dataset-version:e@1', 'made'),
      edge('dataset-version:d@3', 'dataset-version:d@4', 'made'),
    ),
  ).toEqual(['dataset-version:d@3']);
});

test('no versions, and a cycle', () => {
  expect(versionsMade({ root: 'step:a', nodes: [], edges: [], truncated: false })).toEqual([]);
  expect(made(edge('step:a', 'run:r', 'started'), edge('run:r', 'step:a', 'made'))).toEqual([]);
});
