import type { LineageGraph } from '@dais/api/lineage';
import { expect, test } from 'vitest';
import { foldLineage, walkLineage } from './fold-lineage.ts';
import { fanContent, lineageContent, pictureLevel } from './lineage-picture.ts';

const graph: LineageGraph = {
  root: 'dataset-version:1',
  nodes: [
    { node: 'dataset-version:1', type: 'dataset-version', name: 'flights@3', data: { state: 'quarantined' } },
    { node: 'run:2', type: 'run', name: 'depth 8', data: { status: 'FINISHED' } },
  ],
  edges: [
    { from: 'dataset-version:1', to: 'run:2', relation: 'read', at: 0 },
    { from: 'dataset-version:1', to: 'run:2', relation: 'started', at: 0 },
    { from: 'run:2', to: 'model-version:beyond/1', relation: 'registered', at: 0 },
  ],
  truncated: true,
};

test('two relations are one line, and edges outside the graph are omitted', () => {
  const folded = foldLineage(graph, walkLineage(graph), { open: new Map(), reveal: [] });
  expect(pictureLevel(folded)).toEqual({
    nodes: [
      { id: 'dataset-version:1', group: false },
      { id: 'run:2', group: false },
    ],
    edges: [['dataset-version:1', 'run:2']],
  });
});

test('a node shows its type and its state', () => {
  const [version, run] = graph.nodes.map((node) => lineageContent(node, graph.root));
  expect(version).toMatchObject({ title: 'flights@3', state: 'failed', note: 'current' });
  expect(run).toMatchObject({ title: 'depth 8', state: 'ok', word: 'Run', note: 'finished' });
  expect(lineageContent({ node: 'run:9', type: 'run', hidden: true }, graph.root).about).toBe(
    'No permission to view this node',
  );
});

test('a fan shows its size and the number of dependents', () => {
  const fan = {
    id: 'fan',
    at: 'run:2',
    type: 'run',
    downstream: true,
    count: 1306,
    all: 1400,
    first: 'run:9',
  } as const;
  expect(fanContent(fan)).toMatchObject({ title: '+1,306 runs', about: '1,306 runs, with 94 after them.' });
  expect(fanContent({ ...fan, count: 1, all: 1 })).toMatchObject({ title: '+1 run', word: 'folded' });
});
