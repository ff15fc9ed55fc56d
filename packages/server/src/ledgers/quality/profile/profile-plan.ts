/** Queries of a profile, and the interpretation of their results. No I/O. */
import type { ColumnProfile, DataColumn } from '@dais/api/data';
import { aggregate, call, column, filter, literal, named, scan } from '#engines/query/model/build.ts';
import type { AggregateExpression, Expression, NamedExpression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { familyOf, isFloating, isInteger, numericValueOf, finiteValueOf } from '../column-values.ts';
import { innerEdges } from './histogram-edges.ts';

const QUANTILES = { p01: 0.01, p05: 0.05, p25: 0.25, p50: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 } as const;

/**
 * Maximum number of columns per scan. A scan reads only its own columns, so several small scans cost no more than a wide one, and
 * the result row stays small enough for the planner of the engine.
 */
export const COLUMNS_AT_ONCE = 100;

/**
 * Sample size of quantiles and correlations, used with more than twice as many rows. The share below a p50 is within 0.3 %
 * (three standard deviations), as accurate as a t-digest of all rows, at a twentieth of its cost.
 */
const SAMPLED_ROWS = 250_000;
/** The table of a job with row numbers, and its number columns. */
export const NUMBERED = 'numbered';
/** The table of a job that stores the sample, so that files are read only once. */
export const SAMPLE = 'sample';
export const ROW_COLUMNS = { file: '\u0001file', row: '\u0001row' } as const;

/** Returns the sampling interval: one of every n rows is used for quantiles and correlations. */
export function sampledEvery(rows: number): number {
  return Math.max(1, Math.floor(rows / SAMPLED_ROWS));
}

/** Samples by the hash of the row number in its file, so that every read selects the same rows with any number of threads. */
function isSampled(every: number): Expression {
  // The literal has the type of the hash: with a signed number the remainder would have 128 bits.
  return call('=', call('%', call('hash64', column(ROW_COLUMNS.row)), literal(every, 'uint64')), literal(0, 'uint64'));
}

type ColumnQuery = Readonly<Record<string, AggregateExpression>>;

/**
 * Distinct values are exact up to this number of rows, where a hash table of one column takes at most a few MB. Above
 * it, HyperLogLog estimates them in constant memory. It returns 54 for 60 distinct values, an obvious error in a small
 * table.
 */
const EXACT_DISTINCT_ROWS = 100_000;

/** Whether the values of a column are ordered as numbers. */
export function isNumeric(of: DataColumn): boolean {
  return ['number', 'time'].includes(familyOf(of));
}

/** The rows that statistics are computed from. */
export interface Sampling {
  /** The sampling interval; 1 means all rows. */
  readonly every: number;
  /** The columns of `SAMPLE`, if the job stores one. */
  readonly kept: readonly DataColumn[];
}

/** Returns the columns of `SAMPLE`. */
export function sampleQuery({ every, kept }: Sampling): Relation {
  return figuresOf(kept, { every, kept: [] });
}

/** The value range of a column: of a sample, or of all rows if `every` is 1. Numeric columns only. */
export function spreadQuery(columns: readonly DataColumn[], sampling: Sampling): Relation {
  const queries = columns.map((_, i): ColumnQuery => {
    const figure = column(`f${i}`);
    return {
      figures: aggregate('count', [figure]),
      min: aggregate('min', [figure]),
      max: aggregate('max', [figure]),
      quantiles: aggregate('approx-quantiles', [figure], { parameters: Object.values(QUANTILES) }),
    };
  });
  return queryAll(queries, figuresOf(columns, sampling));
}

function figuresOf(columns: readonly DataColumn[], { every, kept }: Sampling): Relation {
  if (kept.length > 0) {
    const figures = columns.map((of, i) => named(`f${i}`, column(`f${kept.indexOf(of)}`)));
    return { type: 'project', from: scan(SAMPLE), keep: 'none', columns: figures };
  }
  return {
    type: 'project',
    from: every > 1 ? filter(scan(NUMBERED), isSampled(every)) : scan('data'),
    keep: 'none',
    columns: columns.map((of, i) => named(`f${i}`, numericValueOf(of))),
  };
}

export interface ColumnSpread {
  /** Number of values in the range. */
  readonly figures: number;
  readonly min: number;
  readonly max: number;
  readonly quantiles: NonNullable<ColumnProfile['quantiles']>;
}

/** Undefined if there are no values. */
export function readSpread(answer: ReadonlyMap<string, Cell>): ColumnSpread | undefined {
  const [figures = 0, min, max] = ['figures', 'min', 'max'].map((what) => numberOf(answer.get(what)));
  const quantiles = readQuantiles(answer.get('quantiles'));
  return min === undefined || max === undefined || quantiles === undefined
    ? undefined
    : { figures, min, max, quantiles };
}

/**
 * Whether the sample has too few values of a column, so that all rows are scanned. A column that is mostly NULL costs as little
 * as a sample.
 */
export function isSparse(spread: ColumnSpread | undefined, rows: number, every: number): boolean {
  return every > 1 && (spread?.figures ?? 0) < rows / every / 4;
}

/** Returns the inner bin edges of the histogram of a column. */
export function edgesOf(of: DataColumn, { min, max, quantiles: { p01, p99 } }: ColumnSpread): readonly number[] {
  return innerEdges({ min, max, p01, p99, whole: isInteger(of) });
}

/** Queries minimum and maximum of numeric columns. Parquet metadata contains them, so no scan is needed. */
export function rangesQuery(columns: readonly DataColumn[]): Relation {
  const ends = ['min', 'max'] as const;
  const each = (make: (of: DataColumn, end: 'min' | 'max', i: number) => NamedExpression) =>
    columns.flatMap((of, i) => ends.map((end) => make(of, end, i)));
  return {
    type: 'project',
    from: {
      type: 'aggregate',
      from: scan('data'),
      by: [],
      columns: each((of, end, i) => named(`${end}${i}`, aggregate(end, [column(of.name)]))),
    },
    keep: 'none',
    columns: each((of, end, i) => named(`${i}_${end}`, finiteValueOf(of, column(`${end}${i}`)))),
  };
}

/** The range of a column with finite values only. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** Squares of larger values, summed over 100 million rows, overflow float64; DuckDB then fails for all columns. */
const MAX_SQUARED = 1e150;

/** Whether deviation and correlation of values in this range are finite. */
export function hasSquares({ min, max }: Range): boolean {
  return Math.max(Math.abs(min), Math.abs(max)) < MAX_SQUARED;
}

/** Undefined for a column without values, or with values that are not finite. */
export function readRange(answer: ReadonlyMap<string, Cell>): Range | undefined {
  const [min, max] = [numberOf(answer.get('min')), numberOf(answer.get('max'))];
  return min === undefined || max === undefined ? undefined : { min, max };
}

/**
 * Returns the aggregates of the i-th column of `scannedColumns` over all rows: counts, moments and lengths, except those known
 * from its range. With `inner`, also the histogram. Sampled columns have it from the sample, because finding the bin of a value
 * costs as much as all other aggregates, also for NULL. `squares`: include the deviation.
 */
export function columnQueries(
  of: DataColumn,
  index: number,
  {
    inner,
    range,
    squares,
    rows,
  }: {
    readonly inner: readonly number[] | undefined;
    readonly range: Range | undefined;
    readonly squares: boolean;
    readonly rows: number;
  },
): ColumnQuery {
  const value = column(`v${index}`);
  const figure = column(`f${index}`);
  const family = familyOf(of);
  const counts: ColumnQuery = {
    count: aggregate('count', [value]),
    distinct: aggregate(rows <= EXACT_DISTINCT_ROWS ? 'count-distinct' : 'approx-count-distinct', [
      family === 'other' ? call('hash64', value) : value,
    ]),
  };
  const spread: ColumnQuery = {
    ...(range === undefined && { min: aggregate('min', [figure]), max: aggregate('max', [figure]) }),
    ...(inner !== undefined && { picture: histogramOf(figure, inner) }),
  };
  if (family === 'number') {
    const counted = (operator: '=' | '<') =>
      aggregate('count', [], { where: call(operator, figure, literal(0, 'float64')) });
    const { min = -Infinity, max = Infinity } = range ?? {};
    return {
      ...counts,
      ...(isFloating(of) && range === undefined && { finite: aggregate('count', [figure]) }),
      ...spread,
      ...(squares && { stddev: aggregate('stddev', [figure]) }),
      sum: aggregate('sum', [figure]),
      ...(min <= 0 && max >= 0 && { zeros: counted('=') }),
      ...(min < 0 && { negatives: counted('<') }),
    };
  }
  if (family === 'time') return { ...counts, ...spread };
  if (family === 'boolean') return { ...counts, trues: aggregate('count', [], { where: value }) };
  if (family === 'text') {
    const length = call('length', value);
    return {
      ...counts,
      minLength: aggregate('min', [length]),
      maxLength: aggregate('max', [length]),
      meanLength: aggregate('mean', [length]),
      empty: aggregate('count', [], { where: call('=', value, literal('')) }),
    };
  }
  return counts;
}

/** Derives results that were not queried from other results. */
function withRange(
  of: DataColumn,
  answer: ReadonlyMap<string, Cell>,
  range: Range | undefined,
): ReadonlyMap<string, Cell> {
  const all = new Map<string, Cell>([...Object.entries(range ?? {}), ...answer]);
  if (familyOf(of) !== 'number') return all;
  if (range !== undefined) {
    if (isFloating(of)) all.set('finite', answer.get('count') ?? 0);
    for (const what of ['zeros', 'negatives']) if (!answer.has(what)) all.set(what, 0);
  }
  const [sum, finite] = [numberOf(answer.get('sum')), numberOf(all.get('finite') ?? all.get('count'))];
  if (sum !== undefined && finite !== undefined && finite > 0) all.set('mean', sum / finite);
  return all;
}

/** Whether all values are finite. */
function histogramOf(figure: Expression, inner: readonly number[]): AggregateExpression {
  return inner.length === 0 ? aggregate('count', [figure]) : aggregate('histogram', [figure], { parameters: inner });
}

/** Reads histograms of a sample, of numeric columns only. */
export function histogramsQuery(
  columns: readonly (readonly [DataColumn, inner: readonly number[]])[],
  sampling: Sampling,
): Relation {
  const queries = columns.map(([, inner], i): ColumnQuery => ({ picture: histogramOf(column(`f${i}`), inner) }));
  const figures = figuresOf(
    columns.map(([of]) => of),
    sampling,
  );
  return queryAll(queries, figures);
}

/** Returns the subquery of `columnQueries`, which computes each value once. */
export function scannedColumns(columns: readonly DataColumn[], ranges: ReadonlyMap<DataColumn, Range>): Relation {
  const figured = columns.map((of, i) => [of, i] as const).filter(([of]) => isNumeric(of));
  return {
    type: 'project',
    from: scan('data'),
    keep: 'none',
    columns: [
      ...columns.map((of, i) => named(`v${i}`, column(of.name))),
      ...figured.map(([of, i]) => named(`f${i}`, ranges.has(of) ? finiteValueOf(of) : numericValueOf(of))),
    ],
  };
}

/** Counts NaN in floating-point columns with values that are not finite. */
export function nansQuery(columns: readonly DataColumn[]): Relation {
  return queryAll(
    columns.map(({ name }) => ({ nans: aggregate('count', [], { where: call('is-nan', column(name)) }) })),
  );
}

/** Queries several columns in one row; the column `<i>_<query>` is of the i-th column. */
export function queryAll(queries: readonly ColumnQuery[], from: Relation = scan('data')): Relation {
  const columns: NamedExpression[] = queries.flatMap((query, i) =>
    Object.entries(query).map(([what, expression]) => named(`${i}_${what}`, expression)),
  );
  return { type: 'aggregate', from, by: [], columns };
}

export function numberOf(cell: Cell | undefined): number | undefined {
  if (cell === null || cell === undefined || typeof cell === 'object') return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

/** The results of all rows for a column, and the range of its histogram. */
export function readColumn(
  of: DataColumn,
  rows: number,
  answered: ReadonlyMap<string, Cell>,
  { spread, range }: { readonly spread: ColumnSpread | undefined; readonly range: Range | undefined },
): ColumnProfile {
  const answer = withRange(of, answered, range);
  const figure = (what: string) => numberOf(answer.get(what));
  const count = figure('count') ?? 0;
  const finite = figure('finite');
  const optional = Object.fromEntries(
    [
      'min',
      'max',
      'mean',
      'stddev',
      'sum',
      'zeros',
      'negatives',
      'trues',
      'minLength',
      'maxLength',
      'meanLength',
      'empty',
    ]
      .map((what) => [what, figure(what)] as const)
      .filter(([, value]) => value !== undefined),
  );
  const histogram = spread && readHistogram(of, answer, spread);
  return {
    name: of.name,
    type: of.type,
    family: familyOf(of),
    count,
    nulls: rows - count,
    distinct: Math.min(count, figure('distinct') ?? 0),
    ...(rows <= EXACT_DISTINCT_ROWS && { distinctIsExact: true as const }),
    // The sum of NaN and infinities, until `nansQuery` separates them.
    ...(finite !== undefined && { nans: 0, infinities: count - finite }),
    ...optional,
    ...(spread !== undefined && { quantiles: spread.quantiles }),
    ...(histogram !== undefined && { histogram }),
  };
}

function readQuantiles(cell: Cell | undefined): ColumnProfile['quantiles'] {
  if (!Array.isArray(cell)) return undefined;
  const values = cell.map((value: Cell) => numberOf(value));
  if (values.length === 0 || values.includes(undefined)) return undefined;
  const [p01 = 0, p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0, p99 = 0] = values as number[];
  return { p01, p05, p25, p50, p75, p95, p99 };
}

/** Values outside of the sample are in the outermost bins, whose limits are those of all rows. */
function readHistogram(
  of: DataColumn,
  answer: ReadonlyMap<string, Cell>,
  spread: ColumnSpread,
): ColumnProfile['histogram'] {
  const [min, max] = ['min', 'max'].map((what) => numberOf(answer.get(what)));
  if (min === undefined || max === undefined) return undefined;
  const cell = answer.get('picture');
  const counts = Array.isArray(cell) ? cell.map((value: Cell) => numberOf(value) ?? 0) : [numberOf(cell) ?? 0];
  const figures = numberOf(answer.get('finite') ?? answer.get('count')) ?? 0;
  return { edges: [min, ...edgesOf(of, spread), max], counts: scaledTo(figures, counts) };
}

/** Scales the counts of a sample to a total: keeps shares, as integers with an exact sum. */
function scaledTo(total: number, counts: readonly number[]): number[] {
  const sum = counts.reduce((a, b) => a + b, 0);
  let [before, given] = [0, 0];
  return counts.map((count) => {
    before += count;
    const upTo = sum === 0 ? 0 : Math.round((before * total) / sum);
    const scaled = upTo - given;
    given = upTo;
    return scaled;
  });
}

/** With more distinct values, a list of the most frequent ones is expensive and not informative. */
const MAX_COUNTED = 100_000;
/** Numeric columns with at most this many distinct values are also treated as classes. */
const MAX_CLASSES = 50;

/** Whether to count the most frequent values of a column. */
export function hasTop({ family, distinct, count }: ColumnProfile): boolean {
  if (family === 'text')
    return distinct > 0 && distinct <= MAX_COUNTED && (distinct <= MAX_CLASSES || distinct < count / 2);
  return family === 'number' && distinct > 0 && distinct <= MAX_CLASSES;
}

/** One more than is shown, to detect whether there are more. */
export const TOP = 50;

export function topQuery(of: DataColumn): Relation {
  const value = column(of.name);
  const counted: Relation = {
    type: 'aggregate',
    from: { type: 'filter', from: scan('data'), where: call('is-not-null', value) },
    by: [named('value', of.type === 'string' ? call('left', value, literal(100)) : value)],
    columns: [named('count', aggregate('count'))],
  };
  const by = [{ expression: column('count'), descending: true }, { expression: column('value') }];
  return { type: 'limit', from: { type: 'sort', from: counted, by }, count: TOP + 1 };
}

/** Counts duplicate rows: the number of rows minus the number of distinct rows. */
export function distinctRows(columns: readonly string[]): AggregateExpression {
  return aggregate('count-distinct', [call('hash64', ...columns.map((name) => column(name)))]);
}

/** Computes correlations of a sample, which is sufficient for two digits. */
export function correlationQuery(pairs: readonly (readonly [DataColumn, DataColumn])[], sampling: Sampling): Relation {
  const columns = [...new Set(pairs.flat())];
  const figure = (of: DataColumn) => column(`f${columns.indexOf(of)}`);
  return queryAll(
    pairs.map(([a, b]) => ({ r: aggregate('correlation', [figure(a), figure(b)]) })),
    figuresOf(columns, sampling),
  );
}
