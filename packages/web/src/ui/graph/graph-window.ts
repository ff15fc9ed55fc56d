/** The visible area of a drawing in steps, so that not every pixel of a scroll renders. Pure functions. */
import type { Spot } from './layers.ts';

/** In units of the drawing. */
export interface Seen {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Scrolling within one step renders nothing; one further step on each side is already rendered. */
const STEP = 300;

export interface Scrolled {
  readonly scrollLeft: number;
  readonly scrollTop: number;
  readonly clientWidth: number;
  readonly clientHeight: number;
}

export function tileOf(
  { scrollLeft, scrollTop, clientWidth, clientHeight }: Scrolled,
  scale: number,
  margin: number,
): Seen {
  const down = (value: number) => (Math.floor((value / scale - margin) / STEP) - 1) * STEP;
  const up = (value: number) => (Math.ceil((value / scale - margin) / STEP) + 1) * STEP;
  return {
    left: down(scrollLeft),
    top: down(scrollTop),
    right: up(scrollLeft + clientWidth),
    bottom: up(scrollTop + clientHeight),
  };
}

export interface Rect extends Spot {
  readonly width: number;
  readonly height: number;
}

export function isSeen({ x, y, width, height }: Rect, { left, top, right, bottom }: Seen): boolean {
  return x <= right && y <= bottom && x + width >= left && y + height >= top;
}

export function boxOf(points: readonly Spot[]): Rect {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const [x, y] = [Math.min(...xs), Math.min(...ys)];
  return { x, y, width: Math.max(...xs) - x, height: Math.max(...ys) - y };
}
