import './series-look.css';

/** How a line is drawn: a series keeps its place, and with it its look, in every chart of a page. */
export interface SeriesLook {
  /** For a canvas: a colour that is computed already. */
  readonly colour: string;
  readonly dash: readonly number[];
}

const COLOURS = 10;
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 3], [8, 3, 2, 3]];

export const seriesVariable = (place: number) => `var(--series-${place % COLOURS})`;

export function seriesLook(place: number): SeriesLook {
  const style = getComputedStyle(document.documentElement);
  return {
    colour: style.getPropertyValue(`--series-${place % COLOURS}`).trim(),
    dash: DASHES[Math.floor(place / COLOURS) % DASHES.length] ?? [],
  };
}
