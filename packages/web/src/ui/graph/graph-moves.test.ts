import { expect, test } from 'vitest';
import { layoutGraph } from './graph-layout.ts';
import { nodeInDirection } from './graph-moves.ts';
import { boxOf, isSeen, tileOf } from './graph-window.ts';

const layout = layoutGraph({
  nodes: ['a', 'b', 'c', 'd'].map((id) => ({ id, group: false })),
  edges: [
    ['a', 'b'],
    ['a', 'c'],
    ['b', 'd'],
    ['c', 'd'],
  ],
});
const go = (from: string | undefined, key: string) =>
  nodeInDirection(
    layout,
    layout.nodes.find(({ id }) => id === from),
    key,
  )?.id;

test('arrow keys follow the lines, and move up and down within a layer', () => {
  expect(go(undefined, 'ArrowRight')).toBe('a');
  expect(['b', 'c']).toContain(go('a', 'ArrowRight'));
  expect([go('b', 'ArrowRight'), go('d', 'ArrowRight'), go('a', 'ArrowLeft')]).toEqual(['d', undefined, undefined]);
  expect([go('b', 'ArrowDown'), go('c', 'ArrowUp'), go('b', 'ArrowLeft')]).toEqual(['c', 'b', 'a']);
  expect(go('a', 'x')).toBeUndefined();
});

test('the visible area changes in steps', () => {
  const at = (scrollLeft: number) => tileOf({ scrollLeft, scrollTop: 0, clientWidth: 900, clientHeight: 600 }, 1, 24);
  expect(at(30)).toEqual(at(200));
  expect(at(30)).not.toEqual(at(400));
  expect(isSeen({ x: 5000, y: 0, width: 10, height: 10 }, at(0))).toBe(false);
  expect(
    isSeen(
      boxOf([
        { x: -5000, y: 5 },
        { x: 9000, y: 10 },
      ]),
      at(0),
    ),
  ).toBe(true);
});
