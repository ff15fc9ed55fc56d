/**
 * The typed query model that callers build and every engine renders. Plain data (JSON) without functions, and without SQL
 * except in `SqlRelation`. Engines quote names, so any text is a safe name. Two columns of one relation must not differ by case
 * only.
 */
import type { ColumnType } from './column-type.ts';

/** A literal. Integers beyond 2^53, decimals, dates, times and timestamps as text, with `type`. */
export type LiteralValue = null | boolean | number | string | readonly LiteralValue[];

export interface ColumnExpression {
  readonly type: 'column';
  readonly name: string;
  /** Side of the join, in a join condition. */
  readonly side?: 'left' | 'right';
}

export interface LiteralExpression {
  readonly type: 'literal';
  readonly value: LiteralValue;
  /** Default: boolean, float64 or int64, string. `binary` is given as base64. */
  readonly as?: ColumnType;
}

/**
 * Row functions. They return NULL for NULL unless noted.
 *
 * - comparison: `= != < <= > >=`; `same`, `differs` treat NULL as a value (never NULL); `is-null`, `is-not-null`
 * - logic (three-valued): `and`, `or` (any number), `not`; `coalesce`, `null-if`
 * - numbers: `+ - * /` (`/` returns float64; division by zero NULL), `%`, `negate`, `abs`, `floor`, `ceil`, `round(x,
 *   digits)`, `sqrt`, `ln`, `exp`, `power`, `least`, `greatest` (both skip NULL), `is-nan`, `is-finite`, `bucket(x, width)` =
 *   floor(x / width) * width
 * - text: `lower`, `upper`, `trim`, `length` (characters), `concat` (NULL counts as ''), `substring(s, from 1, count)`,
 *   `left(s, n)`, `right(s, n)`, `starts-with`, `contains`, `matches(s, re2)` (anywhere; anchor with ^ $), `extract(s, re2,
 *   group from 0)` (NULL where nothing matches), `replace(s, from, to)`, `replace-matches(s, re2, to)` (all; `\\1` is a group),
 *   `split-part(s, separator, n from 1)`, `similarity` (Jaro-Winkler, 0 to 1)
 * - time: `date-trunc(unit text, t)`, `date-part(unit text, t)`, `epoch-us(t)`, `from-epoch-us(i)`, `add-us(t, i)`,
 *   `diff-us(a, b)` = a − b, there is no `now`: pass the time as a literal
 * - digests: `hash64(any…)` (a stable bucket within one version of an engine, never stored), `sha256(text)` and `md5(text)` as
 *   lower-case hex
 * - lists and structs: `element(list, n from 1)`, `size(list)`, `field(struct, name)`, `pack(list of values)`
 */
export type FunctionName =
  | '='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | 'same'
  | 'differs'
  | 'is-null'
  | 'is-not-null'
  | 'and'
  | 'or'
  | 'not'
  | 'coalesce'
  | 'null-if'
  | '+'
  | '-'
  | '*'
  | '/'
  | '%'
  | 'negate'
  | 'abs'
  | 'floor'
  | 'ceil'
  | 'round'
  | 'sqrt'
  | 'ln'
  | 'exp'
  | 'power'
  | 'least'
  | 'greatest'
  | 'is-nan'
  | 'is-finite'
  | 'bucket'
  | 'lower'
  | 'upper'
  | 'trim'
  | 'length'
  | 'concat'
  | 'substring'
  | 'left'
  | 'right'
  | 'starts-with'
  | 'contains'
  | 'matches'
  | 'extract'
  | 'replace'
  | 'replace-matches'
  | 'split-part'
  | 'similarity'
  | 'date-trunc'
  | 'date-part'
  | 'epoch-us'
  | 'from-epoch-us'
  | 'add-us'
  | 'diff-us'
  | 'hash64'
  | 'sha256'
  | 'md5'
  | 'element'
  | 'size'
  | 'field'
  | 'pack';

export interface CallExpression {
  readonly type: 'call';
  readonly function: FunctionName;
  readonly arguments: readonly Expression[];
}

export interface InExpression {
  readonly type: 'in';
  readonly value: Expression;
  readonly options: readonly LiteralExpression[];
}

export interface CaseExpression {
  readonly type: 'case';
  readonly branches: readonly { readonly when: Expression; readonly then: Expression }[];
  readonly otherwise?: Expression;
}

export interface CastExpression {
  readonly type: 'cast';
  readonly value: Expression;
  readonly to: ColumnType;
  /** Values that cannot be cast become NULL instead of an error. */
  readonly lenient?: boolean;
}

/**
 * HMAC-SHA-256 of the value's text as lower-case hex: a keyed pseudonym. NULL stays NULL. The key never appears in an error or
 * a plan.
 */
export interface HmacExpression {
  readonly type: 'hmac';
  readonly value: Expression;
  /** Base64, at most 64 bytes. */
  readonly key: string;
  /** Number of leading hex digits; default all 64. */
  readonly digits?: number;
}

/**
 * Aggregates skip NULL unless noted; without rows they return NULL, and counts return 0.
 *
 * - `count` (no argument: rows), `count-distinct` (exact; several arguments: combinations without NULL),
 *   `approx-count-distinct` (about 2 % off, constant memory)
 * - `sum` (integers: decimal(38,0)), `mean`, `min`, `max`, `stddev`, `variance` (both of a sample), `stddev-population`,
 *   `skewness`, `kurtosis` (excess, of a sample), `median`, `mode`, `product`
 * - `quantiles` (`parameters`: fractions from 0 to 1; linear interpolation; a list), `approx-quantiles` (t-digest; a list)
 * - `histogram` (`parameters`: n ascending edges): a list of n + 1 counts, of x ≤ e1, e1 < x ≤ e2, …, x > en. NaN is not
 *   counted
 * - `any-value`, `first`, `last` (with `order`), `arg-min(value, by)`, `arg-max(value, by)` (rows whose `by` is NULL are
 *   skipped), `all`, `some`
 * - `correlation(x, y)` (Pearson), `covariance(x, y)` (of a sample), `entropy` (in bits, of values)
 * - `list` (with `order`; NULLs kept; `parameters: [n]` bounds it), `concat-text` (`parameters`: [separator])
 * - `approx-top` (`parameters: [k]`): a list of the most frequent values, without counts
 * - `bit-hash`: an order-independent digest of rows (any arguments), equal for equal multisets within one version of an engine
 */
export type AggregateName =
  | 'count'
  | 'count-distinct'
  | 'approx-count-distinct'
  | 'sum'
  | 'mean'
  | 'min'
  | 'max'
  | 'stddev'
  | 'variance'
  | 'stddev-population'
  | 'skewness'
  | 'kurtosis'
  | 'median'
  | 'mode'
  | 'product'
  | 'quantiles'
  | 'approx-quantiles'
  | 'histogram'
  | 'any-value'
  | 'first'
  | 'last'
  | 'arg-min'
  | 'arg-max'
  | 'all'
  | 'some'
  | 'correlation'
  | 'covariance'
  | 'entropy'
  | 'list'
  | 'concat-text'
  | 'approx-top'
  | 'bit-hash';

export interface AggregateExpression {
  readonly type: 'aggregate';
  readonly function: AggregateName;
  readonly arguments: readonly Expression[];
  /** Only rows for which this is true. */
  readonly where?: Expression;
  readonly order?: readonly SortKey[];
  readonly parameters?: readonly (number | string)[];
  /** For `histogram`: no value is NaN, which saves the check, a quarter of its cost. */
  readonly withoutNan?: boolean;
}

/** `row-number`, `rank`, `lag`, `lead` (argument: the column), or an aggregate over the rows of `by` up to this one in `order`. */
export interface WindowExpression {
  readonly type: 'window';
  readonly function: 'row-number' | 'rank' | 'lag' | 'lead' | AggregateExpression;
  readonly arguments?: readonly Expression[];
  readonly by: readonly Expression[];
  readonly order: readonly SortKey[];
  /** For an aggregate: `running` up to this row (default with `order`), `whole` over all rows of `by`. */
  readonly frame?: 'running' | 'whole';
}

export type Expression =
  | ColumnExpression
  | LiteralExpression
  | CallExpression
  | InExpression
  | CaseExpression
  | CastExpression
  | HmacExpression
  | AggregateExpression
  | WindowExpression;

export interface SortKey {
  readonly expression: Expression;
  readonly descending?: boolean;
  /** Default: last, in both directions. */
  readonly nulls?: 'first' | 'last';
}

export interface NamedExpression {
  readonly as: string;
  readonly expression: Expression;
  /** In a projection with `keep: 'all'`: replaces the existing column with this name. */
  readonly replaces?: boolean;
}

/** A table of the job, or the result of a step of `prepare`. */
export interface ScanRelation {
  readonly type: 'scan';
  readonly table: string;
  /** Default all, in table order. */
  readonly columns?: readonly string[];
}

export interface ProjectRelation {
  readonly type: 'project';
  readonly from: Relation;
  /** `all`: all columns of `from` come first, except those in `without`. Default `none`. */
  readonly keep?: 'all' | 'none';
  readonly without?: readonly string[];
  readonly columns: readonly NamedExpression[];
}

export interface FilterRelation {
  readonly type: 'filter';
  readonly from: Relation;
  readonly where: Expression;
}

export interface AggregateRelation {
  readonly type: 'aggregate';
  readonly from: Relation;
  /** Empty: one row for all. */
  readonly by: readonly NamedExpression[];
  readonly columns: readonly NamedExpression[];
  /** After grouping, over the columns of this relation. */
  readonly having?: Expression;
}

/**
 * Columns of the left side, then the columns of the right side in `take` (none for semi and anti; default all except its keys).
 */
export interface JoinRelation {
  readonly type: 'join';
  readonly kind: 'inner' | 'left' | 'full' | 'semi' | 'anti' | 'cross';
  readonly left: Relation;
  readonly right: Relation;
  /** Equal keys; a NULL key matches nothing unless `nullsMeet`. */
  readonly keys?: readonly { readonly left: string; readonly right: string }[];
  readonly nullsMeet?: boolean;
  /** In addition to the keys; columns have a `side`. */
  readonly on?: Expression;
  readonly take?: readonly { readonly column: string; readonly as: string }[];
}

/**
 * Point-in-time join (reference of Feast's semantics, bounds inclusive): for each row of the left, the newest row of the right
 * with equal keys and right.time ≤ left.time and, with `ttlUs`, right.time ≥ left.time − ttlUs. Every left row produces exactly
 * one row: all its columns, then `take`, NULL without a match. A NULL key or time matches nothing. No keys: one row for all.
 */
export interface AsofRelation {
  readonly type: 'asof';
  readonly left: Relation;
  readonly right: Relation;
  readonly keys: readonly { readonly left: string; readonly right: string }[];
  readonly time: { readonly left: string; readonly right: string };
  /** Microseconds; undefined or 0: without limit. */
  readonly ttlUs?: number;
  /** For equal times the greatest value of this column wins (created time); then any row. */
  readonly tieBreak?: string;
  /** Only rows with a value ≤ left.time in this column; slower (no ASOF plan). */
  readonly cutoff?: string;
  /** The right side has one row per keys and time: the fastest plan (3 to 6 times). */
  readonly unique?: boolean;
  /** First reduces the right side to keys and times that can match; default true. */
  readonly prefilter?: boolean;
  readonly take: readonly { readonly column: string; readonly as: string }[];
}

export interface UnionRelation {
  readonly type: 'union';
  /** By name; missing columns are NULL. Types are widened. All rows are kept. */
  readonly of: readonly Relation[];
}

/** The first row in `order` per value of `by` (NULL is a value). */
export interface LatestRelation {
  readonly type: 'latest';
  readonly from: Relation;
  readonly by: readonly string[];
  readonly order: readonly SortKey[];
}

export interface SortRelation {
  readonly type: 'sort';
  readonly from: Relation;
  readonly by: readonly SortKey[];
}

export interface LimitRelation {
  readonly type: 'limit';
  readonly from: Relation;
  readonly count: number;
  readonly offset?: number;
}

export interface DistinctRelation {
  readonly type: 'distinct';
  readonly from: Relation;
}

/** The same rows for the same seed, files and engine version. */
export interface SampleRelation {
  readonly type: 'sample';
  readonly from: Relation;
  readonly size: { readonly rows: number } | { readonly share: number };
  readonly seed: number;
}

/** Inline rows of the query: at most 100,000 values; use a table of the job for more. */
export interface ValuesRelation {
  readonly type: 'values';
  readonly columns: readonly { readonly name: string; readonly type: ColumnType }[];
  readonly rows: readonly (readonly LiteralValue[])[];
}

/** One row per element of the list column `column`, which it replaces; none for an empty or NULL list. */
export interface UnnestRelation {
  readonly type: 'unnest';
  readonly from: Relation;
  readonly column: string;
}

/**
 * User SQL: one SELECT over `views`. It has no access to files, settings and other tables, nor to data that a view omits or
 * masks. @throws `query_invalid` with line and column for everything else.
 */
export interface SqlRelation {
  readonly type: 'sql';
  readonly dialect: 'duckdb';
  readonly sql: string;
  readonly views: Readonly<Record<string, Relation>>;
}

export type Relation =
  | ScanRelation
  | ProjectRelation
  | FilterRelation
  | AggregateRelation
  | JoinRelation
  | AsofRelation
  | UnionRelation
  | LatestRelation
  | SortRelation
  | LimitRelation
  | DistinctRelation
  | SampleRelation
  | ValuesRelation
  | UnnestRelation
  | SqlRelation;

/** A query is its result relation. */
export type Query = Relation;
