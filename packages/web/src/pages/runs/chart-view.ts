/** Chart settings in the URL. Pure functions. */

export const AXES = ['step', 'time', 'relative'] as const;
export type ChartAxis = (typeof AXES)[number];

export interface ChartView {
  readonly axis: ChartAxis;
  readonly log: boolean;
  /** 0 to 0.99. */
  readonly smoothing: number;
  /** In the unit of the axis: steps, seconds since 1970, or seconds since the start of the run. */
  readonly range: readonly [number, number] | undefined;
}

export function chartView(query: Readonly<Record<string, string | undefined>>): ChartView {
  const axis = AXES.find((one) => one === query['x']) ?? 'step';
  const smoothing = Number(query['smooth'] ?? 0);
  const range = (query['range'] ?? '').split('~').map(Number);
  const [from = Number.NaN, to = Number.NaN] = range;
  return {
    axis,
    log: query['log'] === 'yes',
    smoothing: Number.isFinite(smoothing) ? Math.min(0.99, Math.max(0, smoothing)) : 0,
    range: query['range'] !== undefined && from < to ? [from, to] : undefined,
  };
}

export function rangeText(range: readonly [number, number] | undefined): string | undefined {
  return range?.map((position) => Number(position.toPrecision(8))).join('~');
}
