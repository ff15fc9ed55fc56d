/** Meets predictions of a window with what was true of them. */
import type { MonitorPerformance, MonitorSpec } from '@dais/api/monitoring';
import { aggregate, call, cast, column, filter, literal, named, scan } from '#engines/query/model/build.ts';
import type { Expression, NamedExpression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import type { LabelledPredictions } from '#ledgers/predictions/index.ts';
import type { RegressionSums } from '#lib/statistics/regression.ts';
import { count, figure, wordsOf, type Asking } from './asking.ts';
import { classificationMetrics, errorMetrics, type PerformanceCheck } from './checks/performance.ts';
import { fieldsOfPredictions, isNamed, type Field } from './fields.ts';
import { boundedBy, judged } from './source/prediction-window.ts';
import type { PredictionBounds } from './source/window.ts';

const MOST_PAIRS = 2500;
const MOST_SEGMENTS = 20;
/** Names that outputs of models have. */
const USUAL = ['prediction', 'predictions', 'label', 'output_label', 'class', 'y', 'output'];

/** The output that is the prediction; undefined: there is none. */
function predictionOf(spec: MonitorSpec['prediction'], fields: readonly Field[]): Field | undefined {
  const outputs = fields.filter(({ side, family }) => side === 'output' && family !== 'other');
  if (spec.column !== undefined) return outputs.find((field) => isNamed(field, [spec.column ?? '']));
  for (const name of USUAL) {
    const found = outputs.find((field) => field.name.toLowerCase() === name);
    if (found !== undefined) return found;
  }
  return outputs[0];
}

export async function measurePerformance(
  asking: Asking,
  found: LabelledPredictions,
  bounds: PredictionBounds,
  { spec, check, mature }: { readonly spec: MonitorSpec; readonly check: PerformanceCheck; readonly mature: boolean },
): Promise<MonitorPerformance | { readonly unknown: string }> {
  const fields = fieldsOfPredictions({ columns: found.columns, sizes: sizesOf(spec), masked: new Set() });
  const prediction = predictionOf(spec.prediction, fields);
  if (prediction === undefined) {
    const wanted = spec.prediction.column;
    return {
      unknown:
        wanted === undefined
          ? 'No output of the predictions is a prediction.'
          : `The output ${wanted} is not in the window.`,
    };
  }
  const regression =
    (spec.prediction.task ?? (/^(float|decimal)/.test(prediction.type) ? 'regression' : 'classification')) ===
    'regression';
  const rows = judged(boundedBy(found.labelled, bounds));
  const segments = check.segments.flatMap(
    (name) => fields.find((field) => field.side === 'input' && isNamed(field, [name])) ?? [],
  );
  const labelled = filter(rows, call('is-not-null', column('label')));
  const actual = column('label');
  const queries = [undefined, ...segments].map((segment) =>
    regression ? errorsQuery(labelled, prediction, actual, segment) : pairsQuery(labelled, prediction, actual, segment),
  );
  const delay = call('/', call('diff-us', column('label_at'), column('predicted_at')), literal(1000, 'float64'));
  const facts: Relation = {
    type: 'aggregate',
    from: rows,
    by: [],
    columns: [
      named('rows', aggregate('count')),
      named('labelled', aggregate('count', [column('label')])),
      named('delay', aggregate('approx-quantiles', [delay], { parameters: [0.5, 0.95] })),
    ],
  };
  const strangers: Relation = {
    type: 'aggregate',
    from: {
      type: 'join',
      kind: 'anti',
      left: filter(scan('labels'), call('is-not-null', column('prediction_id'))),
      right: {
        type: 'project',
        from: boundedBy(found.relation, { from: bounds.from, until: bounds.until }),
        columns: [named('p', column('prediction_id'))],
      },
      keys: [{ left: 'prediction_id', right: 'p' }],
    },
    by: [],
    columns: [named('n', aggregate('count'))],
  };
  const [told, odd, ...answers] = await asking.ask(found.tables, [
    { query: facts, limit: 1 },
    { query: strangers, limit: 1 },
    ...queries.map((query) => ({ query, limit: MOST_PAIRS })),
  ]);
  const [all, ...bySegment] = answers.map((answer) =>
    regression ? readErrors(answer.rows) : readPairs(answer.rows, spec),
  );
  const whole = all?.get('');
  const [allRows, withLabel, delays] = told?.rows[0] ?? [];
  const quantiles = Array.isArray(delays) ? (delays as readonly Cell[]).map(figure) : [];
  return {
    task: regression ? 'regression' : 'classification',
    prediction: prediction.name,
    rows: count(allRows),
    labelled: whole?.rows ?? count(withLabel),
    strangers: count(odd?.rows[0]?.[0]),
    mature,
    ...(quantiles[0] !== undefined && { delayP50Ms: Math.max(0, quantiles[0]) }),
    ...(quantiles[1] !== undefined && { delayP95Ms: Math.max(0, quantiles[1]) }),
    metrics: whole?.metrics ?? [],
    segments: segments.flatMap((segment, at) =>
      [...(bySegment[at] ?? [])]
        .map(([value, one]) => ({ column: segment.name, value, labelled: one.rows, metrics: one.metrics }))
        .toSorted((a, b) => b.labelled - a.labelled)
        .slice(0, MOST_SEGMENTS),
    ),
    ...(!regression && { confusion: confusionRows(answers[0]?.rows ?? []) }),
  };
}

/** An element of a list is asked for by its number: so long is the list at least. */
function sizesOf({ prediction }: MonitorSpec): ReadonlyMap<string, number> {
  const match = /^(.+)\[(\d{1,2})\]$/.exec(prediction.column ?? '');
  return match === null ? new Map() : new Map([[`out_${match[1]}`, Number(match[2]) + 1]]);
}

/** `1`, `1.0` and `true` are one class, however they are written. */
function classOf(value: Expression): Expression {
  const words = call('lower', cast(value, 'string'));
  const number = cast(cast(words, 'float64', { lenient: true }), 'string');
  return call('coalesce', number, words);
}

function by(segment: Field | undefined): NamedExpression {
  const value = segment === undefined ? literal('') : call('coalesce', cast(segment.value, 'string'), literal('null'));
  return named('segment', value);
}

function pairsQuery(from: Relation, prediction: Field, actual: Expression, segment: Field | undefined): Relation {
  const rows: Relation = {
    type: 'project',
    from,
    columns: [by(segment), named('predicted', classOf(prediction.value)), named('actual', classOf(actual))],
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

function errorsQuery(from: Relation, prediction: Field, actual: Expression, segment: Field | undefined): Relation {
  const y = cast(actual, 'float64', { lenient: true });
  const rows: Relation = {
    type: 'project',
    from,
    columns: [by(segment), named('y', y), named('e', call('-', cast(prediction.value, 'float64'), y))],
  };
  // What is no number is left out, and so not among those with a label.
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
      return [wordsOf(row[0]), { rows: sums.count, metrics: errorMetrics(sums) }];
    }),
  );
}

function readPairs(rows: readonly (readonly Cell[])[], spec: MonitorSpec): ReadonlyMap<string, Measured> {
  const groups = grouped(rows);
  const positive = spec.prediction.positive;
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

/** `1.0` as people write it. */
function classText(cell: Cell | undefined): string {
  return (cell === null || cell === undefined ? 'null' : wordsOf(cell)).replace(/^(-?\d+)\.0$/, '$1');
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
    const key = wordsOf(row[0]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [row]);
    else group.push(row);
  }
  return groups;
}
