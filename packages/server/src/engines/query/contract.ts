/**
 * The query engine: runs a typed query over local files and gives rows or writes files. It knows no project, blob store,
 * dataset or role: callers bring files to the disk, decide who sees which column and put masks into the query. Nothing
 * outlives a job but the files that it was told to write. It never reaches the network.
 */
import type { NumberSummary } from '#lib/statistics/column-summary.ts';
import type { BinEdges } from '#lib/statistics/number-scan.ts';
import type { Column } from './model/column-type.ts';
import type { ShapedColumn, ShapedPart } from './model/parquet-shape.ts';
import type { Expression, LiteralValue, Query, SortKey } from './model/query-tree.ts';

export type FileFormat = 'csv' | 'ndjson' | 'json' | 'parquet' | 'arrow';
/** `arrow`, `parquet` have their own inside. */
export type FileCompression = 'none' | 'gzip' | 'zstd';
export type TextEncoding = 'utf-8' | 'utf-16' | 'latin-1';

export interface CsvDialect {
  /** One character; default found in the file (`,` `;` tab `|`). */
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
  /** Of times that say none; an IANA name, default UTC. */
  readonly timeZone?: string;
  readonly decimalSeparator?: '.' | ',';
  /** Lines before the header. */
  readonly skip?: number;
}

export interface SourceFile {
  /** Absolute. */
  readonly path: string;
  /** What the person calls it, for errors; default the base name. */
  readonly name?: string;
  readonly format: FileFormat;
  /** Default: by the bytes of the file. */
  readonly compression?: FileCompression;
  /** Of text; default `utf-8`, with or without a byte order mark; one of UTF-16 is found. */
  readonly encoding?: TextEncoding;
  readonly csv?: CsvDialect;
  /** Of a file in a table with `shape`. */
  readonly part?: ShapedPart;
}

export interface FileTable {
  /** Rows in this order. Columns are joined by name; what a file lacks is NULL. No files: no rows, `columns` must be given. */
  readonly files: readonly SourceFile[];
  /** Of Parquet whose table says more than the files do: all columns of the table. What else is in the files is left out. */
  readonly shape?: readonly ShapedColumn[];
  /** Names and types that the rows shall have; every value that does not fit is a fault. Default: inferred over `inferRows`. */
  readonly columns?: readonly Column[];
  /** How many rows of each text file are looked at for types; default all. */
  readonly inferRows?: number;
  /**
   * What becomes of a row of text that is broken (too many or too few fields, a value that does not fit, bytes that are no text).
   * `refuse` (default): the job fails with `data_invalid` and the first faults. `keep`: it is left out and told in `rejects`;
   * of NDJSON only a line that is no JSON: a value of another type than its column ends the reading.
   */
  readonly faults?: 'refuse' | 'keep';
  /** Columns of a file that `columns` does not name: default `refuse`. */
  readonly extraColumns?: 'refuse' | 'ignore';
  /** Adds the name of the file and the number of the row in it (from 1) as columns. Not for `arrow`. */
  readonly provenance?: { readonly file: string; readonly row: string };
}

/** Rows brought with the job: at most 100,000 rows and 16 MiB. */
export interface InlineTable {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly LiteralValue[])[];
}

export type TableSource = FileTable | InlineTable;

/** At most `limit` rows cross; `truncated` tells that there were more. Cells as `Cell`. */
export interface RowsOutput {
  readonly type: 'rows';
  /** At most 100,000, and 64 MiB of text. */
  readonly limit: number;
}

/**
 * Parquet: zstd, row groups of 122,880 rows, types as `ColumnType` says. The order of the query is kept. The same rows with the same
 * engine version give the same bytes.
 */
export interface ParquetOutput {
  readonly type: 'parquet';
  /** An absolute folder that is there; files are made as `<name>-00000.parquet`. */
  readonly folder: string;
  readonly name: string;
  /** Default `size` of 256 MiB. */
  readonly split?: ParquetSplit;
  readonly order?: readonly SortKey[];
  /** Kept in the file's footer. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export type ParquetSplit =
  /** One file whatever its size. */
  | { readonly type: 'one' }
  /** About this size each; cut at a row group. */
  | { readonly type: 'size'; readonly bytes: number }
  | { readonly type: 'rows'; readonly rows: number }
  /**
   * Cut after rows that say so by their content, about every `rows` rows (at least a quarter, at most four times): a row put in,
   * changed or taken out changes one or two files, all others keep their bytes. With `keys`, these columns alone decide, so that
   * a changed value never moves a cut.
   */
  | { readonly type: 'content'; readonly rows: number; readonly keys?: readonly string[] };

export interface CsvOutput {
  readonly type: 'csv';
  readonly path: string;
}

/** One line a row: a JSON array of `Cell`s, as `rows` gives them, without a limit. For what is read as a stream. */
export interface NdjsonOutput {
  readonly type: 'ndjson';
  readonly path: string;
}

/** An Arrow IPC stream. What has no type of its own there is text, as in `Cell`. */
export interface ArrowOutput {
  readonly type: 'arrow';
  readonly path: string;
}

/** Checks and runs, gives the columns. For a query that is run for its faults. */
export interface NoOutput {
  readonly type: 'none';
}

/**
 * What columns of float64 are like: moments of all rows, and counts between edges. Rows are read once; where edges have to be found
 * among more than 16 million values of all columns together, twice, but for a sample.
 */
export interface SummaryOutput {
  readonly type: 'summary';
  /** By name; a column without is counted between hundredths of its own values. */
  readonly edges?: Readonly<Record<string, BinEdges>>;
  /** Counts between edges are of this share of the rows, the same ones each time; moments are of all. Default: all are counted. */
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
  /** Default and most: the engine's own. */
  readonly memoryBytes?: number;
  readonly tempBytes?: number;
  /** From when the job starts to run; default 1 h. */
  readonly wallMs?: number;
  /** All that the files inflate to; default 64 GiB. Beyond it, or beyond 250 times the size of the file: `too_large`. */
  readonly inflatedBytes?: number;
  /** The longest line or JSON value of a text file; default 16 MiB. */
  readonly lineBytes?: number;
}

export interface QueryJob extends Statement {
  readonly tables: Readonly<Record<string, TableSource>>;
  /** Made in this order before `query`, kept (and spilled) while the job runs; later steps and queries scan them by name. */
  readonly prepare?: readonly { readonly name: string; readonly query: Query }[];
  /** Further queries over the same tables and steps, one after the other. */
  readonly more?: readonly Statement[];
  readonly limits?: QueryLimits;
  /** Where rejected rows go, as NDJSON of `DataFault`, whole values; default only the first 100 are told. */
  readonly rejectsPath?: string;
  /** Who waits: jobs of different owners take turns. Default one for all. */
  readonly owner?: string;
  /**
   * Set for SQL that a person or program sent: the principal. Each caller has a limited number of queries at once, and a
   * shorter time limit than jobs of the platform.
   */
  readonly caller?: string;
}

/**
 * A value of a row as JSON. Integers within ±(2^53 − 1), float32 and float64 as numbers; other integers and decimals as text;
 * `NaN`, `Infinity`, `-Infinity` as these words; timestamps `2026-11-01T09:00:00.000000Z`; dates `2026-11-01`; times `09:00:00.000000`;
 * binary as base64; lists as arrays; structs as objects; maps as arrays of [key, value].
 */
export type Cell = null | boolean | number | string | readonly Cell[] | { readonly [key: string]: Cell };

export interface WrittenFile {
  readonly path: string;
  readonly rows: number;
  readonly bytes: number;
}

export interface StatementResult {
  readonly columns: readonly Column[];
  /** Of `rows`; else empty. */
  readonly rows: readonly (readonly Cell[])[];
  readonly truncated: boolean;
  /** Of `parquet`, `csv` and `ndjson`, in the order of the rows; none of no rows but the first. */
  readonly files: readonly WrittenFile[];
  /** Of `rows`: those given. Of `summary`: those read. Of `none`: 0. */
  readonly rowCount: number;
  /** Of `summary`, in the order of the columns. */
  readonly summaries?: readonly NumberSummary[];
}

/** One thing wrong with the data, so that its owner finds it. */
export interface DataFault {
  /** The table of the job. */
  readonly table: string;
  /** As `SourceFile.name`. */
  readonly file: string;
  /** From 1: of the text file, or the row of a Parquet file where it is known. */
  readonly line?: number;
  readonly column?: string;
  /** Shortened to 200 characters. Personal data may be in it: show it only to who may see the column. */
  readonly value?: string;
  readonly kind: FaultKind;
  /** What was found, without the value: `"age" is no int64`. */
  readonly problem: string;
  /** What to do. */
  readonly remedy: string;
}

export type FaultKind =
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
  /** Rows left out by `faults: 'keep'`. */
  readonly rejects: { readonly count: number; readonly first: readonly DataFault[] };
  readonly usage: { readonly wallMs: number; readonly cpuMs: number; readonly peakMemoryBytes: number };
}

export interface QueryProgress {
  /** `waiting` for a turn (with `ahead`), `reading` (checking and inflating files), `running`, `writing`. */
  readonly phase: 'waiting' | 'reading' | 'running' | 'writing';
  /** 0 to 1; undefined when it cannot be told. */
  readonly share?: number;
  readonly ahead?: number;
}

export interface RunOptions {
  readonly signal?: AbortSignal;
  /** At most about 4 times a second. */
  readonly progress?: (progress: QueryProgress) => void;
}

/** What a table is, before anybody said so. */
export interface TableDescription {
  readonly columns: readonly (Column & { readonly nullable?: boolean })[];
  /** As found, so that the next file can be read the same way. In the order of the files. */
  readonly files: readonly (SourceFile & {
    readonly compression: FileCompression;
    /** Known without reading the whole file, or because it was read. */
    readonly rows?: number;
  })[];
  /** What was renamed or widened, for a person: `"id" and "ID" …`. */
  readonly notes: readonly string[];
}

/**
 * Why a job failed. `code` is of the catalogue:
 * `data_invalid` (the files; see `faults`), `query_invalid` (the query or the SQL; `position`), `query_limit` (memory, temporary disk or
 * time; `detail` says which and what to do), `too_large` (a bomb, a line, too many rows inline), `overloaded` (the queue is full; retry),
 * `storage_full`, `content_missing` (a file is not there), `query_failed` (the engine's process died; retryable).
 */
export interface QueryFailure {
  readonly faults: readonly DataFault[];
  /** How many there were when they were counted. */
  readonly faultCount: number;
  /** In the SQL of a person, from 1. */
  readonly position?: { readonly line: number; readonly column: number } | undefined;
}

export interface QueryEngineState {
  /** Of the engine's processes; empty while none runs. */
  readonly pids: readonly number[];
  readonly running: number;
  readonly waiting: number;
  /** Of what runs the queries; empty until something ran. */
  readonly version: string;
}

export interface QueryEngine {
  /**
   * Runs one job to its end. Files are complete when it resolves, and removed when it rejects. One heavy job runs at a time; others
   * wait in turn by owner, at most 64. Never blocks the event loop: rows are decoded in slices.
   * @throws DaisError `rate_limited` when `caller` has too many queries at once. QueryError as `QueryFailure` says. When `signal` aborts, its reason, after the engine has let go of the files.
   */
  run(job: QueryJob, options?: RunOptions): Promise<QueryResult>;
  /** Infers columns, dialects and encodings; reads text whole unless `inferRows` says less. @throws as `run`. */
  describe(table: FileTable, options?: RunOptions): Promise<TableDescription>;
  /**
   * Whether `sql` could be run over views of these columns: what it gives. Reads no file.
   * @throws QueryError `query_invalid` with a position and the nearest names.
   */
  check(query: Query, tables: Readonly<Record<string, readonly Column[]>>): Promise<readonly Column[]>;
  state(): QueryEngineState;
  /** Ends its process; jobs that run or wait are rejected with `shutting_down`. Idempotent. */
  close(): Promise<void>;
}

export type { Column, Expression };
