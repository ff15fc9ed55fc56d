/** Detection of label leakage through a single column. */
import type { CheckFinding, DataColumn } from '@dais/api/data';
import { aggregate, call, column, filter, literal, named as as, when } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { areaOfBestOrder, areaUnderRoc, explainedEntropy, type PairCount } from '#lib/statistics/association.ts';
import { familyOf, numericValueOf, categoryText } from '../column-values.ts';
import { rising } from '../profile/histogram-edges.ts';
import { relationOf, type Rows } from './check-queries.ts';
import { ExpectationError, findColumn, named, pickColumns, type Check, type CheckContext } from './check-context.ts';
import { asCount, asNumber, numberText, cellText } from './formats.ts';

/** Maximum number of classes. A numeric label with more values is cut into tenths; other labels are skipped. */
const MAX_CLASSES = 50;
/** Number of quantile bins of a numeric column, which are the thresholds of the ROC curve. */
const PARTS = 200;
const TENTHS = 10;
/** Maximum number of values of a text column; with more it is an id. */
const MAX_VALUES = 20_000;

interface Label {
  readonly expression: Expression;
  /** The positive class; undefined for more than two classes. */
  readonly positive?: string;
}

export const leakage: Check<'leakage'> = async (expectation, context) => {
  const name = named(expectation.label, context.label, 'label', 'label');
  const all = context.columns.map((one) => one.name).filter((one) => one !== name);
  const names = expectation.columns ?? all;
  const { found, missing } = pickColumns(context, names);
  const of = findColumn(context.columns, name);
  if (of === undefined) return { findings: pickColumns(context, [name]).missing };
  const rows = { table: 'data', where: expectation.where };
  const label = await readLabel(of, rows, context);
  const comparable = found.filter((one) => familyOf(one) !== 'other');
  const findings = await Promise.all(
    comparable.map(async (feature): Promise<CheckFinding> => {
      const { value, measure } = await predictivePower(feature, label, rows, context);
      const anomaly = context.keys.includes(feature.name) ? 'LEAK_ID_PREDICTS_LABEL' : 'LEAK_FEATURE_PREDICTS_LABEL';
      return {
        column: feature.name,
        ...(value > expectation.atMost && { anomaly }),
        observed: `${measure} ${numberText(value)} for ${name}`,
        allowed: `at most ${numberText(expectation.atMost)}`,
        value,
      };
    }),
  );
  return { findings: [...missing, ...findings] };
};

/** Reads the classes of the label. @throws ExpectationError for a text with too many values */
async function readLabel(of: DataColumn, rows: Rows, context: CheckContext): Promise<Label> {
  const word = categoryText(of);
  const present = filter(relationOf(rows), call('is-not-null', column(of.name)));
  const values: Relation = {
    type: 'aggregate',
    from: present,
    by: [as('value', word)],
    columns: [as('rows', aggregate('count'))],
  };
  const limited: Relation = { type: 'limit', from: values, count: MAX_CLASSES + 1 };
  const { rows: found } = await context.queries.rows(limited, MAX_CLASSES + 1);
  if (found.length <= MAX_CLASSES) {
    const classes = found.map(([value]) => cellText(value)).toSorted();
    const [, positive] = classes;
    return { expression: word, ...(classes.length === 2 && positive !== undefined && { positive }) };
  }
  if (familyOf(of) !== 'number') {
    throw new ExpectationError(
      `${of.name} has more than ${MAX_CLASSES} distinct values and is not numeric, so it is not a class label.`,
    );
  }
  return { expression: partOf(numericValueOf(of), await partEdges(of, rows, context, TENTHS)) };
}

/** Returns rising edges between bins of about equal size. */
async function partEdges(
  of: DataColumn,
  rows: Rows,
  { queries }: CheckContext,
  parts: number,
): Promise<readonly number[]> {
  const parameters = Array.from({ length: parts - 1 }, (_, i) => (i + 1) / parts);
  const [cell] = await queries.aggregates(rows, [aggregate('approx-quantiles', [numericValueOf(of)], { parameters })]);
  if (!Array.isArray(cell)) return [];
  return rising((cell as readonly Cell[]).map(asNumber).filter(Number.isFinite));
}

/** Returns the number of the bin as text; NULL for a missing value. */
function partOf(figure: Expression, edges: readonly number[]): Expression {
  const above = edges.map((edge) => when(call('>', figure, literal(edge, 'float64')), literal(1), literal(0)));
  const sum = above.reduce<Expression>((all, one) => call('+', all, one), literal(0));
  return { type: 'cast', value: when(call('is-not-null', figure), sum), to: 'string' };
}

async function predictivePower(feature: DataColumn, label: Label, rows: Rows, context: CheckContext) {
  const ordered = familyOf(feature) === 'number' || familyOf(feature) === 'time';
  if (ordered && label.positive !== undefined) {
    return { value: await areaOfNumbers(feature, label, label.positive, rows, context), measure: 'area under ROC' };
  }
  const value = ordered
    ? partOf(numericValueOf(feature), await partEdges(feature, rows, context, 20))
    : categoryText(feature);
  const pairs: Relation = {
    type: 'aggregate',
    from: {
      type: 'project',
      from: relationOf(rows),
      keep: 'none',
      columns: [as('x', value), as('y', label.expression)],
    },
    by: [as('x', column('x')), as('y', column('y'))],
    columns: [as('rows', aggregate('count'))],
    having: call('and', call('is-not-null', column('x')), call('is-not-null', column('y'))),
  };
  const limit = MAX_VALUES * (label.positive === undefined ? 5 : 2);
  const largest = [
    { expression: column('rows'), descending: true },
    { expression: column('x') },
    { expression: column('y') },
  ];
  const limited: Relation = {
    type: 'limit',
    from: { type: 'sort', from: pairs, by: largest },
    count: Math.min(limit, 100_000),
  };
  const { rows: counted } = await context.queries.rows(limited, Math.min(limit, 100_000));
  const counts = pooled(counted.map(([x, y, count]) => ({ x: cellText(x), y: cellText(y), count: asCount(count) })));
  if (label.positive === undefined)
    return { value: explainedEntropy(counts), measure: 'normalized mutual information' };
  return { value: areaOfCategories(counts, label.positive), measure: 'area under ROC' };
}

/** Minimum number of rows of a value. Rarer values are pooled, because their association with the label is random. */
const FEW_ROWS = 10;

function pooled(counts: readonly PairCount[]): readonly PairCount[] {
  const ofX = new Map<string, number>();
  for (const { x, count } of counts) ofX.set(x, (ofX.get(x) ?? 0) + count);
  const together = new Map<string, PairCount>();
  for (const { x, y, count } of counts) {
    const rare = (ofX.get(x) ?? 0) < FEW_ROWS;
    const key = JSON.stringify([rare ? null : x, y]);
    together.set(key, { x: rare ? '\0' : x, y, count: (together.get(key)?.count ?? 0) + count });
  }
  return [...together.values()];
}

function areaOfCategories(counts: readonly PairCount[], positive: string): number {
  const byValue = new Map<string, { positive: number; negative: number }>();
  for (const { x, y, count } of counts) {
    const one = byValue.get(x) ?? { positive: 0, negative: 0 };
    one[y === positive ? 'positive' : 'negative'] += count;
    byValue.set(x, one);
  }
  return areaOfBestOrder([...byValue.values()]);
}

/** Returns the area under the ROC curve of a threshold on the value, in either direction. */
async function areaOfNumbers(
  feature: DataColumn,
  label: Label,
  positive: string,
  rows: Rows,
  context: CheckContext,
): Promise<number> {
  const edges = await partEdges(feature, rows, context, PARTS);
  if (edges.length === 0) return 0.5;
  const figure = numericValueOf(feature);
  const ofClass = (same: boolean) =>
    aggregate('histogram', [when(call(same ? '=' : '!=', label.expression, literal(positive)), figure)], {
      parameters: [...edges],
    });
  const [yes, no] = await context.queries.aggregates(rows, [ofClass(true), ofClass(false)]);
  if (!Array.isArray(yes) || !Array.isArray(no)) return 0.5;
  const area = areaUnderRoc(
    yes.map((count: Cell, i) => ({ positive: asCount(count), negative: asCount((no as Cell[])[i]) })),
  );
  return Math.max(area, 1 - area);
}
