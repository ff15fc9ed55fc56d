import { cutTo, padTo, printable, widthOf } from '#output/width.ts';
import type { Style } from '#output/style.ts';

/** A cell; `paint` colors it after it was measured and cut. */
export interface Cell {
  readonly text: string;
  readonly paint?: (style: Style) => (text: string) => string;
}

export interface TableOptions {
  readonly style: Style;
  /** Cuts cells so that lines fit; undefined (no terminal) never cuts. */
  readonly columns: number | undefined;
  /** False for further rows of a table whose head stands already. */
  readonly head?: boolean;
  /** Widths to keep at least, so that further rows stay under the head. */
  readonly widths?: readonly number[];
}

const GAP = 3;
/** A column that was cut to less says nothing any more. */
const LEAST = 8;

/** Columns aligned by their widest cell, heads in capitals; ends with a newline. */
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
        // Padding stays outside the color, so that a last column leaves no blanks behind it.
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

/** Takes from the widest column until the line fits or nothing can be taken. */
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
