import { cutTo, padTo, printable, widthOf } from '#output/width.ts';
import type { Style } from '#output/style.ts';

/** A cell; `paint` colors it after it is measured and truncated. */
export interface Cell {
  readonly text: string;
  readonly paint?: (style: Style) => (text: string) => string;
}

export interface TableOptions {
  readonly style: Style;
  /** Truncates cells so that lines fit; undefined (no terminal) never truncates. */
  readonly columns: number | undefined;
  /** False for further rows under a printed header. */
  readonly head?: boolean;
  /** Minimum widths, so that further rows stay aligned with the header. */
  readonly widths?: readonly number[];
}

const GAP = 3;
/** Minimum width of a truncated column. */
const LEAST = 8;

/** Columns aligned by their widest cell, headers in capitals; ends with a newline. */
export function table(head: readonly string[], rows: readonly (readonly Cell[])[], options: TableOptions): string {
  const heads = head.map((title) => title.toUpperCase());
  const texts = rows.map((row) => row.map((cell) => (cell.text === '' ? '-' : printable(cell.text))));
  const widths = fit(tableWidths(heads, texts, options.widths), options.columns);
  const line = (cells: readonly string[], paint: (text: string, index: number) => string) =>
    cells
      .map((text, index) => {
        const width = widths[index] ?? 0;
        const cut = options.columns === undefined ? text : cutTo(text, width);
        const last = index === cells.length - 1;
        // Padding stays outside the color, so that a last column has no trailing spaces.
        return `${paint(cut, index)}${last ? '' : padTo('', width - widthOf(cut) + GAP)}`;
      })
      .join('');
  const lines = texts.map((cells, row) =>
    line(cells, (text, index) => rows[row]?.[index]?.paint?.(options.style)(text) ?? text),
  );
  if (options.head !== false) lines.unshift(line(heads, (text) => options.style.dim(text)));
  return lines.map((text) => `${text}\n`).join('');
}

/** Widest cell of each column, as it would be without a limit. */
export function tableWidths(
  heads: readonly string[],
  texts: readonly (readonly string[])[],
  least: readonly number[] = [],
): number[] {
  return heads.map((title, index) =>
    Math.max(widthOf(title), least[index] ?? 0, ...texts.map((cells) => widthOf(cells[index] ?? ''))),
  );
}

/** Shrinks the widest column until the line fits or no column can shrink. */
function fit(widths: readonly number[], columns: number | undefined): number[] {
  const fitted = [...widths];
  if (columns === undefined) return fitted;
  let excess = fitted.reduce((sum, width) => sum + width, 0) + GAP * (fitted.length - 1) - columns;
  while (excess > 0) {
    const widest = Math.max(...fitted);
    if (widest <= LEAST) break;
    const second = Math.max(LEAST, ...fitted.filter((width) => width < widest));
    const index = fitted.lastIndexOf(widest);
    const cut = Math.max(1, Math.min(excess, widest - second));
    fitted[index] = widest - cut;
    excess -= cut;
  }
  return fitted;
}
