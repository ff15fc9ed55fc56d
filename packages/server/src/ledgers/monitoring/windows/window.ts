/** A window to evaluate: rows of a period, a number of predictions, or a dataset version. */
import type { Column } from '#engines/query/contract.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';
import type { Rows } from '../query-runner.ts';
import type { Field } from '../metrics/fields.ts';

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
export interface PredictionBounds {
  readonly from: number;
  readonly until: number;
  /** Windows by count: ids after `after`, up to `last`. */
  readonly after?: string | undefined;
  readonly last?: string | undefined;
}

export interface OpenWindow {
  readonly bounds: PredictionBounds;
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
  readonly faults: readonly { readonly metric: string; readonly reason: string }[];
}
