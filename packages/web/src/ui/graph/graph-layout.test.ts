import { expect, test } from 'vitest';
import { layoutGraph, linePath, NODE_HEIGHT, NODE_WIDTH, type GraphLayout, type GraphLevel } from './graph-layout.ts';

function level(nodes: readonly string[], edges: readonly string[]): GraphLevel {
  return {
    nodes: nodes.map((id) => ({ id, group: false })),
    edges: edges.map((edge) => edge.split('>') as unknown as readonly [string, string]),
  };
}

const byId = ({ nodes }: GraphLayout) => Object.fromEntries(nodes.map((node) => [node.id, node]));

function overlaps({ nodes }: GraphLayout): readonly string[] {
  const leaves = nodes.filter(({ open }) => !open);
  return leaves.flatMap((a, index) =>
    leaves
      .slice(index + 1)
      .filter((b) => a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height)
      .map((b) => `${a.id} ${b.id}`),
  );
}

test('a node is right of its predecessors, and a diamond is symmetric', () => {
  const layout = layoutGraph(level(['a', 'b', 'c', 'd'], ['a>b', 'a>c', 'b>d', 'c>d']));
  const { a, b, c, d } = byId(layout);
  expect(b!.x).toBeGreaterThan(a!.x + NODE_WIDTH);
  expect([c!.x, d!.x > b!.x]).toEqual([b!.x, true]);
  expect([a!.y, d!.y]).toEqual([(b!.y + c!.y) / 2, (b!.y + c!.y) / 2]);
  expect([Math.min(...layout.nodes.map(({ y }) => y)), layout.height]).toEqual([0, 2 * NODE_HEIGHT + 14]);
  expect(overlaps(layout)).toEqual([]);
});

test('a line over several layers passes around the nodes between', () => {
  const layout = layoutGraph(level(['a', 'b', 'c'], ['a>b', 'b>c', 'a>c']));
  const long = layout.lines.find(({ from, to }) => from === 'a' && to === 'c');
  const { b } = byId(layout);
  const inLayer = long!.points.filter(({ x }) => x >= b!.x && x <= b!.x + b!.width);
  expect(inLayer).toHaveLength(2);
  for (const { y } of inLayer) expect(y < b!.y || y > b!.y + b!.height).toBe(true);
});

test('an open group is as large as its content', () => {
  const layout = layoutGraph({
    nodes: [
      { id: 'a', group: false },
      { id: 'g', group: true, inside: level(['g/x', 'g/y'], ['g/x>g/y']) },
      { id: 'z', group: true },
    ],
    edges: [
      ['a', 'g'],
      ['g', 'z'],
      ['g', 'unknown'],
    ],
  });
  const { g, z, ...rest } = byId(layout);
  for (const id of ['g/x', 'g/y']) {
    const node = rest[id]!;
    expect(node.x > g!.x && node.y > g!.y && node.x + node.width < g!.x + g!.width).toBe(true);
    expect(node.y + node.height).toBeLessThan(g!.y + g!.height);
  }
  expect([g!.open, z!.open, z!.x > g!.x + g!.width, layout.lines.length]).toEqual([true, false, true, 3]);
  expect(overlaps(layout)).toEqual([]);
});

test('independent nodes are arranged in rows; a large layer is split', () => {
  const names = Array.from({ length: 1000 }, (_, n) => `n${n}`);
  const grid = layoutGraph(level(names, []));
  expect(grid.width / grid.height).toBeGreaterThan(1);
  expect(grid.height).toBeLessThan(8000);
  const fan = layoutGraph(
    level(
      ['first', ...names, 'last'],
      names.flatMap((name) => [`first>${name}`, `${name}>last`]),
    ),
  );
  expect(fan.height).toBeLessThan(3000);
  expect([overlaps(grid), overlaps(fan)]).toEqual([[], []]);
});

test('a cycle, which no run has, is drawn; an empty graph is empty', () => {
  expect(layoutGraph(level(['a', 'b'], ['a>b', 'b>a'])).nodes).toHaveLength(2);
  expect(layoutGraph(level([], []))).toEqual({ width: 0, height: 0, nodes: [], lines: [] });
});

test('lines are written for SVG', () => {
  expect(
    linePath([
      { x: 0, y: 1 },
      { x: 10, y: 1 },
      { x: 20, y: 5.04 },
    ]),
  ).toBe('M0 1H10C15 1 15 5 20 5');
  expect(linePath([])).toBe('');
});
