/** The node that an arrow key selects. Pure function. */
import type { GraphLayout, PlacedNode } from './graph-layout.ts';

const DIRECTIONS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowRight: [1, 0],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowUp: [0, -1],
};

/**
 * Right: a successor along the lines; left: a predecessor; up and down: the nearest node. Without a selection: the
 * first node. Undefined for other keys, and where there is none.
 */
export function nodeInDirection(
  layout: GraphLayout,
  from: PlacedNode | undefined,
  key: string,
): PlacedNode | undefined {
  const direction = DIRECTIONS[key];
  if (direction === undefined) return undefined;
  if (from === undefined) return layout.nodes[0];
  const [dx, dy] = direction;
  const joined = new Set(
    dx === 0
      ? []
      : layout.lines.flatMap((line) =>
          dx > 0 ? (line.from === from.id ? [line.to] : []) : line.to === from.id ? [line.from] : [],
        ),
  );
  const others = layout.nodes.filter(
    (node) => node.id !== from.id && (joined.size > 0 ? joined.has(node.id) : isAhead(from, node, dx, dy)),
  );
  return nearest(others, from, dx, dy);
}

const middle = ({ x, y, width, height }: PlacedNode) => ({ x: x + width / 2, y: y + Math.min(height, 44) / 2 });

function isAhead(from: PlacedNode, to: PlacedNode, dx: number, dy: number): boolean {
  const [a, b] = [middle(from), middle(to)];
  return (b.x - a.x) * dx + (b.y - a.y) * dy > 1;
}

/** Sideways distance counts more than forward distance. */
function nearest(nodes: readonly PlacedNode[], from: PlacedNode, dx: number, dy: number): PlacedNode | undefined {
  const start = middle(from);
  const far = (node: PlacedNode) => {
    const { x, y } = middle(node);
    const [ahead, aside] = [
      (x - start.x) * dx + (y - start.y) * dy,
      Math.abs((x - start.x) * dy) + Math.abs((y - start.y) * dx),
    ];
    return Math.abs(ahead) + 3 * aside;
  };
  return nodes.reduce<PlacedNode | undefined>(
    (best, node) => (best === undefined || far(node) < far(best) ? node : best),
    undefined,
  );
}
