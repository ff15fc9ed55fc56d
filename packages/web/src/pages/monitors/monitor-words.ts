/** Statuses and metrics of monitors as texts and colors. Pure functions. */
import type { ColumnComparison, MonitorAlert, MonitorDecision, MonitorState } from '@dais/api/monitoring';
import type { Histogram } from '#ui/plot/histogram-shape.ts';
import type { State } from '#ui/state-badge.tsx';

interface Word {
  readonly state: State;
  readonly word: string;
}

/** An unknown status is never shown as passing. */
export const MONITOR_STATES: Readonly<Record<MonitorState, Word>> = {
  passing: { state: 'ok', word: 'ok' },
  failing: { state: 'failed', word: 'failing' },
  unknown: { state: 'warning', word: 'unknown' },
  pending: { state: 'waiting', word: 'no window yet' },
};

export const SEVERITIES: Readonly<Record<MonitorAlert['severity'], State>> = {
  info: 'running',
  warning: 'warning',
  critical: 'failed',
};

export const OUTCOMES: Readonly<Record<MonitorDecision['outcome'], Word>> = {
  started: { state: 'ok', word: 'started' },
  declined: { state: 'off', word: 'not started' },
  failed: { state: 'failed', word: 'failed' },
};

/** Statuses that need attention first. */
const ORDER: readonly MonitorState[] = ['failing', 'unknown', 'pending', 'passing'];

export function byNeed(a: MonitorState, b: MonitorState): number {
  return ORDER.indexOf(a) - ORDER.indexOf(b);
}

export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2);
  return Number(value.toPrecision(4)).toLocaleString('en', { maximumFractionDigits: 6 });
}

/** `3 h`, `2 days`. */
export function delayText(ms: number): string {
  if (ms < 1000) return '< 1 s';
  if (ms < 60_000) return `${Math.round(ms / 1000)} s`;
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 172_800_000 ? `${Math.round(ms / 3_600_000)} h` : `${Math.round(ms / 86_400_000)} days`;
}

/** In the viewer's time zone, as short as a heat map column. */
export function windowText(from: number, until: number): string {
  const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });
  const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
  const [start, end] = [new Date(from), new Date(until)];
  if (until - from >= 86_400_000) return `${day.format(start)} – ${day.format(end)}`;
  return `${day.format(start)}, ${clock.format(start)} – ${clock.format(end)}`;
}

export interface BothSides {
  readonly current: Histogram;
  readonly baseline: Histogram | undefined;
}

/** Adds ends: the outermost bins of a report are open, and extend to the minimum and maximum of the values. */
export function bothSides({ histogram, current, baseline }: ColumnComparison): BothSides | undefined {
  if (histogram === undefined) return undefined;
  const { edges } = histogram;
  const [first, last] = [edges[0] ?? current.min ?? 0, edges.at(-1) ?? current.max ?? 1];
  const step = edges.length > 1 ? (last - first) / (edges.length - 1) : Math.max(Math.abs(first), 1);
  const reach = (ends: readonly (number | undefined)[], beyond: number, pick: (...values: number[]) => number) => {
    const known = ends.filter((one): one is number => one !== undefined);
    return known.length === 0 ? beyond : pick(...known);
  };
  const low = Math.min(reach([current.min, baseline?.min], first - step, Math.min), first);
  const high = Math.max(reach([current.max, baseline?.max], last + step, Math.max), last);
  const ends = [low, ...edges, high];
  return {
    current: { edges: ends, counts: histogram.current },
    baseline: histogram.baseline.length === 0 ? undefined : { edges: ends, counts: histogram.baseline },
  };
}
