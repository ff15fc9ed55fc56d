/** Lines for drawing: smoothed, without values outside the scale, over one common axis. Pure functions. */

export interface PlotLine {
  readonly label: string;
  /** Index of the series on the page, which determines its style. */
  readonly place: number;
  /** Rising. */
  readonly xs: readonly number[];
  readonly ys: readonly (number | null)[];
  /** Extremes around each point, where a point represents many. */
  readonly low?: readonly (number | null)[];
  readonly high?: readonly (number | null)[];
}

/**
 * Exponential moving average, corrected for its start (Kingma and Ba 2015, as TensorBoard smooths). `weight`: 0 (as it is)
 * to below 1. Gaps stay gaps.
 */
export function smoothed(values: readonly (number | null)[], weight: number): readonly (number | null)[] {
  if (weight <= 0) return values;
  let [average, bias] = [0, 1];
  return values.map((value) => {
    if (value === null) return null;
    average = weight * average + (1 - weight) * value;
    bias *= weight;
    return average / (1 - bias);
  });
}

/** A logarithmic scale has no zero and no negative values. */
export function forScale(values: readonly (number | null)[], log: boolean): readonly (number | null)[] {
  return log ? values.map((value) => (value !== null && value > 0 ? value : null)) : values;
}

/** One axis for all lines; null where a line has no value. */
export function onCommonPositions(
  lines: readonly { readonly xs: readonly number[]; readonly columns: readonly (readonly (number | null)[])[] }[],
): { readonly xs: readonly number[]; readonly columns: readonly (readonly (number | null | undefined)[])[] } {
  const xs = [...new Set(lines.flatMap((line) => line.xs))].toSorted((a, b) => a - b);
  const at = new Map(xs.map((x, index) => [x, index]));
  const columns = lines.flatMap((line) =>
    line.columns.map((values) => {
      // Undefined, not null: a line continues over the positions of others, and breaks at its own gaps.
      const column: (number | null | undefined)[] = Array.from({ length: xs.length });
      for (const [index, x] of line.xs.entries()) column[at.get(x) ?? 0] = values[index];
      return column;
    }),
  );
  return { xs, columns };
}
