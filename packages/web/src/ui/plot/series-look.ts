import './series-look.css';

/** How a line is drawn: a series keeps its place, and with it its look, in every chart of a page. */
export interface SeriesLook {
  /** For a canvas: a color that is computed already. */
  readonly color: string;
  readonly dash: readonly number[];
}

const COLORS = 10;
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

export const seriesVariable = (place: number) => `var(--series-${place % COLORS})`;

export function seriesLook(place: number): SeriesLook {
  const style = getComputedStyle(document.documentElement);
  return {
    color: style.getPropertyValue(`--series-${place % COLORS}`).trim(),
    dash: DASHES[Math.floor(place / COLORS) % DASHES.length] ?? [],
  };
}
