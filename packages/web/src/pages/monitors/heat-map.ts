/** A heat map of columns by windows, from the history of a monitor. Pure functions. */
import type { MonitorHistory, MonitorSeries, CheckStatus } from '@dais/api/monitoring';

export interface HeatCell {
  readonly window: number;
  readonly value: number | null;
  /** Of a test: its threshold is a p-value. */
  readonly p: number | null;
  /** Distance to the threshold, from 0 to 1: 0.5 is the threshold. */
  readonly heat: number;
  /** Null: the window has no value. */
  readonly status: CheckStatus | null;
}

export interface HeatRow {
  readonly key: string;
  readonly check: string;
  readonly metric: string;
  readonly column: string;
  readonly cells: readonly HeatCell[];
  readonly bad: number;
}

/** One row for each check, column and metric; those that failed most often and most recently come first. */
export function heatRows({ windows, series }: MonitorHistory): readonly HeatRow[] {
  return series
    .filter(
      (one): one is MonitorSeries & { readonly column: string } =>
        one.column !== undefined && one.segment === undefined,
    )
    .map((one): HeatRow => {
      const cells = windows.map(({ number }, at): HeatCell => {
        const value = one.values[at] ?? null;
        return {
          window: number,
          value,
          p: one.pValues[at] ?? null,
          heat: heatOf(value, one.thresholds[at] ?? null, one.pValues[at] ?? null),
          status: one.statuses[at] ?? null,
        };
      });
      const { check, metric, column } = one;
      return {
        key: `${check} ${column} ${metric}`,
        check,
        metric,
        column,
        cells,
        bad: cells.filter(({ status }) => status === 'failing').length,
      };
    })
    .toSorted((a, b) => b.bad - a.bad || lastHeat(b) - lastHeat(a));
}

function lastHeat({ cells }: HeatRow): number {
  return cells.findLast(({ status }) => status !== null)?.heat ?? 0;
}

function heatOf(value: number | null, threshold: number | null, p: number | null): number {
  if (value === null || threshold === null || threshold === 0) return 0;
  // A lower p-value is a stronger deviation.
  const ratio = p === null ? Math.abs(value / threshold) : p === 0 ? Infinity : threshold / p;
  return ratio <= 1 ? ratio / 2 : 1 - 1 / (2 * ratio);
}
