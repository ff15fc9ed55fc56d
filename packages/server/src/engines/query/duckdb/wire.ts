/** Messages between the engine and its process. */
import type { Column, DataError, QueryJob, QueryProgress, StatementResult, TableDescription } from '../contract.ts';
import type { FileTable } from '../contract.ts';
import type { Query } from '../model/query-tree.ts';
import type { QueryErrorCode } from '../model/query-error.ts';

/** Limits of a job; the engine adds defaults. */
export interface JobLimits {
  readonly memoryBytes: number;
  readonly tempBytes: number;
  readonly inflatedBytes: number;
  readonly lineBytes: number;
  readonly threads: number;
}

export type Work =
  | { readonly type: 'run'; readonly job: QueryJob }
  | { readonly type: 'describe'; readonly table: FileTable }
  | { readonly type: 'check'; readonly query: Query; readonly tables: Readonly<Record<string, readonly Column[]>> };

export type ToWorker =
  | {
      readonly type: 'work';
      readonly id: number;
      /** Scratch folder; it exists and is empty. */
      readonly folder: string;
      readonly limits: JobLimits;
      readonly work: Work;
    }
  | { readonly type: 'cancel'; readonly id: number };

/** The result of a statement without its rows, which were sent before. */
export type ResultHead = Omit<StatementResult, 'rows'>;

export interface RunResponse {
  readonly type: 'run';
  readonly statements: readonly ResultHead[];
  readonly rejects: { readonly count: number; readonly first: readonly DataError[] };
}

export type Answer =
  | RunResponse
  | { readonly type: 'describe'; readonly description: TableDescription }
  | { readonly type: 'check'; readonly columns: readonly Column[] };

export interface WireFailure {
  readonly code: QueryErrorCode;
  readonly detail: string;
  readonly errors?: readonly DataError[];
  readonly errorCount?: number;
  readonly position?: { readonly line: number; readonly column: number } | undefined;
}

export type FromWorker =
  | { readonly type: 'ready'; readonly version: string }
  | { readonly type: 'progress'; readonly id: number; readonly progress: QueryProgress }
  /** The next rows of a statement, as JSON text, so that they can be parsed one by one with pauses. */
  | { readonly type: 'rows'; readonly id: number; readonly statement: number; readonly rows: StatementResult['rows'] }
  | {
      readonly type: 'done';
      readonly id: number;
      readonly answer: Answer;
      readonly usage: { readonly cpuMs: number; readonly peakMemoryBytes: number };
    }
  | { readonly type: 'failed'; readonly id: number; readonly failure: WireFailure };

/** Path of the file with this number of a Parquet output. */
export function parquetFile(folder: string, name: string, number: number): string {
  return `${folder}/${name}-${String(number).padStart(5, '0')}.parquet`;
}
