/** Joins predictions of a window with their ground truth. */
import type { MonitorPerformance, MonitorSpec } from '@dais/api/monitoring';
import { aggregate, call, cast, column, filter, literal, named, scan } from '#engines/query/model/build.ts';
import type { Expression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { firstIdOf, type LabeledPredictions } from '#ledgers/predictions/index.ts';
import type { RegressionSums } from '#lib/statistics/regression.ts';
import { count, toNumber, cellText, type QueryRunner, type Rows } from '../query-runner.ts';
import { classificationMetrics, errorMetrics, metricsOfScores, type PerformanceCheck } from '../checks/performance.ts';
import { classText, isPositive, leastSizes, positiveAmong, targetOf, type Target } from './classes.ts';
import { elementType, fieldsOfPredictions, isNamed, type Field } from './fields.ts';
import { calibrationOf, groupOf, measureScores, type MeasuredScores } from './measure-scores.ts';
import { filterByRange, evaluatedRows } from '../windows/prediction-window.ts';
import type { PredictionRange } from '../windows/window.ts';

const MAX_PAIRS = 2500;
const MAX_SEGMENTS = 20;

/** The predictions to measure. */
export interface Measuring {
  readonly spec: MonitorSpec;
  readonly check: PerformanceCheck;
  readonly mature: boolean;
  /** Restricted inputs, in lower case. */
  readonly masked: ReadonlySet<string>;
}

export async function measurePerformance(
  runner: QueryRunner,
  found: LabeledPredictions,
  range: PredictionRange,
  { spec, check, mature, masked }: Measuring,
): Promise<MonitorPerformance | { readonly unknown: string }> {
  const rows = evaluatedRows(filterByRange(found.labeled, range));
  const fields = await outputsAndInputs(runner, found, { spec, masked, rows });
  const target = targetOf(spec.prediction, fields);
  if ('unknown' in target) return target;
  const regression = target.task === 'regression';
  const segments = check.segments.flatMap(
    (name) => fields.find((field) => field.side === 'input' && isNamed(field, [name])) ?? [],
  );
  const labeled = filter(rows, call('is-not-null', column('label')));
  const queries = [undefined, ...segments].map((segment) =>
    regression ? errorsQuery(labeled, target, segment) : pairsQuery(labeled, target, segment),
  );
  const delay = call('/', call('diff-us', column('label_at'), column('predicted_at')), literal(1000, 'float64'));
  const facts: Relation = {
    type: 'aggregate',
    from: rows,
    by: [],
    columns: [
      named('rows', aggregate('count')),
      named('labeled', aggregate('count', [column('label')])),
      named('delay', aggregate('approx-quantiles', [delay], { parameters: [0.5, 0.95] })),
    ],
  };
  const unmatched: Relation = {
    type: 'aggregate',
    from: {
      type: 'join',
      kind: 'anti',
      // By id: requests that arrived in the window, whenever they were answered.
      left: filter(scan('labels'), ...ofIds(range)),
      right: { type: 'project', from: found.relation, columns: [named('p', column('prediction_id'))] },
      keys: [{ left: 'prediction_id', right: 'p' }],
    },
    by: [],
    columns: [named('n', aggregate('count'))],
  };
  const [totals, odd, ...answers] = await runner.queryAll(found.tables, [
    { query: facts, limit: 1 },
    { query: unmatched, limit: 1 },
    ...queries.map((query) => ({ query, limit: MAX_PAIRS })),
  ]);
  const [all, ...bySegment] = answers.map((answer) =>
    regression ? readErrors(answer.rows) : readPairs(answer.rows, spec),
  );
  const whole = all?.get('');
  const [allRows, withLabel, delays] = totals?.rows[0] ?? [];
  const quantiles = Array.isArray(delays) ? (delays as readonly Cell[]).map(toNumber) : [];
  const largest = segments.map((field, at) => ({
    field,
    values: [...(bySegment[at] ?? [])].toSorted(([, a], [, b]) => b.rows - a.rows).slice(0, MAX_SEGMENTS),
  }));
  const confusion = regression ? undefined : confusionRows(answers[0]?.rows ?? []);
  const scores =
    target.score === undefined || confusion === undefined
      ? undefined
      : await scoresOf(runner, { tables: found.tables, relation: labeled }, target, {
          classes: new Set(confusion.flatMap(({ predicted, actual }) => [predicted, actual])),
          segments: largest.map(({ field, values }) => ({ field, values: values.map(([value]) => value) })),
        });
  const problem =
    scores === undefined
      ? confusion === undefined
        ? undefined
        : 'No output is the probability of the positive class. Set `prediction.score`.'
      : 'unknown' in scores
        ? scores.unknown
        : undefined;
  const measured = scores === undefined || 'unknown' in scores ? undefined : scores;
  return {
    task: target.task,
    prediction: target.name,
    rows: count(allRows),
    labeled: whole?.rows ?? count(withLabel),
    unmatched: count(odd?.rows[0]?.[0]),
    mature,
    ...(quantiles[0] !== undefined && { delayP50Ms: Math.max(0, quantiles[0]) }),
    ...(quantiles[1] !== undefined && { delayP95Ms: Math.max(0, quantiles[1]) }),
    metrics: [...(whole?.metrics ?? []), ...metricsOfScores(measured?.whole)],
    segments: largest.flatMap(({ field, values }, at) =>
      values.map(([value, one]) => ({
        column: field.name,
        value,
        labeled: one.rows,
        metrics: [...one.metrics, ...metricsOfScores(measured?.segments[at]?.get(value))],
      })),
    ),
    ...(confusion !== undefined && { confusion }),
    ...(measured !== undefined && target.score !== undefined && { score: target.score.name }),
    ...(measured?.whole !== undefined && { calibration: calibrationOf(measured.whole.bins) }),
    ...(problem !== undefined && { scoreProblem: problem }),
  };
}

async function scoresOf(
  runner: QueryRunner,
  rows: Rows,
  target: Target,
  {
    classes,
    segments,
  }: {
    readonly classes: ReadonlySet<string>;
    readonly segments: readonly { readonly field: Field; readonly values: readonly string[] }[];
  },
): Promise<MeasuredScores | { readonly unknown: string } | undefined> {
  if (target.score === undefined || classes.size === 0) return { whole: undefined, segments: [] };
  const positive = positiveAmong(classes, target.positive);
  if ('unknown' in positive) return positive;
  return await measureScores(
    runner,
    rows,
    target.score,
    isPositive(target.actual(column('label')), target.positive),
    segments,
  );
}

/** Returns the fields of predictions. Lists that can contain the score have as many elements as the longest one. */
export async function outputsAndInputs(
  runner: QueryRunner,
  found: Pick<LabeledPredictions, 'columns' | 'tables'>,
  { spec, masked, rows }: { readonly spec: MonitorSpec; readonly masked: ReadonlySet<string>; readonly rows: Relation },
): Promise<Field[]> {
  const least = leastSizes(spec);
  const lists = found.columns.filter(
    ({ type, name }) => elementType(type) !== undefined && /^(in|out)_/.test(name) && !least.has(name),
  );
  if (lists.length === 0) return fieldsOfPredictions({ columns: found.columns, sizes: least, masked });
  const query: Relation = {
    type: 'aggregate',
    from: rows,
    by: [],
    columns: lists.map(({ name }, at) => named(`size${at}`, aggregate('max', [call('size', column(name))]))),
  };
  const [sizes] = (await runner.queryOne(found.tables, query, 1)).rows;
  const all = new Map([...least, ...lists.map(({ name }, at) => [name, count(sizes?.[at])] as const)]);
  return fieldsOfPredictions({ columns: found.columns, sizes: all, masked });
}

function pairsQuery(from: Relation, { predicted, actual }: Target, segment: Field | undefined): Relation {
  const rows: Relation = {
    type: 'project',
    from,
    columns: [groupOf(segment), named('predicted', predicted), named('actual', actual(column('label')))],
  };
  const keys = ['segment', 'predicted', 'actual'];
  return {
    type: 'sort',
    from: {
      type: 'aggregate',
      from: rows,
      by: keys.map((name) => named(name, column(name))),
      columns: [named('n', aggregate('count'))],
    },
    by: [{ expression: column('n'), descending: true }, ...keys.map((name) => ({ expression: column(name) }))],
  };
}

function errorsQuery(from: Relation, { value }: Target, segment: Field | undefined): Relation {
  const y = cast(column('label'), 'float64', { lenient: true });
  const rows: Relation = {
    type: 'project',
    from,
    columns: [groupOf(segment), named('y', y), named('e', call('-', cast(value, 'float64'), y))],
  };
  // Values that are not numbers are excluded, so they do not count as labeled.
  const finite = filter(rows, call('is-finite', column('e')));
  const e = column('e');
  const absolute = call('abs', e);
  const square = call('*', e, e);
  const relative = call('abs', call('/', e, column('y')));
  const some = { where: call('!=', column('y'), literal(0, 'float64')) };
  return {
    type: 'aggregate',
    from: finite,
    by: [named('segment', column('segment'))],
    columns: [
      named('count', aggregate('count')),
      named('error', aggregate('sum', [e])),
      named('absolute', aggregate('sum', [absolute])),
      named('squares', aggregate('sum', [square])),
      named('fourths', aggregate('sum', [call('*', square, square)])),
      named('relative', aggregate('sum', [relative], some)),
      named('relativeSquares', aggregate('sum', [call('*', relative, relative)], some)),
      named('relatives', aggregate('count', [], some)),
      named('mean', aggregate('mean', [column('y')])),
      named('variance', aggregate('variance', [column('y')])),
    ],
  };
}

interface Measured {
  readonly rows: number;
  readonly metrics: MonitorPerformance['metrics'];
}

function readErrors(rows: readonly (readonly Cell[])[]): ReadonlyMap<string, Measured> {
  return new Map(
    rows.map((row) => {
      const [n, error, absolute, squares, fourths, relative, relativeSquares, relatives, mean, variance] = row
        .slice(1)
        .map(count);
      const sums: RegressionSums = {
        count: n ?? 0,
        error: error ?? 0,
        absolute: absolute ?? 0,
        squares: squares ?? 0,
        fourths: fourths ?? 0,
        relative: relative ?? 0,
        relativeSquares: relativeSquares ?? 0,
        relatives: relatives ?? 0,
        mean: mean ?? 0,
        spread: (variance ?? 0) * Math.max(0, (n ?? 0) - 1),
      };
      return [cellText(row[0]), { rows: sums.count, metrics: errorMetrics(sums) }];
    }),
  );
}

function readPairs(rows: readonly (readonly Cell[])[], spec: MonitorSpec): ReadonlyMap<string, Measured> {
  const groups = grouped(rows);
  const positive = spec.prediction.positive?.toLowerCase();
  return new Map(
    [...groups].map(([segment, some]) => {
      const outcomes = some.map(([, predicted, actual, n]) => ({
        predicted: classText(predicted),
        actual: classText(actual),
        count: count(n),
      }));
      const total = outcomes.reduce((sum, one) => sum + one.count, 0);
      return [segment, { rows: total, metrics: classificationMetrics(outcomes, positive) }];
    }),
  );
}

function confusionRows(rows: readonly (readonly Cell[])[]): NonNullable<MonitorPerformance['confusion']> {
  return rows.slice(0, 400).map(([, predicted, actual, n]) => ({
    predicted: classText(predicted),
    actual: classText(actual),
    rows: count(n),
  }));
}

function grouped(rows: readonly (readonly Cell[])[]): ReadonlyMap<string, (readonly Cell[])[]> {
  const groups = new Map<string, (readonly Cell[])[]>();
  for (const row of rows) {
    const key = cellText(row[0]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}

function ofIds({ from, until, after, last }: PredictionRange): Expression[] {
  const id = column('prediction_id');
  return [
    after === undefined ? call('>=', id, literal(firstIdOf(from))) : call('>', id, literal(after)),
    last === undefined ? call('<', id, literal(firstIdOf(until))) : call('<=', id, literal(last)),
  ];
}
