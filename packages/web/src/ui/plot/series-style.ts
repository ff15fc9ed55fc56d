import './series-style.css';

/** Style of a line: a series keeps its index, and with it its style, in every chart of a page. */
export interface SeriesStyle {
  /** For a canvas: a resolved color. */
  readonly color: string;
  readonly dash: readonly number[];
}

const COLORS = 10;
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

export const seriesVariable = (position: number) => `var(--series-${position % COLORS})`;

export function seriesStyle(position: number): SeriesStyle {
  const style = getComputedStyle(document.documentElement);
  return {
    color: style.getPropertyValue(`--series-${position % COLORS}`).trim(),
    dash: DASHES[Math.floor(position / COLORS) % DASHES.length] ?? [],
  };
}
