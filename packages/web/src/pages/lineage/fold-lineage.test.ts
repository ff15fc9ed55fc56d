import type { LineageGraph, LineageNodeType } from '@dais/api/lineage';
import { expect, test } from 'vitest';
import { foldLineage, MORE_OF_FAN, MAX_DRAWN, SHOWN_OF_FAN, walkLineage } from './fold-lineage.ts';

const NOTHING = { open: new Map<string, number>(), reveal: [] };

function graph(root: string, edges: readonly (readonly [string, string])[]): LineageGraph {
  const keys = [...new Set([root, ...edges.flat()])];
  return {
    root,
    nodes: keys.map((node) => ({ node, type: node.slice(0, node.indexOf(':')) as LineageNodeType })),
    edges: edges.map(([from, to]) => ({ from, to, relation: 'read', at: 0 })),
    truncated: false,
  };
}

/** A dataset that many runs read, each of which created a model. */
function wide(runs: number): LineageGraph {
  return graph(
    'dataset:d',
    Array.from({ length: runs }, (_, at) => at).flatMap((at) => [
      ['dataset:d', `run:${at}`] as const,
      [`run:${at}`, `logged-model:${at}`] as const,
    ]),
  );
}

const fold = (one: LineageGraph, options: Parameters<typeof foldLineage>[2] = NOTHING) =>
  foldLineage(one, walkLineage(one), options);

test('a large fan is one box with its dependents; a small one is shown in full', () => {
  const { nodes, fans, edges } = fold(wide(312));
  expect(nodes.filter(({ type }) => type === 'run')).toHaveLength(SHOWN_OF_FAN);
  expect(fans).toMatchObject([{ at: 'dataset:d', type: 'run', downstream: true, count: 306, all: 612 }]);
  expect(edges).toContainEqual(['dataset:d', fans[0]?.id]);
  expect(fold(wide(7)).fans).toEqual([]);
  expect(fold(wide(7)).nodes).toHaveLength(15);
});

test('an opened fan shows more nodes, and a search result is shown with its path', () => {
  const one = wide(312);
  const id = fold(one).fans[0]?.id ?? '';
  const opened = fold(one, { open: new Map([[id, SHOWN_OF_FAN + MORE_OF_FAN]]), reveal: ['logged-model:300'] });
  expect(opened.nodes.filter(({ type }) => type === 'run')).toHaveLength(SHOWN_OF_FAN + MORE_OF_FAN + 1);
  expect(opened.nodes.map(({ node }) => node)).toContain('logged-model:300');
  expect(opened.fans).toMatchObject([{ count: 281, all: 562 }]);
});

test('upstream and downstream are separate, and a node in both is shown once', () => {
  const { nodes, fans, edges } = fold(
    graph('run:r', [
      ['dataset:a', 'run:r'],
      ['run:r', 'dataset:b'],
      ['dataset:a', 'dataset:b'],
    ]),
  );
  expect(nodes).toHaveLength(3);
  expect(fans).toEqual([]);
  expect(edges).toContainEqual(['dataset:a', 'dataset:b']);
});

test('lines between folded nodes are one line, and a cycle ends', () => {
  const many = Array.from({ length: 20 }, (_, at) => at);
  const { edges } = fold(
    graph('dataset:d', [
      ...many.map((at) => ['dataset:d', `run:${at}`] as const),
      ...many.map((at) => [`run:${at}`, 'dataset:d'] as const),
      ...many.map((at) => [`run:${at}`, `run:${(at + 1) % 20}`] as const),
    ]),
  );
  expect(edges.filter(([from, to]) => from.startsWith('fan:') && to.startsWith('fan:'))).toEqual([]);
  expect(new Set(edges.map(String)).size).toBe(edges.length);
});

test('the number of drawn nodes is limited at every depth', () => {
  const edges = Array.from({ length: 5000 }, (_, at) => [`run:${Math.floor(at / 5)}`, `run:${at + 1}`] as const);
  const { nodes, fans } = fold(graph('run:0', edges));
  expect(nodes.length).toBeLessThanOrEqual(MAX_DRAWN);
  expect(nodes.length + fans.reduce((sum, { all }) => sum + all, 0)).toBe(5001);
});
