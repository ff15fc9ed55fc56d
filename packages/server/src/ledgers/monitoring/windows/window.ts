/** A window to evaluate: rows of a period, a number of predictions, or a dataset version. Start and end of windows by time. */
import type { MonitorSpec } from '@dais/api/monitoring';
import type { Column } from '#engines/query/contract.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';
import type { Field } from '../metrics/fields.ts';
import type { Rows } from '../query-runner.ts';

export interface WindowVersion {
  readonly model: string;
  readonly version: string;
  readonly rows: number;
}

/** Metrics of all requests, successful or not. */
export interface RequestMetrics {
  readonly requests: number;
  /** Requests with a 5xx response, or rejected because of overload. */
  readonly failed: number;
  /** Number of successful responses that took longer than a limit, by limit in ms. */
  readonly slow: ReadonlyMap<number, number>;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** The range of predictions of a window. It is stored, so that later labels find the window. */
export interface PredictionRange {
  readonly from: number;
  readonly until: number;
  /** Windows by count: ids after `after`, up to `last`. */
  readonly after?: string | undefined;
  readonly last?: string | undefined;
}

export interface OpenWindow {
  readonly range: PredictionRange;
  /** Evaluated rows: without shadows, failures and erased rows. */
  readonly rows: number;
  readonly fields: readonly Field[];
  readonly data: Rows;
  /** Columns of predictions that contain inputs. */
  readonly inputs: readonly Column[];
  readonly versions: readonly WindowVersion[];
  readonly requests: RequestMetrics | undefined;
  /** The dataset version, if the window is one. */
  readonly dataset: { readonly id: string; readonly name: string; readonly number: number } | undefined;
  /** Identifies a row in examples; undefined if rows have no ids. */
  readonly identity: { readonly prediction: Expression; readonly row: Expression } | undefined;
  readonly notes: readonly string[];
  /** Problems with the data of the window. With a problem, the window never passes. */
  readonly problems: readonly { readonly metric: string; readonly reason: string }[];
}

const MINUTE_MS = 60_000;

/** Returns the start of the first window after a time; windows by time start at a multiple of their length since 1970. */
export function windowStart(windows: MonitorSpec['windows'], at: number): number {
  if (windows.type === 'count') return at;
  const length = lengthOf(windows);
  return Math.floor(at / length) * length;
}

export function lengthOf({ minutes }: Extract<MonitorSpec['windows'], { type: 'time' }>): number {
  return Math.round(minutes * MINUTE_MS);
}

export interface Span {
  readonly from: number;
  readonly until: number;
}

/**
 * Returns the next window to evaluate; undefined if it has not ended. Several windows without predictions are merged into
 * one. `next`: the time of the next prediction, if there is one.
 */
export function nextSpan(
  windows: Extract<MonitorSpec['windows'], { type: 'time' }>,
  cursor: number,
  { now, graceMs, next }: { readonly now: number; readonly graceMs: number; readonly next: number | undefined },
): Span | undefined {
  const length = lengthOf(windows);
  const start = windowStart(windows, cursor);
  const ended = windowStart(windows, now - graceMs);
  if (start + length > ended) return undefined;
  if (next !== undefined && next < start + length) return { from: start, until: start + length };
  const until = next === undefined ? ended : Math.min(ended, windowStart(windows, next));
  return { from: start, until: Math.max(start + length, until) };
}
