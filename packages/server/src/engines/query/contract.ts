/**
 * The query engine runs a typed query over local files and returns rows or writes files. It is independent of projects, the
 * blob store, datasets and roles: callers provide files on disk, decide who sees which column and add masks to the query. Only
 * the requested output files survive a job. It never accesses the network.
 */
import type { NumberSummary } from '#lib/statistics/column-summary.ts';
import type { BinEdges } from '#lib/statistics/number-scan.ts';
import type { Column } from './model/column-type.ts';
import type { ShapedColumn, ShapedPart } from './model/parquet-shape.ts';
import type { Expression, LiteralValue, Query, SortKey } from './model/query-tree.ts';

export type FileFormat = 'csv' | 'ndjson' | 'json' | 'parquet' | 'arrow';
/** `arrow` and `parquet` have internal compression. */
export type FileCompression = 'none' | 'gzip' | 'zstd';
export type TextEncoding = 'utf-8' | 'utf-16' | 'latin-1';

export interface CsvDialect {
  /** One character; default detected in the file (`,` `;` tab `|`). */
  readonly delimiter?: string;
  /** Default `"`; empty: no quotes. */
  readonly quote?: string;
  readonly escape?: string;
  /** Default true. */
  readonly header?: boolean;
  /** Unquoted fields that are NULL; default [''] . */
  readonly nulls?: readonly string[];
  /** `%Y-%m-%d %H:%M:%S` as strptime; default ISO 8601. */
  readonly timestampFormat?: string;
  readonly dateFormat?: string;
  /** Time zone of times without one; an IANA name, default UTC. */
  readonly timeZone?: string;
  readonly decimalSeparator?: '.' | ',';
  /** Lines before the header. */
  readonly skip?: number;
}

export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  /** Display name for errors; default the base name. */
  readonly name?: string;
  readonly format: FileFormat;
  /** Default: detected by the bytes of the file. */
  readonly compression?: FileCompression;
  /** Text encoding; default `utf-8`, with or without a byte order mark; UTF-16 is detected by its mark. */
  readonly encoding?: TextEncoding;
  readonly csv?: CsvDialect;
  /** For a file of a table with `shape`. */
  readonly part?: ShapedPart;
}

export interface FileTable {
  /**
   * Rows in this order. Columns are matched by name; missing columns are NULL. Without files there are no rows, and `columns`
   * is required.
   */
  readonly files: readonly SourceFile[];
  /** For Parquet files of a table format: all columns of the table. Other columns of the files are omitted. */
  readonly shape?: readonly ShapedColumn[];
  /** Expected names and types; every value that does not match is an error. Default: inferred from `inferRows`. */
  readonly columns?: readonly Column[];
  /** Number of rows of each text file for type inference; default all. */
  readonly inferRows?: number;
  /**
   * Handling of invalid rows of text files (too many or too few fields, a value of another type, invalid bytes). `refuse`
   * (default): the job fails with `data_invalid` and the first errors. `keep`: the row is omitted and reported in `rejects`;
   * for NDJSON only lines that are not JSON: a value of another type than its column fails the job.
   */
  readonly invalidRows?: 'refuse' | 'keep';
  /** Handling of columns that are not in `columns`: default `refuse`. */
  readonly extraColumns?: 'refuse' | 'ignore';
  /** Adds the file name and the row number (from 1) as columns. Not for `arrow`. */
  readonly provenance?: { readonly file: string; readonly row: string };
}

/** Inline rows of the job: at most 100,000 rows and 16 MiB. */
export interface InlineTable {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly LiteralValue[])[];
}

export type TableSource = FileTable | InlineTable;

/** Returns at most `limit` rows; `truncated` reports that there were more. Cells as `Cell`. */
export interface RowsOutput {
  readonly type: 'rows';
  /** At most 100,000, and 64 MiB of text. */
  readonly limit: number;
}

/**
 * Parquet: zstd, row groups of 122,880 rows, types as in `ColumnType`. Keeps the order of the query. The same rows with the
 * same engine version produce the same bytes.
 */
export interface ParquetOutput {
  readonly type: 'parquet';
  /** An existing absolute folder; files are named `<name>-00000.parquet`. */
  readonly folder: string;
  readonly name: string;
  /** Default `size` of 256 MiB. */
  readonly split?: ParquetSplit;
  readonly order?: readonly SortKey[];
  /** Stored in the file footer. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export type ParquetSplit =
  /** One file of any size. */
  | { readonly type: 'one' }
  /** Files of about this size; split at a row group. */
  | { readonly type: 'size'; readonly bytes: number }
  | { readonly type: 'rows'; readonly rows: number }
  /**
   * Content-defined splits, about every `rows` rows (at least a quarter, at most four times): an inserted, changed or deleted
   * row changes one or two files, and all others keep their bytes. With `keys`, only these columns determine the splits, so
   * that a changed value never moves one.
   */
  | { readonly type: 'content'; readonly rows: number; readonly keys?: readonly string[] };

export interface CsvOutput {
  readonly type: 'csv';
  readonly path: string;
}

/** One line per row: a JSON array of `Cell`s as in `rows`, without a limit. For streaming. */
export interface NdjsonOutput {
  readonly type: 'ndjson';
  readonly path: string;
}

/** An Arrow IPC stream. Types without an Arrow equivalent are text, as in `Cell`. */
export interface ArrowOutput {
  readonly type: 'arrow';
  readonly path: string;
}

/** Validates and runs the query, returns the columns. For queries that only check data. */
export interface NoOutput {
  readonly type: 'none';
}

/**
 * Summarizes float64 columns: moments of all rows, and histogram counts. Rows are read once; if bin edges must be computed from
 * more than 16 million values of all columns together, twice, except for a sample.
 */
export interface SummaryOutput {
  readonly type: 'summary';
  /** Bin edges by name; a column without edges uses the percentiles of its values. */
  readonly edges?: Readonly<Record<string, BinEdges>>;
  /** Histograms use this share of the rows, the same ones each time; moments use all rows. Default: all rows. */
  readonly share?: number;
}

export type QueryOutput =
  | RowsOutput
  | ParquetOutput
  | CsvOutput
  | NdjsonOutput
  | ArrowOutput
  | SummaryOutput
  | NoOutput;

export interface Statement {
  readonly query: Query;
  readonly output: QueryOutput;
}

export interface QueryLimits {
  /** Default and maximum: the limit of the engine. */
  readonly memoryBytes?: number;
  readonly tempBytes?: number;
  /** From the start of the job; default 1 h. */
  readonly wallMs?: number;
  /** Total decompressed size of the files; default 64 GiB. Beyond it, or beyond 250 times the size of the file: `too_large`. */
  readonly inflatedBytes?: number;
  /** The longest line or JSON value of a text file; default 16 MiB. */
  readonly lineBytes?: number;
}

export interface QueryJob extends Statement {
  readonly tables: Readonly<Record<string, TableSource>>;
  /** Computed in this order before `query`, kept (and spilled) during the job; later steps and queries scan them by name. */
  readonly prepare?: readonly { readonly name: string; readonly query: Query }[];
  /** Additional queries over the same tables and steps, in sequence. */
  readonly more?: readonly Statement[];
  readonly limits?: QueryLimits;
  /** File for rejected rows, as NDJSON of `DataError` with complete values; default: only the first 100 are reported. */
  readonly rejectsPath?: string;
  /** Owner for fair queueing: jobs of different owners take turns. Default: one for all. */
  readonly owner?: string;
  /**
   * The principal of user SQL. Each caller has a limited number of concurrent queries, and a shorter time limit than jobs of
   * Dais.
   */
  readonly caller?: string;
}

/**
 * A value of a row as JSON. Integers within ±(2^53 − 1), float32 and float64 as numbers; other integers and decimals as text;
 * `NaN`, `Infinity`, `-Infinity` as text; timestamps `2026-11-01T09:00:00.000000Z`; dates `2026-11-01`; times
 * `09:00:00.000000`; binary as base64; lists as arrays; structs as objects; maps as arrays of [key, value].
 */
export type Cell = null | boolean | number | string | readonly Cell[] | { readonly [key: string]: Cell };

export interface WrittenFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

export interface StatementResult {
  readonly columns: readonly Column[];
  /** Rows of a `rows` output; otherwise empty. */
  readonly rows: readonly (readonly Cell[])[];
  readonly truncated: boolean;
  /** Files of `parquet`, `csv` and `ndjson`, in row order; only the first can have no rows. */
  readonly files: readonly WrittenFile[];
  /** `rows`: number of returned rows. `summary`: number of read rows. `none`: 0. */
  readonly rowCount: number;
  /** For `summary`, in column order. */
  readonly summaries?: readonly NumberSummary[];
}

/** One error in the data, with its location. */
export interface DataError {
  /** Name of the table in the job. */
  readonly table: string;
  /** As `SourceFile.name`. */
  readonly file: string;
  /** From 1: line of the text file, or row of a Parquet file if known. */
  readonly line?: number;
  readonly column?: string;
  /** Shortened to 200 characters. May contain personal data: show it only to users with access to the column. */
  readonly value?: string;
  readonly kind: DataErrorKind;
  /** The error, without the value: `"age" is not of type int64`. */
  readonly problem: string;
  /** The remedy. */
  readonly remedy: string;
}

export type DataErrorKind =
  | 'too-few-fields'
  | 'too-many-fields'
  | 'wrong-type'
  | 'quote'
  | 'encoding'
  | 'line-too-long'
  | 'no-rows'
  | 'header'
  | 'column-missing'
  | 'column-extra'
  | 'too-many-columns'
  | 'unreadable'
  | 'bomb'
  | 'json';

export interface QueryResult extends StatementResult {
  readonly more: readonly StatementResult[];
  /** Rows omitted by `invalidRows: 'keep'`. */
  readonly rejects: { readonly count: number; readonly first: readonly DataError[] };
  readonly usage: { readonly wallMs: number; readonly cpuMs: number; readonly peakMemoryBytes: number };
}

export interface QueryProgress {
  /** `waiting` in the queue (with `ahead`), `reading` (checking and decompressing files), `running`, `writing`. */
  readonly phase: 'waiting' | 'reading' | 'running' | 'writing';
  /** 0 to 1; undefined when unknown. */
  readonly share?: number;
  readonly ahead?: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** At most about 4 times a second. */
  readonly progress?: (progress: QueryProgress) => void;
}

/** The inferred schema of a table. */
export interface TableDescription {
  readonly columns: readonly (Column & { readonly nullable?: boolean })[];
  /** Detected options, so that the next file can be read in the same way. In file order. */
  readonly files: readonly (SourceFile & {
    readonly compression: FileCompression;
    /** Number of rows, if it is known. */
    readonly rows?: number;
  })[];
  /** Notes about renamed or widened columns, for users: `"id" and "ID" …`. */
  readonly notes: readonly string[];
}

/**
 * Why a job failed. `code` is a code of the catalog: `data_invalid` (the files; see `errors`), `query_invalid` (the query or
 * the SQL; `position`), `query_limit` (memory, temporary disk or time; `detail` has the limit and the remedy), `too_large` (a
 * decompression bomb, a line, too many inline rows), `overloaded` (the queue is full; retry), `storage_full`, `content_missing`
 * (a file is missing), `query_failed` (the engine's process died; retryable).
 */
export interface QueryFailure {
  readonly errors: readonly DataError[];
  /** Total number, if counted. */
  readonly errorCount: number;
  /** Position in user SQL, from 1. */
  readonly position?: { readonly line: number; readonly column: number } | undefined;
}

export interface QueryEngineState {
  /** Memory of the engine's processes; empty while none runs. */
  readonly pids: readonly number[];
  readonly running: number;
  readonly waiting: number;
  /** Version of the query engine; empty until a job ran. */
  readonly version: string;
}

export interface QueryEngine {
  /**
   * Runs one job to completion. Files are complete when it resolves, and removed when it rejects. One heavy job runs at a time;
   * others wait in a fair queue by owner, at most 64. Never blocks the event loop: rows are decoded in batches.
   * @throws DaisError `rate_limited` when `caller` has too many queries at once. QueryError as in `QueryFailure`. When
   *   `signal` aborts, its reason, after the engine has released the files.
   */
  run(job: QueryJob, options?: RunOptions): Promise<QueryResult>;
  /** Infers columns, dialects and encodings; reads complete text files unless `inferRows` limits it. @throws as `run`. */
  describe(table: FileTable, options?: RunOptions): Promise<TableDescription>;
  /**
   * Validates `sql` against views with these columns and returns its columns. Reads no file.
   * @throws QueryError `query_invalid` with a position and similar names.
   */
  check(query: Query, tables: Readonly<Record<string, readonly Column[]>>): Promise<readonly Column[]>;
  state(): QueryEngineState;
  /** Ends its processes; running and waiting jobs are rejected with `shutting_down`. Idempotent. */
  close(): Promise<void>;
}

export type { Column, Expression };
