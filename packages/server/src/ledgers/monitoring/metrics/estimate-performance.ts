/** Estimates performance of a window without ground truth, from calibrated scores. */
import { nameOfCheck, type MonitorEstimate } from '@dais/api/monitoring';
import { aggregate, call, column, filter, named } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import { estimatedMetrics, estimatedRocAuc, expectedCounts } from '#lib/statistics/cbpe.ts';
import { calibrated } from '#lib/statistics/isotonic.ts';
import { count, type QueryRunner } from '../query-runner.ts';
import { isPositive, targetOf } from './classes.ts';
import { metric } from '../checks/performance.ts';
import { finiteOf } from './fields.ts';
import { binOf, invalidScoreReason, countInvalidScores, SCORE_BINS } from './measure-scores.ts';
import type { MonitorRow } from '../monitor-rows.ts';
import type { MonitoringDependencies } from '../monitoring-dependencies.ts';
import {
  findReference,
  NO_SCORE,
  ofVersion,
  type EstimateCheck,
  type ScoreReference,
} from '../baselines/score-reference.ts';
import type { OpenWindow } from '../windows/window.ts';

interface Estimated {
  readonly estimate: MonitorEstimate;
  /** Set if the reference was computed for this window. */
  readonly made: ScoreReference | undefined;
  /** Number of rows of other versions. */
  readonly others: number;
}

export async function estimatePerformance(
  dependencies: MonitoringDependencies,
  monitor: MonitorRow,
  window: OpenWindow,
  check: EstimateCheck,
  runner: QueryRunner,
): Promise<Estimated | { readonly unknown: string }> {
  const [version] = window.versions;
  if (version === undefined || window.rows === 0) return { unknown: 'The window has no rows.' };
  const target = targetOf(monitor.spec.prediction, window.fields);
  if ('unknown' in target) return target;
  if (target.task === 'regression') {
    return {
      unknown: 'The model is a regression. Performance can be estimated without labels for classification only.',
    };
  }
  const { score, predicted, positive } = target;
  if (score === undefined) return { unknown: NO_SCORE };
  const reference = await findReference(dependencies, monitor, check, version, runner);
  if ('unknown' in reference) return reference;
  const { about, calibration } = reference.found;
  const from = ofVersion(window.data.relation, version);
  const rows: Relation = {
    type: 'project',
    from,
    columns: [named('selected', isPositive(predicted, positive)), named('s', finiteOf(score))],
  };
  const s = column('s');
  const [odd, answer] = await runner.queryAll(window.data.tables, [
    { query: { type: 'aggregate', from, by: [], columns: countInvalidScores(score) }, limit: 1 },
    {
      query: {
        type: 'aggregate',
        from: filter(rows, call('is-not-null', s), call('is-not-null', column('selected'))),
        by: [named('selected', column('selected')), named('bin', binOf(s))],
        columns: [named('n', aggregate('count')), named('sum', aggregate('sum', [s]))],
      },
      limit: SCORE_BINS * 4,
    },
  ]);
  const problem = invalidScoreReason(score, odd?.rows[0]);
  if (problem !== undefined) return { unknown: problem };
  const bins = (answer?.rows ?? []).map(([selected, , n, sum]) => {
    const raw = count(sum) / Math.max(1, count(n));
    const p = calibration === undefined ? raw : calibrated(calibration, raw);
    return { raw, score: Math.min(1, Math.max(0, p)), predicted: selected === true, count: count(n) };
  });
  const { accuracy, precision, recall, f1 } = estimatedMetrics(expectedCounts(bins));
  const estimate: MonitorEstimate = {
    check: nameOfCheck(check),
    model: version.model,
    version: version.version,
    prediction: target.name,
    score: score.name,
    rows: bins.reduce((sum, bin) => sum + bin.count, 0),
    reference: about,
    metrics: [
      metric('accuracy', accuracy),
      metric('precision', precision),
      metric('recall', recall),
      metric('f1', f1),
      metric('roc_auc', { value: estimatedRocAuc(bins) }),
    ],
  };
  return { estimate, made: reference.made ? reference.found : undefined, others: window.rows - version.rows };
}
