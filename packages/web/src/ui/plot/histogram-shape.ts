/**
 * Histograms with different edges on one scale: heights are densities, so that bins of any width compare. Pure
 * functions.
 */

export interface Histogram {
  /** Ascending; one more than `counts`. */
  readonly edges: readonly number[];
  readonly counts: readonly number[];
}

export interface Bar {
  /** From 0 at the start of the scale to 1 at its end. */
  readonly start: number;
  readonly end: number;
  /** From 0 to 1, the highest of all that are drawn together. */
  readonly height: number;
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Number of all counted values. */
  readonly share: number;
}

export interface HistogramShapes {
  readonly low: number;
  readonly high: number;
  readonly shapes: readonly (readonly Bar[])[];
}

/** Undefined: all are empty. */
export function histogramShapes(histograms: readonly Histogram[]): HistogramShapes | undefined {
  const counted = histograms.filter(({ counts, edges }) => counts.some((count) => count > 0) && edges.length > 1);
  if (counted.length === 0) return undefined;
  const ends = counted.flatMap(({ edges }) => [edges[0] ?? 0, edges.at(-1) ?? 0]);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const span = high - low;
  const raw = histograms.map(({ edges, counts }) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return counts.map((count, at) => {
      const [from, to] = [edges[at] ?? low, edges[at + 1] ?? high];
      // A single value has no width: it covers the whole scale.
      const [start, end] = span === 0 ? [0, 1] : [(from - low) / span, (to - low) / span];
      const share = total === 0 ? 0 : count / total;
      return { start, end, from, to, count, share, density: end > start ? share / (end - start) : share };
    });
  });
  const highest = Math.max(...raw.flatMap((bars) => bars.map(({ density }) => density)));
  const shapes = raw.map((bars) =>
    bars.map(({ density, ...bar }): Bar => ({ ...bar, height: highest === 0 ? 0 : density / highest })),
  );
  return { low, high, shapes };
}

/** The upper edge of the bars as one SVG path, within a box of this size. */
export function outlinePath(bars: readonly Bar[], width: number, height: number): string {
  const [first] = bars;
  const last = bars.at(-1);
  if (first === undefined || last === undefined) return '';
  const at = (value: number) => Math.round(value * 10) / 10;
  const steps = bars.map((bar) => `V${at(height * (1 - bar.height))}H${at(width * bar.end)}`).join('');
  return `M${at(width * first.start)} ${at(height)}${steps}V${at(height)}`;
}
