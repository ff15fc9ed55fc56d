/**
 * Queries that summarise many columns at once, and what their answers mean. A window of any size is told by two scans: one of all rows
 * for counts and moments, one of a sample of rows for bins, because to find the bin of a value costs more than all else. Bins of
 * 100,000 rows fix a PSI within about 1e-3 and a normed Wasserstein distance within 0.01, a tenth of where drift begins.
 */
import { rising, withoutGaps, type Bins } from '#lib/statistics/bins.ts';
import {
  MOST_CATEGORIES,
  type CategorySummary,
  type Lattice,
  type NumberSummary,
} from '#lib/statistics/column-summary.ts';
import type { Cell, StatementResult } from '../contract.ts';
import { aggregate, call, column, filter, literal, named, when } from './build.ts';
import type { AggregateExpression, Expression, Relation } from './query-tree.ts';

/** A column of numbers: float64 as it is, with NULL, NaN and infinities. */
export interface NumberColumn {
  readonly value: Expression;
  readonly edges: ColumnEdges;
}

/** Between what the numbers of a column are counted: found of the baseline, and the same for every window after it. */
export interface ColumnEdges {
  readonly edges: readonly number[];
  readonly lattice: Lattice;
  /** Near the mean of the baseline: squares are summed from here, so that they keep their digits. */
  readonly centre: number;
}

/** Rows of which bins are told: one of so many. */
const SAMPLED_ROWS = 100_000;
const PARTS = 100;

export function sampledEvery(rows: number): number {
  return Math.max(1, Math.floor(rows / SAMPLED_ROWS));
}

/** One of `every` rows by the hash of its number, so that the next reading takes the same ones. */
export function sampledRows(from: Relation, row: Expression, every: number): Relation {
  if (every <= 1) return from;
  return filter(from, call('=', call('%', call('hash64', row), literal(every, 'uint64')), literal(0, 'uint64')));
}

/** Where the values of a baseline lie. `from`: a sample of it is enough. */
export function edgesQuery(from: Relation, values: readonly Expression[]): Relation {
  const parameters = Array.from({ length: PARTS - 1 }, (_, i) => (i + 1) / PARTS);
  return askAll(
    from,
    values.map((value) => ({ value })),
    ({ finite }) => ({
      quantiles: aggregate('approx-quantiles', [finite], { parameters }),
      whole: aggregate('all', [call('=', finite, call('floor', finite))]),
      mean: aggregate('mean', [finite]),
    }),
  );
}

/** In the order of the values; of a column without values there are no edges. */
export function readEdges(result: StatementResult): readonly ColumnEdges[] {
  return answersOf(result).map((told): ColumnEdges => {
    const list = told.get('quantiles');
    const whole = told.get('whole') === true;
    const cuts = Array.isArray(list) ? (list as readonly Cell[]).map(figure).filter((cut) => cut !== undefined) : [];
    return {
      // A t-digest tells what lies between two values.
      edges: rising(whole ? withoutGaps(cuts).map((cut) => Math.floor(cut)) : withoutGaps(cuts)),
      lattice: whole ? 'whole' : 'spread',
      centre: figure(told.get('mean')) ?? 0,
    };
  });
}

/** Counts and moments, of all rows. */
export function momentsQuery(from: Relation, columns: readonly NumberColumn[]): Relation {
  return askAll(from, columns, ({ finite, value }, { edges: { centre } }) => {
    const off = call('-', finite, literal(centre, 'float64'));
    return {
      rows: aggregate('count'),
      values: aggregate('count', [value]),
      finite: aggregate('count', [finite]),
      min: aggregate('min', [finite]),
      max: aggregate('max', [finite]),
      sum: aggregate('sum', [off]),
      squares: aggregate('sum', [call('*', off, off)]),
    };
  });
}

/** Bins and their tails, of a sample of rows; NaN is told from infinities here, in proportion. */
export function binsQuery(from: Relation, columns: readonly NumberColumn[]): Relation {
  return askAll(from, columns, ({ finite, value }, { edges: { edges } }) => {
    const [first, last] = [edges[0], edges.at(-1)];
    const nans = {
      values: aggregate('count', [value]),
      nans: aggregate('count', [], { where: call('is-nan', value) }),
      finite: aggregate('count', [finite]),
    };
    if (first === undefined || last === undefined) return { ...nans, low: aggregate('sum', [finite]) };
    return {
      ...nans,
      bins: aggregate('histogram', [finite], { parameters: [...edges], withoutNan: true }),
      low: aggregate('sum', [when(call('<=', finite, literal(first, 'float64')), finite)]),
      high: aggregate('sum', [when(call('>', finite, literal(last, 'float64')), finite)]),
    };
  });
}

/** What both say of each column. Of a sample the bins hold the sample's rows; NaN and infinities are then told by their share. */
export function readNumbers(
  moments: StatementResult,
  bins: StatementResult,
  columns: readonly Pick<NumberColumn, 'edges'>[],
): readonly NumberSummary[] {
  const [ofMoments, ofBins] = [answersOf(moments), answersOf(bins)];
  return columns.map(({ edges: { edges, lattice, centre } }, i): NumberSummary => {
    const of = (what: string) => figure(ofMoments[i]?.get(what));
    const sampled = (what: string) => figure(ofBins[i]?.get(what)) ?? 0;
    const [count, values] = [of('finite') ?? 0, of('values') ?? 0];
    const sum = of('sum') ?? 0;
    const odd = values - count;
    const list = ofBins[i]?.get('bins');
    // What lies beyond the last edge is left out of the list where nothing does.
    const counted = Array.isArray(list) ? (list as readonly Cell[]).map(figure) : [sampled('finite')];
    const found: Bins = { edges, counts: Array.from({ length: edges.length + 1 }, (_, bin) => counted[bin] ?? 0) };
    const oddOfSample = sampled('values') - sampled('finite');
    const nans = oddOfSample > 0 ? Math.round((odd * sampled('nans')) / oddOfSample) : odd;
    return {
      type: 'numbers',
      count,
      nulls: (of('rows') ?? 0) - values,
      nans,
      infinities: odd - nans,
      ...(count > 0 && { min: of('min'), max: of('max'), mean: centre + sum / count }),
      squares: count === 0 ? 0 : Math.max(0, (of('squares') ?? 0) - (sum * sum) / count),
      bins: found,
      tails: { low: sampled('low'), high: sampled('high') },
      lattice,
    };
  });
}

/** How many rows each value has, most frequent first, and NULL before all. */
export function categoriesQuery(from: Relation, value: Expression): Relation {
  const word = column('word');
  const rows = column('rows');
  return {
    type: 'limit',
    count: MOST_CATEGORIES + 1,
    from: {
      type: 'sort',
      by: [
        { expression: call('is-null', word), descending: true },
        { expression: rows, descending: true },
        { expression: word },
      ],
      from: {
        type: 'aggregate',
        from: { type: 'project', from, columns: [named('word', value)] },
        by: [named('word', word)],
        columns: [named('rows', aggregate('count'))],
      },
    },
  };
}

/** `rows`: how many there are in all; what the limit cut off is the rest. */
export function readCategories(result: StatementResult, rows: number): CategorySummary {
  const counts = new Map<string, number>();
  let nulls = 0;
  for (const [word = null, told] of result.rows) {
    if (word === null) nulls = figure(told) ?? 0;
    else if (counts.size < MOST_CATEGORIES)
      counts.set(typeof word === 'string' ? word : JSON.stringify(word), figure(told) ?? 0);
  }
  const counted = [...counts.values()].reduce((sum, one) => sum + one, 0);
  return { type: 'categories', count: rows - nulls, nulls, counts, rest: rows - nulls - counted };
}

/** One row for all columns; each value is worked out once. */
function askAll<T extends { readonly value: Expression }>(
  from: Relation,
  columns: readonly T[],
  asks: (
    of: { readonly value: Expression; readonly finite: Expression },
    one: T,
  ) => Readonly<Record<string, AggregateExpression>>,
): Relation {
  const values: Relation = {
    type: 'project',
    from,
    columns: columns.map(({ value }, i) => named(`v${i}`, value)),
  };
  const finite: Relation = {
    type: 'project',
    from: values,
    keep: 'all',
    columns: columns.map((_, i) => named(`f${i}`, when(call('is-finite', column(`v${i}`)), column(`v${i}`)))),
  };
  return {
    type: 'aggregate',
    from: finite,
    by: [],
    columns: columns.flatMap((one, i) =>
      Object.entries(asks({ value: column(`v${i}`), finite: column(`f${i}`) }, one)).map(([what, ask]) =>
        named(`${i}_${what}`, ask),
      ),
    ),
  };
}

/** The answers of the one row, column by column. */
function answersOf({ columns, rows }: StatementResult): readonly ReadonlyMap<string, Cell>[] {
  const answers: Map<string, Cell>[] = [];
  for (const [at, { name }] of columns.entries()) {
    const cut = name.indexOf('_');
    const i = Number(name.slice(0, cut));
    const told = (answers[i] ??= new Map<string, Cell>());
    told.set(name.slice(cut + 1), rows[0]?.[at] ?? null);
  }
  return answers;
}

/** Sums and counts come as text where they are large. */
function figure(cell: Cell | undefined): number | undefined {
  if (cell === null || cell === undefined || typeof cell === 'object') return undefined;
  const value = Number(cell);
  return Number.isFinite(value) ? value : undefined;
}
