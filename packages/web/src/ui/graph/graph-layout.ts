/** Layout of nested groups, their nodes and lines. Pure functions. */
import { layOutLayers, type Spot } from './layers.ts';

export interface GraphNode {
  readonly id: string;
  /** The node is a group that can be opened. */
  readonly group: boolean;
  /** For an open group. */
  readonly inside?: GraphLevel | undefined;
}

export interface GraphLevel {
  readonly nodes: readonly GraphNode[];
  /** Ids of nodes on this level. */
  readonly edges: readonly (readonly [from: string, to: string])[];
}

export interface PlacedNode extends Spot {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly group: boolean;
  readonly open: boolean;
}

export interface PlacedLine {
  readonly from: string;
  readonly to: string;
  readonly points: readonly Spot[];
}

export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  /** Groups before their content. */
  readonly nodes: readonly PlacedNode[];
  readonly lines: readonly PlacedLine[];
}

export const NODE_WIDTH = 208;
export const NODE_HEIGHT = 44;
/** Space for the title of an open group, and around its content. */
const GROUP_HEAD = 32;
const GROUP_PAD = 12;
/** Nodes without lines between them, such as iterations, are arranged in rows. */
const GRID_GAP = 14;
/** Width of a grid relative to its height. */
const GRID_ASPECT = 1.6;

export function layoutGraph(level: GraphLevel): GraphLayout {
  const nodes: PlacedNode[] = [];
  const lines: PlacedLine[] = [];
  const location = layOutLevel(level);
  emit(location, { x: 0, y: 0 }, nodes, lines);
  return { width: location.width, height: location.height, nodes, lines };
}

interface LevelLayout {
  readonly level: GraphLevel;
  readonly inside: readonly (LevelLayout | undefined)[];
  readonly sizes: readonly { readonly width: number; readonly height: number }[];
  readonly spots: readonly Spot[];
  readonly bends: readonly (readonly Spot[])[];
  readonly pairs: readonly (readonly [number, number])[];
  readonly width: number;
  readonly height: number;
}

function layOutLevel(level: GraphLevel): LevelLayout {
  const inside = level.nodes.map((node) => (node.inside === undefined ? undefined : layOutLevel(node.inside)));
  const sizes = inside.map((location) =>
    location === undefined
      ? { width: NODE_WIDTH, height: NODE_HEIGHT }
      : {
          width: Math.max(NODE_WIDTH, location.width + 2 * GROUP_PAD),
          height: location.height + GROUP_HEAD + 2 * GROUP_PAD,
        },
  );
  const numbers = new Map(level.nodes.map(({ id }, index) => [id, index]));
  const pairs = level.edges.flatMap(([from, to]): (readonly [number, number])[] => {
    const [a, b] = [numbers.get(from), numbers.get(to)];
    return a === undefined || b === undefined ? [] : [[a, b]];
  });
  const around = { level, inside, sizes, pairs };
  if (pairs.length === 0 && sizes.length > 1) return { ...around, ...layOutRows(sizes), bends: [] };
  return { ...around, ...layOutLayers(sizes, pairs) };
}

function layOutRows(sizes: LevelLayout['sizes']): Pick<LevelLayout, 'spots' | 'width' | 'height'> {
  const area = sizes.reduce((sum, { width, height }) => sum + (width + GRID_GAP) * (height + GRID_GAP), 0);
  const most = Math.max(Math.sqrt(area * GRID_ASPECT), ...sizes.map(({ width }) => width));
  const spots: Spot[] = [];
  let [x, y, rowHeight, width] = [0, 0, 0, 0];
  for (const size of sizes) {
    if (x > 0 && x + size.width > most) {
      x = 0;
      y += rowHeight + GRID_GAP;
      rowHeight = 0;
    }
    spots.push({ x, y });
    x += size.width + GRID_GAP;
    rowHeight = Math.max(rowHeight, size.height);
    width = Math.max(width, x - GRID_GAP);
  }
  return { spots, width, height: y + rowHeight };
}

function emit(location: LevelLayout, origin: Spot, nodes: PlacedNode[], lines: PlacedLine[]): void {
  const corner = (index: number): Spot => {
    const { x, y } = location.spots[index] ?? { x: 0, y: 0 };
    return { x: origin.x + x, y: origin.y + y };
  };
  for (const [index, { id, group }] of location.level.nodes.entries()) {
    const { x, y } = corner(index);
    const size = location.sizes[index] ?? { width: NODE_WIDTH, height: NODE_HEIGHT };
    const inside = location.inside[index];
    nodes.push({ id, x, y, ...size, group, open: inside !== undefined });
    if (inside !== undefined) emit(inside, { x: x + GROUP_PAD, y: y + GROUP_HEAD + GROUP_PAD }, nodes, lines);
  }
  for (const [index, [from, to]] of location.pairs.entries()) {
    const [start, end] = [corner(from), corner(to)];
    const [source, target] = [location.sizes[from], location.sizes[to]];
    const bends = (location.bends[index] ?? []).map(({ x, y }) => ({ x: origin.x + x, y: origin.y + y }));
    lines.push({
      from: location.level.nodes[from]?.id ?? '',
      to: location.level.nodes[to]?.id ?? '',
      points: [
        { x: start.x + (source?.width ?? 0), y: middle(start.y, source?.height) },
        ...bends,
        { x: end.x, y: middle(end.y, target?.height) },
      ],
    });
  }
}

/** Lines of an open group start at the height of its title, not in the middle of a tall box. */
function middle(y: number, height = NODE_HEIGHT): number {
  return y + Math.min(height, NODE_HEIGHT) / 2;
}

/** A line through its points as an SVG path, curved between columns. */
export function linePath(points: readonly Spot[]): string {
  const [first, ...rest] = points;
  if (first === undefined) return '';
  let [path, last] = [`M${round(first.x)} ${round(first.y)}`, first];
  for (const point of rest) {
    const half = (last.x + point.x) / 2;
    path +=
      last.y === point.y
        ? `H${round(point.x)}`
        : `C${round(half)} ${round(last.y)} ${round(half)} ${round(point.y)} ${round(point.x)} ${round(point.y)}`;
    last = point;
  }
  return path;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
