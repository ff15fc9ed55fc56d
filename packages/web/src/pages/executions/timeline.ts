/** The active time of each step. Pure functions. */
import type { ExecutionMark } from '@dais/api/executions';
import type { Marks } from './marks.ts';

export interface TimelineRow {
  readonly mark: ExecutionMark;
  /** Shares of the total time, from 0 to 1. */
  readonly left: number;
  readonly width: number;
}

export interface Timeline {
  readonly rows: readonly TimelineRow[];
  readonly from: number;
  readonly totalMs: number;
}

/** Started steps, the earliest first; running ones reach to now. */
export function timelineOf(marks: Marks, now: number): Timeline {
  const begun = [...marks.values()].filter(({ kind, startedAt }) => kind === 'step' && startedAt !== undefined);
  const from = begun.reduce((least, { startedAt = 0 }) => Math.min(least, startedAt), Infinity);
  if (begun.length === 0) return { rows: [], from: now, totalMs: 0 };
  const end = (mark: ExecutionMark) => Math.max(mark.endedAt ?? now, mark.startedAt ?? 0);
  const until = begun.reduce((most, mark) => Math.max(most, end(mark)), from);
  const total = Math.max(1, until - from);
  const rows = begun
    .toSorted((a, b) => (a.startedAt ?? 0) - (b.startedAt ?? 0) || (a.path < b.path ? -1 : 1))
    .map((mark) => ({
      mark,
      left: ((mark.startedAt ?? from) - from) / total,
      width: (end(mark) - (mark.startedAt ?? from)) / total,
    }));
  return { rows, from, totalMs: until - from };
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400];

/** Ticks of the time axis: at round seconds, at most eight. */
export function ticksOf(totalMs: number): readonly number[] {
  const step = (STEPS.find((seconds) => totalMs / (seconds * 1000) <= 8) ?? 604_800) * 1000;
  return Array.from({ length: Math.min(64, Math.floor(totalMs / step)) }, (_, at) => (at + 1) * step);
}

/** `90 s` is 1.5 min. */
export function tickText(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${seconds / 60} min`;
  return `${seconds / 3600} h`;
}
