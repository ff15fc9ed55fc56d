/**
 * Layout of the graph of one group in layers from left to right: a node is right of its predecessors. Pure functions.
 * Longest paths determine the layers; means of neighbors determine order and height. All steps are linear in the size
 * of the graph, so that a thousand nodes are placed within a frame. (decisions/0019 has the measurements of a library.)
 */

export interface Box {
  readonly width: number;
  readonly height: number;
}

export interface Spot {
  readonly x: number;
  readonly y: number;
}

export type Pair = readonly [from: number, to: number];

export interface Layers {
  /** Upper left corners, by the index of the node. */
  readonly spots: readonly Spot[];
  /** Bends of each line between its ends, by the index of the edge. */
  readonly bends: readonly (readonly Spot[])[];
  readonly width: number;
  readonly height: number;
}

/** Gaps between columns, and between nodes of a column. */
const GAP_X = 56;
const GAP_Y = 14;
/** A larger column is split into several: scrolling through fifty screens of one layer is impractical. */
const MOST_IN_COLUMN = 32;
/** Lines over several layers reserve a position in each; above this number of lines they are straight. */
const MOST_BENDS = 4000;
const SWEEPS = 4;
/** The height that a line reserves in a layer that it passes. */
const LINE_HEIGHT = 8;

/** An item of a layer: a node, or a passing line. */
interface Item {
  readonly height: number;
  readonly before: number[];
  readonly after: number[];
  center: number;
}

export function layOutLayers(boxes: readonly Box[], edges: readonly Pair[]): Layers {
  if (boxes.length === 0) return { spots: [], bends: edges.map(() => []), width: 0, height: 0 };
  const rank = ranksOf(boxes.length, edges);
  const items: Item[] = boxes.map(({ height }) => ({ height, before: [], after: [], center: 0 }));
  const layers: number[][] = Array.from({ length: Math.max(...rank) + 1 }, () => []);
  for (const [node, layer] of rank.entries()) layers[layer]?.push(node);
  const passing = edges.reduce((sum, [from, to]) => sum + Math.max(0, at(rank, to) - at(rank, from) - 1), 0);
  const bendItems = edges.map(([from, to]) => linkItems(items, layers, rank, [from, to], passing <= MOST_BENDS));
  orderLayers(items, layers);
  const broken = layers.map((layer) => layer.length > MOST_IN_COLUMN);
  alignCenters(items, layers, broken);
  return coordinates({ boxes, items, layers, broken, bendItems });
}

/** Longest path from a start. Cycles, which no run has, come last. */
function ranksOf(count: number, edges: readonly Pair[]): number[] {
  const rank = Array.from({ length: count }, () => 0);
  const open = Array.from({ length: count }, () => 0);
  const after: number[][] = Array.from({ length: count }, () => []);
  for (const [from, to] of edges) {
    after[from]?.push(to);
    open[to] = at(open, to) + 1;
  }
  const queue = open.flatMap((waits, node) => (waits === 0 ? [node] : []));
  for (let next = 0; next < queue.length; next++) {
    const node = at(queue, next);
    for (const other of after[node] ?? []) {
      rank[other] = Math.max(at(rank, other), at(rank, node) + 1);
      open[other] = at(open, other) - 1;
      if (open[other] === 0) queue.push(other);
    }
  }
  return rank;
}

/** Connects the ends of an edge through one item in each layer between them. Returns these items. */
function linkItems(items: Item[], layers: number[][], rank: readonly number[], edge: Pair, bend: boolean): number[] {
  const [from, to] = edge;
  const made: number[] = [];
  let last = from;
  const until = bend ? at(rank, to) : 0;
  for (let layer = at(rank, from) + 1; layer < until; layer++) {
    const item = items.length;
    items.push({ height: LINE_HEIGHT, before: [], after: [], center: 0 });
    layers[layer]?.push(item);
    join(items, last, item);
    made.push(item);
    last = item;
  }
  join(items, last, to);
  return made;
}

function join(items: readonly Item[], from: number, to: number): void {
  items[from]?.after.push(to);
  items[to]?.before.push(from);
}

/** Orders each layer by the positions of its neighbors, back and forth. */
function orderLayers(items: readonly Item[], layers: number[][]): void {
  const location = new Float64Array(items.length);
  const number = (layer: readonly number[]) => {
    for (const [index, item] of layer.entries()) location[item] = index;
  };
  for (const layer of layers) number(layer);
  const sort = (layer: number[], side: 'before' | 'after') => {
    const by = new Map(layer.map((item) => [item, mean(items[item]?.[side] ?? [], location) ?? at(location, item)]));
    layer.sort((a, b) => (by.get(a) ?? 0) - (by.get(b) ?? 0) || at(location, a) - at(location, b));
    number(layer);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    for (const layer of layers.slice(1)) sort(layer, 'before');
    for (const layer of layers.slice(0, -1).toReversed()) sort(layer, 'after');
  }
}

function alignCenters(items: Item[], layers: readonly (readonly number[])[], broken: readonly boolean[]): void {
  for (const [index, layer] of layers.entries()) {
    if (broken[index] !== true)
      spread(
        items,
        layer,
        layer.map(() => 0),
      );
  }
  const pull = (index: number, side: 'before' | 'after') => {
    const layer = layers[index] ?? [];
    // Split columns have their own heights; others are centered.
    if (broken[index] === true) return;
    const centers = items.map(({ center }) => center);
    spread(
      items,
      layer,
      layer.map((item) => mean(items[item]?.[side] ?? [], centers) ?? at(centers, item)),
    );
  };
  for (let sweep = 0; sweep < SWEEPS / 2; sweep++) {
    for (let index = 1; index < layers.length; index++) pull(index, 'before');
    for (let index = layers.length - 2; index >= 0; index--) pull(index, 'after');
  }
}

/** Moves items as near to their ideal positions as order and heights allow: colliding neighbors move together. */
function spread(items: Item[], layer: readonly number[], targets: readonly number[]): void {
  interface Block {
    sum: number;
    count: number;
  }
  // Without its offset, each item must not be above the previous one.
  const offsets: number[] = [];
  const blocks: Block[] = [];
  let offset = 0;
  for (const [index, item] of layer.entries()) {
    const height = items[item]?.height ?? 0;
    if (index > 0) offset += height / 2 + GAP_Y;
    offsets.push(offset);
    offset += height / 2;
    let block: Block = { sum: (targets[index] ?? 0) - at(offsets, index), count: 1 };
    for (
      let last = blocks.at(-1);
      last !== undefined && last.sum / last.count > block.sum / block.count;
      last = blocks.at(-1)
    ) {
      block = { sum: block.sum + last.sum, count: block.count + last.count };
      blocks.pop();
    }
    blocks.push(block);
  }
  let index = 0;
  for (const { sum, count } of blocks) {
    for (let step = 0; step < count; step++, index++) {
      const item = items[layer[index] ?? -1];
      if (item !== undefined) item.center = sum / count + at(offsets, index);
    }
  }
}

interface Placing {
  readonly boxes: readonly Box[];
  readonly items: readonly Item[];
  readonly layers: readonly (readonly number[])[];
  readonly broken: readonly boolean[];
  readonly bendItems: readonly (readonly number[])[];
}

function coordinates({ boxes, items, layers, broken, bendItems }: Placing): Layers {
  const tops = layers.flatMap((layer, index) =>
    broken[index] === true ? [] : layer.map((item) => (items[item]?.center ?? 0) - (items[item]?.height ?? 0) / 2),
  );
  const top = tops.reduce((least, one) => Math.min(least, one), tops.length === 0 ? 0 : Infinity);
  const corners: Spot[] = [];
  let [x, height] = [0, 0];
  for (const [index, layer] of layers.entries()) {
    const width = layer.reduce((most, item) => Math.max(most, boxes[item]?.width ?? 0), 0);
    const columns = broken[index] === true ? Math.ceil(layer.length / MOST_IN_COLUMN) : 1;
    const perColumn = Math.ceil(layer.length / columns);
    let y = 0;
    for (const [position, item] of layer.entries()) {
      const own = items[item]?.height ?? 0;
      const column = Math.floor(position / perColumn);
      if (position % perColumn === 0) y = 0;
      const corner = broken[index] === true ? y : (items[item]?.center ?? 0) - own / 2 - top;
      corners[item] = { x: x + column * (width + GAP_X / 2), y: corner };
      y += own + GAP_Y;
      height = Math.max(height, corner + own);
    }
    x += columns * width + (columns - 1) * (GAP_X / 2) + GAP_X;
  }
  const spots = boxes.map((_, node) => corners[node] ?? { x: 0, y: 0 });
  const widths = new Map(
    layers.flatMap((layer) => {
      const width = layer.reduce((most, item) => Math.max(most, boxes[item]?.width ?? 0), 0);
      return layer.map((item) => [item, width] as const);
    }),
  );
  const bends = bendItems.map((made) =>
    made.flatMap((item) => {
      const corner = corners[item] ?? { x: 0, y: 0 };
      const y = corner.y + LINE_HEIGHT / 2;
      // Through the whole layer, so that it crosses no item there.
      return [
        { x: corner.x, y },
        { x: corner.x + (widths.get(item) ?? 0), y },
      ];
    }),
  );
  return { spots, bends, width: Math.max(0, x - GAP_X), height };
}

function mean(of: readonly number[], values: ArrayLike<number>): number | undefined {
  return of.length === 0 ? undefined : of.reduce((sum, item) => sum + at(values, item), 0) / of.length;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0;
}
