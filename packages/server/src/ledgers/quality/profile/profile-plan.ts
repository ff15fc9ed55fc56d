/** What a profile asks of the query engine, and what its answers mean. No I/O. */
import type { ColumnProfile, DataColumn } from '@dais/api/data';
import { aggregate, call, column, literal, named, scan } from '#engines/query/model/build.ts';
import type { AggregateExpression, Expression, NamedExpression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { familyOf, isFloating, isInteger } from '../column-family.ts';
import { figureOf } from '../column-values.ts';
import { innerEdges } from './histogram-edges.ts';

export const QUANTILES = { p01: 0.01, p05: 0.05, p25: 0.25, p50: 0.5, p75: 0.75, p95: 0.95, p99: 0.99 } as const;

/**
 * Columns of one scan: a scan reads only its own columns, so that many small ones cost no more than a wide one, and a row of
 * answers stays small enough for an engine's planner.
 */
export const COLUMNS_AT_ONCE = 100;

type Ask = Readonly<Record<string, AggregateExpression>>;

/** First scan: counts, moments, quantiles, lengths of the i-th column of `firstColumns`. */
export function firstAsks(of: DataColumn, index: number): Ask {
  const value = column(`v${index}`);
  const figure = column(`f${index}`);
  const family = familyOf(of);
  const counts: Ask = {
    count: aggregate('count', [value]),
    distinct: aggregate('approx-count-distinct', [family === 'other' ? call('hash64', value) : value]),
  };
  if (family === 'number') {
    const floating: Ask = isFloating(of)
      ? {
          nans: aggregate('count', [], { where: call('is-nan', value) }),
          finite: aggregate('count', [figure]),
        }
      : {};
    return {
      ...counts,
      ...floating,
      ...spreadOf(figure),
      mean: aggregate('mean', [figure]),
      stddev: aggregate('stddev', [figure]),
      sum: aggregate('sum', [figure]),
      zeros: aggregate('count', [], { where: call('=', figure, literal(0, 'float64')) }),
      negatives: aggregate('count', [], { where: call('<', figure, literal(0, 'float64')) }),
    };
  }
  if (family === 'time') return { ...counts, ...spreadOf(figure) };
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

function spreadOf(figure: Expression): Ask {
  return {
    min: aggregate('min', [figure]),
    max: aggregate('max', [figure]),
    quantiles: aggregate('approx-quantiles', [figure], { parameters: Object.values(QUANTILES) }),
  };
}

/** What the asks of the first scan are over: figures are worked out once, not once for each ask. */
export function firstColumns(columns: readonly DataColumn[]): Relation {
  const figured = (of: DataColumn) => ['number', 'time'].includes(familyOf(of));
  return {
    type: 'project',
    from: scan('data'),
    keep: 'none',
    columns: columns.flatMap((of, i) => [
      named(`v${i}`, column(of.name)),
      ...(figured(of) ? [named(`f${i}`, figureOf(of))] : []),
    ]),
  };
}

/** One row that answers the asks of several columns; its column `<i>_<ask>` is of the i-th. */
export function askAll(asks: readonly Ask[], from: Relation = scan('data')): Relation {
  const columns: NamedExpression[] = asks.flatMap((ask, i) =>
    Object.entries(ask).map(([what, expression]) => named(`${i}_${what}`, expression)),
  );
  return { type: 'aggregate', from, by: [], columns };
}

export function numberOf(cell: Cell | undefined): number | undefined {
  if (cell === null || cell === undefined || typeof cell === 'object') return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}

/** The part of a profile that the first scan gives. */
export function readFirst(of: DataColumn, rows: number, answer: ReadonlyMap<string, Cell>): ColumnProfile {
  const figure = (what: string) => numberOf(answer.get(what));
  const count = figure('count') ?? 0;
  const nans = figure('nans');
  const finite = figure('finite');
  const quantiles = readQuantiles(answer.get('quantiles'));
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
  return {
    name: of.name,
    type: of.type,
    family: familyOf(of),
    count,
    nulls: rows - count,
    distinct: Math.min(count, figure('distinct') ?? 0),
    ...(nans !== undefined && finite !== undefined && { nans, infinities: count - nans - finite }),
    ...optional,
    ...(quantiles !== undefined && { quantiles }),
  };
}

function readQuantiles(cell: Cell | undefined): ColumnProfile['quantiles'] {
  if (!Array.isArray(cell)) return undefined;
  const values = cell.map((value: Cell) => numberOf(value));
  if (values.length === 0 || values.includes(undefined)) return undefined;
  const [p01 = 0, p05 = 0, p25 = 0, p50 = 0, p75 = 0, p95 = 0, p99 = 0] = values as number[];
  return { p01, p05, p25, p50, p75, p95, p99 };
}

export interface PictureAsk {
  readonly ask: AggregateExpression;
  readonly edges: readonly number[];
}

/** Second scan: the picture of a column of numbers or times. Undefined: it has no figures. */
export function pictureAsk(of: DataColumn, { min, max, quantiles }: ColumnProfile): PictureAsk | undefined {
  if (min === undefined || max === undefined || quantiles === undefined) return undefined;
  const { p01, p99 } = quantiles;
  const inner = innerEdges({ min, max, p01, p99, whole: isInteger(of) });
  const edges = [min, ...inner, max];
  const figure = figureOf(of);
  const ask =
    inner.length === 0 ? aggregate('count', [figure]) : aggregate('histogram', [figure], { parameters: inner });
  return { ask, edges };
}

export function readPicture(cell: Cell | undefined, { edges }: PictureAsk): ColumnProfile['histogram'] {
  const counts = Array.isArray(cell) ? cell.map((value: Cell) => numberOf(value) ?? 0) : [numberOf(cell) ?? 0];
  return { edges: [...edges], counts };
}

/** Beyond so many different values a list of the most frequent ones tells little and costs a lot. */
const MOST_COUNTED = 100_000;
/** Numbers of so few different values are read as names of classes too. */
const MOST_CLASSES = 50;

/** Whether the most frequent values of a column are worth counting. */
export function hasTop({ family, distinct, count }: ColumnProfile): boolean {
  if (family === 'text')
    return distinct > 0 && distinct <= MOST_COUNTED && (distinct <= MOST_CLASSES || distinct < count / 2);
  return family === 'number' && distinct > 0 && distinct <= MOST_CLASSES;
}

/** More than are shown, so that it is known whether there are more. */
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

/** Rows that are there already: how many rows there are less than rows. */
export function distinctRows(columns: readonly DataColumn[]): AggregateExpression {
  return aggregate('count-distinct', [call('hash64', ...columns.map(({ name }) => column(name)))]);
}

/** Of so many rows, which is enough for a second digit of r. */
const CORRELATED_ROWS = 100_000;

export function correlationQuery(pairs: readonly (readonly [DataColumn, DataColumn])[], rows: number): Relation {
  const sampled: Relation =
    rows <= CORRELATED_ROWS
      ? scan('data')
      : { type: 'sample', from: scan('data'), size: { rows: CORRELATED_ROWS }, seed: 1 };
  return askAll(
    pairs.map(([a, b]) => ({ r: aggregate('correlation', [figureOf(a), figureOf(b)]) })),
    sampled,
  );
}
