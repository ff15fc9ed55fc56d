/** Measures scores of labeled predictions. Counts use fixed bins, so that no row leaves the query engine. */
import type { MonitorPerformance } from '@dais/api/monitoring';
import { aggregate, call, cast, column, filter, literal, named, when } from '#engines/query/model/build.ts';
import type { AggregateExpression, Expression, NamedExpression, Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { calibrationBins, type ScoreBin, type ScoreSummary } from '#lib/statistics/scores.ts';
import { count, cellText, type QueryRunner, type Rows } from '../query-runner.ts';
import { finiteOf, categoryText, type Field } from './fields.ts';

/** The bins of `summarizeScores`. */
export const SCORE_BINS = 1000;
/** Lower limit of probabilities in the log loss. */
const LEAST = 1e-15;

/** Returns the grouping by the values of a segment; without a segment, one group. */
export function groupOf(segment: Field | undefined): NamedExpression {
  const value = segment === undefined ? literal('') : call('coalesce', categoryText(segment), literal('null'));
  return named('segment', value);
}

/** Returns the bin of a score. */
export function binOf(score: Expression): Expression {
  const at = call('floor', call('*', score, literal(SCORE_BINS, 'float64')));
  return call('least', at, literal(SCORE_BINS - 1, 'float64'));
}

/** Counts scores that are not probabilities, and missing ones. */
export function countInvalidScores(score: Field): readonly NamedExpression[] {
  const value = cast(score.value, 'float64');
  const odd = call(
    'not',
    call('and', call('>=', value, literal(0, 'float64')), call('<=', value, literal(1, 'float64'))),
  );
  return [
    named('odd', aggregate('count', [], { where: call('and', call('is-not-null', value), odd) })),
    named('missing', aggregate('count', [], { where: call('is-null', value) })),
    named('rows', aggregate('count')),
  ];
}

/** Returns why scores are invalid; undefined if all are probabilities or missing. */
export function invalidScoreReason(score: Field, row: readonly Cell[] | undefined): string | undefined {
  const [odd, missing, rows] = (row ?? []).map(count);
  if ((odd ?? 0) > 0)
    return `${odd} of ${rows} values of ${score.name} are not between 0 and 1, so it is not a probability.`;
  if ((rows ?? 0) > 0 && missing === rows) return `${score.name} has no values.`;
  return undefined;
}

/** Counts scores by group and bin. `positive`: whether a row is of the positive class. */
function scoresQuery(
  labeled: Relation,
  score: Field,
  positive: Expression,
  { segment, among }: { readonly segment: Field | undefined; readonly among: readonly string[] | undefined },
): Relation {
  const rows: Relation = {
    type: 'project',
    from: labeled,
    columns: [groupOf(segment), named('s', finiteOf(score)), named('positive', positive)],
  };
  const some = filter(
    rows,
    call('is-not-null', column('s')),
    ...(among === undefined
      ? []
      : [{ type: 'in', value: column('segment'), options: among.map((one) => literal(one)) } as const]),
  );
  const [s, yes] = [column('s'), column('positive')];
  const losses: Relation = {
    type: 'project',
    from: some,
    columns: [
      named('segment', column('segment')),
      named('bin', binOf(s)),
      named('positive', yes),
      named('s', s),
      named(
        'loss',
        call(
          'negate',
          call('ln', call('greatest', literal(LEAST, 'float64'), when(yes, s, call('-', literal(1, 'float64'), s)))),
        ),
      ),
      named('off', when(yes, call('-', literal(1, 'float64'), s), s)),
    ],
  };
  const sum = (value: Expression): AggregateExpression => aggregate('sum', [value]);
  const [loss, off] = [column('loss'), column('off')];
  const square = call('*', off, off);
  return {
    type: 'aggregate',
    from: losses,
    by: [named('segment', column('segment')), named('bin', column('bin'))],
    columns: [
      named('positives', aggregate('count', [], { where: column('positive') })),
      named('negatives', aggregate('count', [], { where: call('not', column('positive')) })),
      named('sum', sum(s)),
      named('logLoss', sum(loss)),
      named('logLossSquares', sum(call('*', loss, loss))),
      named('brier', sum(square)),
      named('brierSquares', sum(call('*', square, square))),
    ],
  };
}

function readScores(rows: readonly (readonly Cell[])[]): ReadonlyMap<string, ScoreSummary> {
  const found = new Map<string, { bins: { at: number; bin: ScoreBin }[]; sums: [number, number, number, number] }>();
  for (const [segment, at, positive, negative, sum, ...sums] of rows) {
    const key = cellText(segment);
    const one = found.get(key) ?? { bins: [], sums: [0, 0, 0, 0] };
    one.bins.push({ at: count(at), bin: { positive: count(positive), negative: count(negative), sum: count(sum) } });
    for (const [index, cell] of sums.entries()) one.sums[index] = (one.sums[index] ?? 0) + count(cell);
    found.set(key, one);
  }
  return new Map(
    [...found].map(([key, { bins, sums }]) => [
      key,
      {
        bins: bins.toSorted((a, b) => a.at - b.at).map(({ bin }) => bin),
        logLoss: sums[0],
        logLossSquares: sums[1],
        brier: sums[2],
        brierSquares: sums[3],
      },
    ]),
  );
}

export interface MeasuredScores {
  /** Summary of all rows. */
  readonly whole: ScoreSummary | undefined;
  /** Summaries by value, in the order of the requested segments. */
  readonly segments: readonly ReadonlyMap<string, ScoreSummary>[];
}

/** Measures scores. `segments`: with the values to report. */
export async function measureScores(
  runner: QueryRunner,
  { tables, relation }: Rows,
  score: Field,
  positive: Expression,
  segments: readonly { readonly field: Field; readonly values: readonly string[] }[],
): Promise<MeasuredScores | { readonly unknown: string }> {
  const facts: Relation = { type: 'aggregate', from: relation, by: [], columns: countInvalidScores(score) };
  const [odd, all] = await runner.queryAll(tables, [
    { query: facts, limit: 1 },
    {
      query: scoresQuery(relation, score, positive, { segment: undefined, among: undefined }),
      // The limit includes bins outside of 0 to 1, which the first query detects.
      limit: SCORE_BINS * 2,
    },
  ]);
  const problem = invalidScoreReason(score, odd?.rows[0]);
  if (problem !== undefined) return { unknown: problem };
  const requested = segments.filter(({ values }) => values.length > 0);
  const answers = await runner.queryAll(
    tables,
    requested.map(({ field, values }) => ({
      query: scoresQuery(relation, score, positive, { segment: field, among: values }),
      limit: SCORE_BINS * values.length,
    })),
  );
  const by = new Map(requested.map(({ field }, at) => [field.name, readScores(answers[at]?.rows ?? [])]));
  return {
    whole: readScores(all?.rows ?? []).get(''),
    segments: segments.map(({ field }) => by.get(field.name) ?? new Map()),
  };
}

export function calibrationOf(bins: readonly ScoreBin[]): NonNullable<MonitorPerformance['calibration']> {
  return calibrationBins(bins).flatMap(({ count: rows, positive, sum }) =>
    rows === 0 ? [] : [{ score: sum / rows, share: positive / rows, rows }],
  );
}
