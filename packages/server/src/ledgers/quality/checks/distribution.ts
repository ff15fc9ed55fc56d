/** The distance between two distributions of one column. */
import type { CheckFinding, Anomaly, DataColumn, Distance } from '@dais/api/data';
import { aggregate, column, literal, named as as, call } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { jsdLog2, jsDistanceLn, ksStatistic, lInfinity, psi } from '#lib/statistics/distances.ts';
import { familyOf, numericValueOf, categoryText } from '../column-values.ts';
import { rising } from '../profile/histogram-edges.ts';
import { relationOf, type CheckQueries, type Rows } from './check-queries.ts';
import { ExpectationError } from './check-context.ts';
import { asCount, asNumber, numberText } from './formats.ts';

/** One of the two compared sets of rows, as a relation. */
export interface Side {
  readonly rows: Rows;
  readonly only?: Expression;
}

export interface Comparison {
  readonly column: DataColumn;
  readonly metric: Distance;
  readonly atMost: number;
  /** The displayed name of the reference. */
  readonly against: string;
  /** The anomaly of a large distance; default by the metric. */
  readonly anomaly?: Anomaly;
}

const DISTANCES: Readonly<Record<Distance, (r: readonly number[], c: readonly number[]) => number>> = {
  jsd_log2: jsdLog2,
  js_distance_ln: jsDistanceLn,
  psi,
  l_infinity: lInfinity,
  ks: ksStatistic,
};

const ANOMALIES: Readonly<Record<Distance, Anomaly>> = {
  jsd_log2: 'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
  js_distance_ln: 'COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH',
  psi: 'COMPARATOR_PSI_HIGH',
  l_infinity: 'COMPARATOR_L_INFTY_HIGH',
  ks: 'COMPARATOR_KS_HIGH',
};

/** Maximum number of values that are counted; all others are one class. A text column with more values is an id. */
const MAX_VALUES = 1000;
/** Number of bins of equal width between the 1st and the 99th percentile of the reference, with open outer bins. */
const WIDTHS = 20;
/** Number of bins for KS, which limits the error to half a percent. */
const FINE = 200;

/** Compares two sets of rows. Returns undefined for text columns with too many values, unless they are `named`. */
export async function compare(
  queries: CheckQueries,
  { column: of, metric, atMost, against, anomaly }: Comparison,
  reference: Side,
  current: Side,
  named: boolean,
): Promise<CheckFinding | undefined> {
  const family = familyOf(of);
  const figures = family === 'number' || family === 'time';
  if (!figures && metric === 'ks') {
    if (!named) return undefined;
    throw new ExpectationError(
      `${of.name} is ${of.type}. The metric ks needs an ordered column: use jsd_log2 or l_infinity.`,
    );
  }
  const counts = figures
    ? await numericCounts(queries, of, metric, reference, current)
    : await categoryCounts(queries, of, reference, current, named);
  if (counts === undefined) return undefined;
  const about = { column: of.name, allowed: `${metric} to ${against} at most ${numberText(atMost)}` };
  const [r, c] = [sum(counts.reference), sum(counts.current)];
  if (r === 0 && c === 0) return { ...about, observed: 'no values to compare' };
  if (r === 0) return { ...about, anomaly: 'COMPARATOR_CONTROL_DATA_MISSING', observed: `no values in ${against}` };
  if (c === 0) return { ...about, anomaly: 'COMPARATOR_TREATMENT_DATA_MISSING', observed: 'no values' };
  const value = DISTANCES[metric](counts.reference, counts.current);
  return {
    ...about,
    ...(value > atMost && { anomaly: anomaly ?? ANOMALIES[metric] }),
    observed: `${metric} ${numberText(value)}`,
    value,
  };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}

interface Counts {
  readonly reference: readonly number[];
  readonly current: readonly number[];
}

async function numericCounts(
  queries: CheckQueries,
  of: DataColumn,
  metric: Distance,
  reference: Side,
  current: Side,
): Promise<Counts> {
  const shares = metric === 'psi' ? steps(10) : metric === 'ks' ? steps(FINE) : [0.01, 0.99];
  const figure = numericValueOf(of);
  const only = (side: Side) => (side.only === undefined ? {} : { where: side.only });
  const [cell] = await queries.aggregates(reference.rows, [
    aggregate('approx-quantiles', [figure], { parameters: shares, ...only(reference) }),
  ]);
  const quantiles = Array.isArray(cell) ? (cell as readonly Cell[]).map(asNumber).filter(Number.isFinite) : [];
  const edges = metric === 'psi' || metric === 'ks' ? rising(quantiles) : widths(quantiles);
  if (edges.length === 0) {
    const counted = async (side: Side) => [
      asCount((await queries.aggregates(side.rows, [aggregate('count', [figure], only(side))]))[0]),
    ];
    const [r, c] = await Promise.all([counted(reference), counted(current)]);
    return { reference: r, current: c };
  }
  const counted = async (side: Side) => {
    const ask = aggregate('histogram', [figure], { parameters: [...edges], ...only(side) });
    const [answer] = await queries.aggregates(side.rows, [ask]);
    return Array.isArray(answer) ? (answer as readonly Cell[]).map(asCount) : [...edges.map(() => 0), 0];
  };
  const [r, c] = await Promise.all([counted(reference), counted(current)]);
  return { reference: r, current: c };
}

function steps(parts: number): number[] {
  return Array.from({ length: parts - 1 }, (_, i) => (i + 1) / parts);
}

function widths([low, high]: readonly number[]): readonly number[] {
  if (low === undefined || high === undefined) return [];
  return rising(Array.from({ length: WIDTHS + 1 }, (_, i) => low + ((high - low) * i) / WIDTHS));
}

async function categoryCounts(
  queries: CheckQueries,
  of: DataColumn,
  reference: Side,
  current: Side,
  named: boolean,
): Promise<Counts | undefined> {
  const word = categoryText(of);
  const part = (side: Side, isReference: boolean): Relation => ({
    type: 'project',
    from:
      side.only === undefined
        ? relationOf(side.rows)
        : { type: 'filter', from: relationOf(side.rows), where: side.only },
    keep: 'none',
    columns: [as('value', word), as('r', literal(isReference ? 1 : 0)), as('c', literal(isReference ? 0 : 1))],
  });
  const values: Relation = {
    type: 'aggregate',
    from: { type: 'union', of: [part(reference, true), part(current, false)] },
    by: [as('value', column('value'))],
    columns: [as('r', aggregate('sum', [column('r')])), as('c', aggregate('sum', [column('c')]))],
    having: call('is-not-null', column('value')),
  };
  const all = call('greatest', column('r'), column('c'));
  const largest: Relation = {
    type: 'limit',
    from: { type: 'sort', from: values, by: [{ expression: all, descending: true }, { expression: column('value') }] },
    count: MAX_VALUES,
  };
  const totals: Relation = {
    type: 'aggregate',
    from: values,
    by: [],
    columns: [
      as('values', aggregate('count')),
      as('r', aggregate('sum', [column('r')])),
      as('c', aggregate('sum', [column('c')])),
    ],
  };
  const [top, total] = await Promise.all([queries.rows(largest, MAX_VALUES), queries.rows(totals, 1)]);
  const [different, ofReference, ofCurrent] = total.rows[0] ?? [];
  if (asCount(different) > MAX_VALUES && !named) return undefined;
  const [r, c] = [top.rows.map((row) => asCount(row[1])), top.rows.map((row) => asCount(row[2]))];
  return { reference: [...r, asCount(ofReference) - sum(r)], current: [...c, asCount(ofCurrent) - sum(c)] };
}
