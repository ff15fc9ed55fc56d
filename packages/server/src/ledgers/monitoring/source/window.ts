/** What is judged: rows of a time, of so many predictions, or of a version of a dataset. */
import type { Column } from '#engines/query/contract.ts';
import type { Expression } from '#engines/query/model/query-tree.ts';
import type { Rows } from '../asking.ts';
import type { Field } from '../fields.ts';

export interface AnsweringVersion {
  readonly model: string;
  readonly version: string;
  readonly rows: number;
}

/** Of requests, whether they were answered or not. */
export interface RequestFigures {
  readonly requests: number;
  /** Answered with 5xx, or refused for want of room. */
  readonly failed: number;
  /** Good answers that took longer than so many ms, by that number. */
  readonly slow: ReadonlyMap<number, number>;
  readonly p50Ms: number | undefined;
  readonly p95Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

/** Where the window is among predictions; kept, so that labels that come later find it again. */
export interface PredictionBounds {
  readonly from: number;
  readonly until: number;
  /** Of windows by count: ids above the first and up to the last. */
  readonly after?: string | undefined;
  readonly last?: string | undefined;
}

export interface OpenWindow {
  readonly bounds: PredictionBounds;
  /** Rows that are judged: without shadows, failures and what was erased. */
  readonly rows: number;
  readonly fields: readonly Field[];
  readonly data: Rows;
  /** Columns of predictions that hold what went in. */
  readonly inputs: readonly Column[];
  readonly versions: readonly AnsweringVersion[];
  readonly requests: RequestFigures | undefined;
  /** Of a dataset: which version it is. */
  readonly dataset: { readonly id: string; readonly name: string; readonly number: number } | undefined;
  /** Names a row for examples; absent: rows have no ids. */
  readonly identity: { readonly prediction: Expression; readonly row: Expression } | undefined;
  readonly notes: readonly string[];
  /** What could not be looked at, by name: never a reason to say that all is good. */
  readonly faults: readonly { readonly metric: string; readonly reason: string }[];
}
