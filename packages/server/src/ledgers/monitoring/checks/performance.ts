/** Performance metrics from counts and sums of labeled rows. Pure. */
import { countNoun } from '@dais/api';
import {
  nameOfCheck,
  type MonitorCheck,
  type MonitorPerformance,
  type MonitorResult,
  type MonitorSpec,
} from '@dais/api/monitoring';
import {
  binaryMetrics,
  classMetrics,
  confusionOf,
  countsOfClass,
  type OutcomeCount,
} from '#lib/statistics/classification.ts';
import type { Estimate } from '#lib/statistics/estimate.ts';
import { regressionMetrics, type RegressionSums } from '#lib/statistics/regression.ts';
import { scoreMetrics, type ScoreSummary } from '#lib/statistics/scores.ts';
import { outcomeOf, percent, text, type CheckOutcome } from './outcome.ts';

export type PerformanceCheck = Extract<MonitorCheck, { type: 'performance' }>;
type Metric = MonitorPerformance['metrics'][number];

/** Computes classification metrics. With a positive class, precision and recall are of that class, else means over all classes. */
export function classificationMetrics(outcomes: readonly OutcomeCount[], positive: string | undefined): Metric[] {
  const confusion = confusionOf(outcomes);
  const { classes } = confusion;
  const of = positive ?? classes.find((name) => name === '1' || name === 'true');
  if (of !== undefined && classes.length <= 2 && classes.includes(of)) {
    const { accuracy, precision, recall, f1 } = binaryMetrics(countsOfClass(confusion, of));
    return [metric('accuracy', accuracy), metric('precision', precision), metric('recall', recall), metric('f1', f1)];
  }
  const { accuracy, macroPrecision, macroRecall, macroF1 } = classMetrics(confusion);
  return [
    metric('accuracy', accuracy),
    metric('precision', macroPrecision),
    metric('recall', macroRecall),
    metric('f1', macroF1),
  ];
}

export function errorMetrics(sums: RegressionSums): Metric[] {
  const { mae, rmse, mape, r2, bias } = regressionMetrics(sums);
  return [metric('mae', mae), metric('rmse', rmse), metric('mape', mape), metric('r2', r2), metric('bias', bias)];
}

/** Computes metrics of scores; an empty list without scores. */
export function metricsOfScores(summary: ScoreSummary | undefined): Metric[] {
  if (summary === undefined) return [];
  const { rocAuc, prAuc, logLoss, brier, calibrationError } = scoreMetrics(summary);
  return [
    metric('roc_auc', rocAuc),
    metric('average_precision', prAuc),
    metric('log_loss', logLoss),
    metric('brier', brier),
    metric('ece', calibrationError),
  ];
}

export function metric(name: string, { value, low, high }: Estimate): Metric {
  return {
    metric: name,
    ...(value !== undefined && { value }),
    ...(low !== undefined && high !== undefined && { low, high }),
  };
}

const OF_SCORES: ReadonlySet<string> = new Set(['roc_auc', 'average_precision', 'log_loss', 'brier', 'ece']);
/** Metrics for which lower is better. */
const ERRORS: ReadonlySet<string> = new Set(['log_loss', 'brier', 'ece', 'mae', 'rmse', 'mape', 'bias']);

/** Evaluates performance. `reference`: metrics of the first window with enough labels, if there is one. */
export function evaluatePerformance(
  check: PerformanceCheck,
  spec: Pick<MonitorSpec, 'severity'>,
  measured: MonitorPerformance,
  reference: readonly Metric[] | undefined,
): CheckOutcome {
  const about = { check: nameOfCheck(check), type: check.type } as const;
  const results: MonitorResult[] = [];
  if (measured.unmatched > 0) {
    const reason = `No evaluated prediction exists for ${countNoun(measured.unmatched, 'label')}.`;
    results.push({ ...about, metric: 'unmatched_labels', value: measured.unmatched, status: 'unknown', reason });
  }
  if (measured.labeled < check.minLabeled) {
    const more = measured.mature ? 'Labels that arrive later are ignored.' : 'More labels can still arrive.';
    const reason = `${measured.labeled} of ${measured.rows} predictions have ground truth, fewer than ${check.minLabeled}. ${more}`;
    results.push({
      ...about,
      metric: 'labeled',
      value: measured.labeled,
      threshold: check.minLabeled,
      status: 'unknown',
      reason,
    });
    return outcomeOf(check, spec, results);
  }
  for (const one of measured.metrics)
    results.push(evaluateLimits(check.metrics, about, one, { rows: measured.labeled, reference }));
  for (const name of new Set(check.metrics.map((one) => one.metric))) {
    if (measured.metrics.some((one) => one.metric === name)) continue;
    const reason =
      measured.scoreProblem !== undefined && OF_SCORES.has(name)
        ? measured.scoreProblem
        : `${name} is not a metric of ${measured.task}.`;
    results.push({ ...about, metric: name, rows: measured.labeled, status: 'unknown', reason });
  }
  for (const name of check.segments) {
    if (measured.segments.some(({ column }) => column.toLowerCase() === name.toLowerCase())) continue;
    const reason = `The window has no input ${name} to segment performance by.`;
    results.push({ ...about, metric: 'segment', column: name, status: 'unknown', reason });
  }
  for (const { column, value, labeled, metrics } of measured.segments) {
    const segment = `${column} = ${value}`;
    for (const one of metrics) {
      if (labeled >= check.minLabeled)
        results.push(
          evaluateLimits(check.metrics, { ...about, segment }, one, { rows: labeled, reference: undefined }),
        );
    }
  }
  return outcomeOf(check, spec, results);
}

interface Limit {
  readonly metric: string;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly change?: number | undefined;
}

/** Compares a metric with its limits. `reference`: values that `change` compares with; `before`: their description. */
export function evaluateLimits(
  all: readonly Limit[],
  about: Pick<MonitorResult, 'check' | 'type' | 'segment'>,
  { metric: name, value, low, high }: Metric,
  {
    rows,
    reference,
    before: when = 'in the first labeled window',
  }: { readonly rows: number; readonly reference: readonly Metric[] | undefined; readonly before?: string },
): MonitorResult {
  const named = {
    ...about,
    metric: name,
    rows,
    ...(low !== undefined && { low }),
    ...(high !== undefined && { high }),
  };
  const limits = all.filter((one) => one.metric === name);
  if (value === undefined) {
    return limits.length === 0
      ? { ...named, status: 'passing' }
      : { ...named, status: 'unknown', reason: `${name} cannot be computed from these rows.` };
  }
  const where = about.segment === undefined ? '' : ` of ${about.segment}`;
  for (const { min, max, change } of limits) {
    if (min !== undefined && value < min) {
      return {
        ...named,
        value,
        threshold: min,
        status: 'failing',
        reason: `${name}${where} is ${text(value)}, below ${text(min)}.`,
      };
    }
    if (max !== undefined && value > max) {
      return {
        ...named,
        value,
        threshold: max,
        status: 'failing',
        reason: `${name}${where} is ${text(value)}, above ${text(max)}.`,
      };
    }
    const before = reference?.find((one) => one.metric === name)?.value;
    if (change === undefined || before === undefined || before === 0) continue;
    const worse = (ERRORS.has(name) ? value - before : before - value) / Math.abs(before);
    if (worse > change) {
      const reason = `${name}${where} is ${text(value)}, ${percent(worse)} worse than ${text(before)} ${when}.`;
      return { ...named, value, threshold: before, status: 'failing', reason };
    }
  }
  const [limit] = limits;
  const threshold = limit?.min ?? limit?.max;
  return { ...named, value, ...(threshold !== undefined && { threshold }), status: 'passing' };
}
