/** Measures predictions by group of a protected column. */
import type { MonitorCheck, MonitorFairness } from '@dais/api/monitoring';
import { aggregate, allOf, call, column, descending, named } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import type { Estimate } from '#lib/statistics/estimate.ts';
import { fairnessOf, type Fairness, type GroupCounts } from '#lib/statistics/fairness.ts';
import { count, cellText, type QueryRunner, type Rows } from '../query-runner.ts';
import { classText, isPositive, positiveAmong, type Target } from './classes.ts';
import { metric } from '../checks/performance.ts';
import { isNamed, type Field } from './fields.ts';
import { groupOf } from './measure-scores.ts';

export type FairnessCheck = Extract<MonitorCheck, { type: 'fairness' }>;

/** Maximum number of reported groups of a column. */
const MAX_GROUPS = 50;
const MAX_CLASSES = 50;

export interface MeasuredFairness {
  readonly column: string;
  /** Undefined if the window has no such column. */
  readonly metrics: Fairness | undefined;
  readonly positive: string;
  readonly privileged: string | undefined;
  /** Number of rows with a label. */
  readonly labeled: number;
  readonly counts: readonly GroupCounts[];
  /** Whether the window has more groups than are reported. */
  readonly more: boolean;
}

/** Measures each group. `label`: the column of the ground truth, if it is known. */
export async function measureFairness(
  runner: QueryRunner,
  { tables, relation }: Rows,
  {
    check,
    target,
    fields,
    label,
  }: {
    readonly check: FairnessCheck;
    readonly target: Target;
    readonly fields: readonly Field[];
    readonly label: Expression | undefined;
  },
): Promise<readonly MeasuredFairness[] | { readonly unknown: string }> {
  const found = check.columns.map((name) => ({
    name,
    field: fields.find((field) => field.side === 'input' && isNamed(field, [name])),
  }));
  const requested = found.flatMap(({ field }) => field ?? []);
  const classes: Relation = {
    type: 'aggregate',
    from: { type: 'project', from: relation, columns: [named('class', target.predicted)] },
    by: [named('class', column('class'))],
    columns: [named('n', aggregate('count'))],
  };
  const [seen, ...answers] = await runner.queryAll(tables, [
    { query: classes, limit: MAX_CLASSES },
    ...requested.map((field) => ({ query: groupsQuery(relation, target, field, label), limit: MAX_GROUPS + 1 })),
  ]);
  const names = (seen?.rows ?? []).flatMap(([name]) => (name === null || name === undefined ? [] : [classText(name)]));
  const positive = positiveAmong(names, target.positive);
  if ('unknown' in positive) return positive;
  return found.map(({ name, field }): MeasuredFairness => {
    const rows = field === undefined ? [] : (answers[requested.indexOf(field)]?.rows ?? []);
    const counts = rows.slice(0, MAX_GROUPS).map(countsOf);
    const privilegedValue = check.privileged[name];
    const choice = { minimum: check.minRows };
    const plain = fairnessOf(counts, choice);
    const privileged = privilegedValue ?? plain.demographicParity?.largest;
    return {
      column: name,
      metrics: field === undefined ? undefined : fairnessOf(counts, { ...choice, privileged }),
      positive: positive.positive,
      privileged,
      labeled: counts.reduce((sum, { labeled }) => sum + labeledRows(labeled), 0),
      counts,
      more: rows.length > MAX_GROUPS,
    };
  });
}

function groupsQuery(from: Relation, target: Target, field: Field, label: Expression | undefined): Relation {
  const yes = column('selected');
  const truth = column('truth');
  const both = (selected: Expression, actual: Expression) =>
    aggregate('count', [], { where: allOf(call('is-not-null', truth), selected, actual) });
  const rows: Relation = {
    type: 'project',
    from,
    columns: [
      groupOf(field),
      named('selected', isPositive(target.predicted, target.positive)),
      ...(label === undefined ? [] : [named('truth', isPositive(target.actual(label), target.positive))]),
    ],
  };
  return {
    type: 'sort',
    from: {
      type: 'aggregate',
      from: rows,
      by: [named('segment', column('segment'))],
      columns: [
        named('rows', aggregate('count', [yes])),
        named('selected', aggregate('count', [], { where: yes })),
        ...(label === undefined
          ? []
          : [
              named('tp', both(yes, truth)),
              named('fp', both(yes, call('not', truth))),
              named('fn', both(call('not', yes), truth)),
              named('tn', both(call('not', yes), call('not', truth))),
            ]),
      ],
    },
    by: [descending('rows'), { expression: column('segment') }],
  };
}

function countsOf(row: readonly Cell[]): GroupCounts {
  const [rows = 0, selected = 0, ...four] = row.slice(1).map(count);
  const [truePositives = 0, falsePositives = 0, falseNegatives = 0, trueNegatives = 0] = four;
  const labeled = { truePositives, falsePositives, falseNegatives, trueNegatives };
  return {
    group: cellText(row[0]),
    rows,
    selected,
    ...(labeledRows(labeled) > 0 && { labeled }),
  };
}

function labeledRows(counts: GroupCounts['labeled']): number {
  if (counts === undefined) return 0;
  return counts.truePositives + counts.falsePositives + counts.falseNegatives + counts.trueNegatives;
}

/** Returns the measurements in the format of a report, without columns that do not exist. */
export function presentFairness(check: string, measured: readonly MeasuredFairness[]): MonitorFairness[] {
  return measured.flatMap(({ column: name, metrics, positive, privileged, counts, more }): MonitorFairness[] => {
    if (metrics === undefined) return [];
    const labeled = new Map(counts.map((one) => [one.group, labeledRows(one.labeled)]));
    return [
      {
        check,
        column: name,
        positive,
        ...(privileged !== undefined && { privileged }),
        groups: metrics.groups.map(({ group, rows, ...rates }) => ({
          group,
          rows,
          labeled: labeled.get(group) ?? 0,
          metrics: [
            metric('selection_rate', rates.selectionRate),
            ...optional('true_positive_rate', rates.truePositiveRate),
            ...optional('false_positive_rate', rates.falsePositiveRate),
            ...optional('precision', rates.precision),
            ...optional('accuracy', rates.accuracy),
          ],
        })),
        small: [
          ...metrics.small.map(({ group, of, count: n }) => `${group} has ${n} ${of}.`),
          ...(more ? [`There are more than ${MAX_GROUPS} groups. Only the largest are reported.`] : []),
        ],
      },
    ];
  });
}

function optional(name: string, estimate: Estimate | undefined) {
  return estimate === undefined ? [] : [metric(name, estimate)];
}
