/** Calibration of scores against ground truth: computed once per version, and stored. */
import { createHash } from 'node:crypto';
import type { MonitorCheck, MonitorEstimate } from '@dais/api/monitoring';
import { aggregate, allOf, call, cast, column, filter, literal, named } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { Cell } from '#engines/query/contract.ts';
import { transact, type Transaction } from '#kernel/transaction.ts';
import { countLabels } from '#ledgers/predictions/index.ts';
import { uuidv7 } from '#lib/ids.ts';
import { calibrationOfFolds } from '#lib/statistics/cbpe.ts';
import { binaryMetrics } from '#lib/statistics/classification.ts';
import type { Calibration } from '#lib/statistics/isotonic.ts';
import { scoreMetrics, type ScoreBin } from '#lib/statistics/scores.ts';
import { count, type QueryRunner } from '../query-runner.ts';
import { classText, isPositive, positiveAmong, targetOf, type Target } from '../metrics/classes.ts';
import { metric } from '../checks/performance.ts';
import { finiteOf } from '../metrics/fields.ts';
import { outputsAndInputs } from '../metrics/measure-performance.ts';
import { binOf, invalidScoreReason, countInvalidScores, SCORE_BINS } from '../metrics/measure-scores.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import { filterByRange, evaluatedRows } from '../windows/prediction-window.ts';
import type { WindowVersion } from '../windows/window.ts';

export type EstimateCheck = Extract<MonitorCheck, { type: 'estimatedPerformance' }>;

/** Maximum number of windows that are searched for labels. */
const MAX_WINDOWS = 200;
const MAX_KEPT = 20;
const FOLDS = 3;
const MAX_CLASSES = 20;

export interface ScoreReference {
  readonly id: string;
  readonly key: string;
  readonly about: MonitorEstimate['reference'];
  readonly calibration: Calibration | undefined;
}

type FoundReference = { readonly found: ScoreReference; readonly made: boolean } | { readonly unknown: string };

export async function findReference(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  check: EstimateCheck,
  version: WindowVersion,
  runner: QueryRunner,
): Promise<FoundReference> {
  const key = keyOf(monitor, check, version);
  const stored = await readReference(dependencies, monitor, key);
  if (stored !== undefined) return { found: stored, made: false };
  const time = await timeOf(dependencies, monitor, check, version);
  if ('unknown' in time) return time;
  const of = { projectId: monitor.project_id, endpoint: monitor.endpoint ?? '' };
  return await dependencies.predictions.withLabels(of, time, async (found): Promise<FoundReference> => {
    const rows = ofVersion(evaluatedRows(filterByRange(found.labeled, time)), version);
    const fields = await outputsAndInputs(runner, found, { spec: monitor.spec, masked: new Set(), rows });
    const target = targetOf(monitor.spec.prediction, fields);
    if ('unknown' in target) return target;
    const { score } = target;
    if (score === undefined) return { unknown: NO_SCORE };
    const labeled = filter(rows, call('is-not-null', column('label')), call('is-not-null', finiteOf(score)));
    const [odd, classes, counted] = await runner.queryAll(found.tables, [
      { query: { type: 'aggregate', from: labeled, by: [], columns: countInvalidScores(score) }, limit: 1 },
      { query: classesQuery(labeled, target), limit: MAX_CLASSES },
      { query: countsQuery(labeled, target), limit: FOLDS * 4 * SCORE_BINS * 2 },
    ]);
    const problem = invalidScoreReason(score, odd?.rows[0]) ?? invalidClassesReason(classes?.rows ?? [], target);
    if (problem !== undefined) return { unknown: problem };
    const total = count(odd?.rows[0]?.[2]);
    if (total < check.minLabeled) return { unknown: tooFew(version, total, check) };
    const made = fit(counted?.rows ?? []);
    if ('unknown' in made) return made;
    const about = {
      from: time.from,
      until: time.until,
      labeled: total,
      calibrated: made.calibration !== undefined,
      metrics: made.metrics,
    };
    return {
      found: { id: uuidv7(dependencies.clock.now()), key, about, calibration: made.calibration },
      made: true,
    };
  });
}

export const NO_SCORE = 'No output is the probability of the positive class. Set `prediction.score`.';

/** Filters rows to those of one version. */
export function ofVersion(from: Relation, { model, version }: Pick<WindowVersion, 'model' | 'version'>): Relation {
  return filter(
    from,
    call('=', column('model'), literal(model)),
    call('=', cast(column('version'), 'string'), literal(version)),
  );
}

function keyOf(monitor: MonitorRow, check: EstimateCheck, { model, version }: WindowVersion): string {
  const { reference, minLabeled } = check;
  const requested = JSON.stringify([monitor.endpoint, monitor.spec.prediction, reference ?? null, minLabeled]);
  return `${model}/${version}:${createHash('sha256').update(requested).digest('hex').slice(0, 16)}`;
}

function tooFew({ model, version }: WindowVersion, n: number, { minLabeled }: EstimateCheck): string {
  return `Scores cannot be calibrated: the reference contains ${n} predictions of ${model}/${version} with ground truth, fewer than ${minLabeled}.`;
}

/** Returns the configured period, else the first windows of the version that together have enough labels. */
async function timeOf(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  check: EstimateCheck,
  version: WindowVersion,
): Promise<{ readonly from: number; readonly until: number } | { readonly unknown: string }> {
  const { reference } = check;
  if (reference !== undefined) return { from: Date.parse(reference.from), until: Date.parse(reference.until) };
  return await inProject(dependencies, monitor, async ({ sql }) => {
    const rows = await sql.query<{ from_at: bigint; until_at: bigint }>(
      `select from_at, until_at from monitoring.window where monitor = $1 and rows > 0
         and versions @> $2::jsonb order by number limit ${MAX_WINDOWS}`,
      [monitor.uid, JSON.stringify([{ model: version.model, version: version.version }])],
      'windows_of_version',
    );
    const times = rows.map((row) => ({ from: Number(row.from_at), until: Number(row.until_at) }));
    const of = { projectId: monitor.project_id, endpoint: monitor.endpoint ?? '' };
    const labels = await countLabels(sql, of, times);
    let sum = 0;
    for (const [at, time] of times.entries()) {
      sum += labels[at] ?? 0;
      // Labels also exist for predictions that are not evaluated, so half more than needed is requested.
      if (sum >= check.minLabeled * 1.5) return { from: times[0]?.from ?? time.from, until: time.until };
    }
    const last = times.at(-1);
    if (last === undefined || sum < check.minLabeled) return { unknown: tooFew(version, sum, check) };
    return { from: times[0]?.from ?? last.from, until: last.until };
  });
}

function classesQuery(from: Relation, { predicted, actual }: Target): Relation {
  const rows: Relation = {
    type: 'union',
    of: [predicted, actual(column('label'))].map((value) => ({
      type: 'project',
      from,
      columns: [named('class', value)],
    })),
  };
  return { type: 'distinct', from: filter(rows, call('is-not-null', column('class'))) };
}

/** Returns why the classes cannot be separated. */
function invalidClassesReason(rows: readonly (readonly Cell[])[], { positive }: Target): string | undefined {
  const names = rows.map(([name]) => classText(name));
  if (names.length > 2) {
    return `Performance can be estimated for two classes only. The reference contains more: ${names.slice(0, 5).join(', ')}.`;
  }
  const among = positiveAmong(names, positive);
  return 'unknown' in among ? among.unknown : undefined;
}

function countsQuery(from: Relation, target: Target): Relation {
  const { score, predicted, actual, positive } = target;
  if (score === undefined) throw new Error('there is no score');
  const s = column('s');
  const rows: Relation = {
    type: 'project',
    from,
    columns: [
      named('fold', call('%', call('hash64', column('prediction_id'), column('row')), literal(FOLDS))),
      named('selected', isPositive(predicted, positive)),
      named('truth', isPositive(actual(column('label')), positive)),
      named('s', finiteOf(score)),
    ],
  };
  const keys = ['fold', 'selected', 'truth'];
  return {
    type: 'aggregate',
    from: filter(rows, allOf(call('is-not-null', column('selected')), call('is-not-null', column('truth')))),
    by: [...keys.map((name) => named(name, column(name))), named('bin', binOf(s))],
    columns: [named('n', aggregate('count')), named('sum', aggregate('sum', [s]))],
  };
}

function fit(
  rows: readonly (readonly Cell[])[],
):
  | { readonly calibration: Calibration | undefined; readonly metrics: MonitorEstimate['metrics'] }
  | { readonly unknown: string } {
  const folds = Array.from(
    { length: FOLDS },
    () => new Map<number, { positive: number; negative: number; sum: number }>(),
  );
  const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  for (const [fold, selected, truth, at, n, sum] of rows) {
    const [yes, right] = [selected === true, truth === true];
    counts[yes ? (right ? 'truePositives' : 'falsePositives') : right ? 'falseNegatives' : 'trueNegatives'] += count(n);
    const bins = folds[count(fold)];
    const bin = bins?.get(count(at)) ?? { positive: 0, negative: 0, sum: 0 };
    bin[right ? 'positive' : 'negative'] += count(n);
    bin.sum += count(sum);
    bins?.set(count(at), bin);
  }
  if (counts.truePositives + counts.falseNegatives === 0 || counts.falsePositives + counts.trueNegatives === 0) {
    return { unknown: 'Scores cannot be calibrated: all labels of the reference have the same class.' };
  }
  const { calibration } = calibrationOfFolds(folds.map((bins) => [...bins.values()]));
  const { accuracy, precision, recall, f1 } = binaryMetrics(counts);
  const all = { bins: inOrder(folds), logLoss: 0, logLossSquares: 0, brier: 0, brierSquares: 0 };
  return {
    calibration,
    metrics: [
      metric('accuracy', accuracy),
      metric('precision', precision),
      metric('recall', recall),
      metric('f1', f1),
      metric('roc_auc', scoreMetrics(all).rocAuc),
    ],
  };
}

/** Merges all folds, ascending by score. */
function inOrder(folds: readonly ReadonlyMap<number, ScoreBin>[]): readonly ScoreBin[] {
  const bins = new Map<number, { positive: number; negative: number; sum: number }>();
  for (const [at, { positive, negative, sum }] of folds.flatMap((fold) => [...fold])) {
    const bin = bins.get(at) ?? { positive: 0, negative: 0, sum: 0 };
    bins.set(at, { positive: bin.positive + positive, negative: bin.negative + negative, sum: bin.sum + sum });
  }
  return [...bins].toSorted(([a], [b]) => a - b).map(([, bin]) => bin);
}

async function readReference(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  key: string,
): Promise<ScoreReference | undefined> {
  return await inProject(dependencies, monitor, async ({ sql }) => {
    const [row] = await sql.query<{ id: string; details: ScoreReference['about']; calibration: Calibration | null }>(
      'select id, details, calibration from monitoring.calibration where monitor = $1 and key = $2',
      [monitor.uid, key],
      'read_calibration',
    );
    return row === undefined
      ? undefined
      : { id: row.id, key, about: row.details, calibration: row.calibration ?? undefined };
  });
}

async function inProject<T>(
  { database }: MonitoringDependencies,
  monitor: MonitorRow,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return await transact(database, { mode: 'read', projectId: monitor.project_id }, work);
}

export async function keepReference(
  tx: Transaction,
  monitor: string,
  { id, key, about, calibration }: ScoreReference,
  now: number,
): Promise<void> {
  await tx.sql.query(
    `insert into monitoring.calibration (id, project_id, monitor, key, details, calibration, created_at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict (monitor, key) do nothing`,
    [
      id,
      tx.projectId,
      monitor,
      key,
      JSON.stringify(about),
      calibration === undefined ? null : JSON.stringify(calibration),
      now,
    ],
    'keep_calibration',
  );
  await tx.sql.query(
    `delete from monitoring.calibration where monitor = $1 and id not in (
       select id from monitoring.calibration where monitor = $1 order by created_at desc, id desc limit $2)`,
    [monitor, MAX_KEPT],
    'trim_calibrations',
  );
}
