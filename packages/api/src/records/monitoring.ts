import { z } from 'zod';
import { attributionMethodSchema, attributionScaleSchema } from '#records/attribution-method.ts';

/**
 * Results of monitors: a report for each window, its statistics, alerts, and triggered decisions. A status is `unknown`
 * with a reason, and never `passing`, if a value cannot be computed.
 */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const driftMethods = [
  'auto',
  'psi',
  'js_distance_ln',
  'js_distance_log2',
  'jsd_log2',
  'hellinger',
  'l_infinity',
  'total_variation',
  'wasserstein',
  'wasserstein_normed',
  'ks',
  'chi_square',
] as const;
export type DriftMethod = (typeof driftMethods)[number];

export const corrections = ['none', 'bonferroni', 'holm', 'benjamini-hochberg'] as const;
export type Correction = (typeof corrections)[number];

export const performanceMetrics = [
  'accuracy',
  'precision',
  'recall',
  'f1',
  'roc_auc',
  'average_precision',
  'log_loss',
  'brier',
  'ece',
  'mae',
  'rmse',
  'mape',
  'r2',
  'bias',
] as const;
export type PerformanceMetric = (typeof performanceMetrics)[number];

/** Metrics of predictions that need no ground truth. */
export const estimatedMetrics = ['accuracy', 'precision', 'recall', 'f1', 'roc_auc'] as const;

export const severities = ['info', 'warning', 'critical'] as const;
export const checkStatuses = ['passing', 'failing', 'unknown'] as const;
export type CheckStatus = (typeof checkStatuses)[number];
export const monitorStates = ['pending', ...checkStatuses] as const;
export type MonitorState = (typeof monitorStates)[number];

const status = z.enum(checkStatuses).describe('`unknown`: not evaluated; see `reason`.');
const windowNumber = z.int().describe('Number of the window, from 1.');
const checkName = z.string().describe('Name of the check.');
const columnFamilies = ['number', 'boolean', 'text', 'time', 'other'] as const;

export const monitorResultSchema = z.strictObject({
  check: checkName,
  type: z.string().describe('Type.'),
  metric: z.string().describe('Metric: `psi`, `null_share`, `mae`, `burn_rate`, …'),
  column: z.string().optional().describe('Column.'),
  segment: z.string().optional().describe('Segment: `carrier = AA`.'),
  value: z.number().optional().describe('Value; absent if it could not be computed.'),
  threshold: z.number().optional().describe('Threshold.'),
  pValue: z.number().optional().describe('p-value, corrected if several columns were tested.'),
  low: z.number().optional().describe('Lower bound of the 95 % confidence interval.'),
  high: z.number().optional().describe('Upper bound.'),
  rows: z.int().optional().describe('Number of rows.'),
  status,
  reason: z.string().optional().describe('Reason, if not `passing`.'),
});
export type MonitorResult = z.output<typeof monitorResultSchema>;

const servedVersion = z.strictObject({
  model: z.string().describe('Name of the model.'),
  version: z.string().describe('Version number.'),
  rows: z.int().describe('Number of predicted rows.'),
  node: z.string().optional().describe('Lineage node.'),
  trainedOn: z.string().optional().describe('Dataset version: `flights@3`.'),
});
export type ServedVersion = z.output<typeof servedVersion>;

const baselineSchema = z.strictObject({
  type: z.string().describe('`dataset`, `window`, `rolling`, `first`.'),
  name: z.string().describe('Name: `flights@3`, `window 1`.'),
  rows: z.int().optional().describe('Number of rows.'),
  node: z.string().optional().describe('Lineage node.'),
  reason: z.string().optional().describe('Reason for using another baseline than configured.'),
});
export type MonitorBaselineUsed = z.output<typeof baselineSchema>;

/** The fields of a report in lists. */
export const monitorReportHeadSchema = z.strictObject({
  id: z.uuid().describe('Id of the report.'),
  monitor: z.string().describe('Name of the monitor.'),
  number: windowNumber,
  from: milliseconds.describe('Start of the window.'),
  until: milliseconds.describe('End of the window, exclusive.'),
  rows: z.int().describe('Number of evaluated rows.'),
  requests: z.int().describe('Number of requests, including failed ones; 0 for datasets.'),
  status,
  reason: z.string().optional().describe('Reason, if not `passing`.'),
  failing: z.int().describe('Number of failing results.'),
  unknown: z.int().describe('Number of unknown results.'),
  versions: z.array(servedVersion).describe('Model versions that served the window, most rows first.'),
  datasetVersion: z.string().optional().describe('For datasets: the version that is the window.'),
  baseline: baselineSchema.optional().describe('Baseline.'),
  labeled: z.int().describe('Number of rows with ground truth.'),
  evaluatedAt: milliseconds.describe('Time of the evaluation.'),
  labelsAt: milliseconds.optional().describe('Time when performance was last computed from ground truth.'),
});
export type MonitorReportHead = z.output<typeof monitorReportHeadSchema>;

export const columnComparisonSchema = z.strictObject({
  column: z.string().describe('Name of the column.'),
  family: z.enum(columnFamilies).describe('Type class of the column.'),
  masked: z.boolean().optional().describe('Whether values are hidden.'),
  current: z.strictObject({
    rows: z.int(),
    nulls: z.int(),
    mean: z.number().optional(),
    stddev: z.number().optional(),
    min: z.number().optional(),
    max: z.number().optional(),
  }),
  baseline: z
    .strictObject({
      rows: z.int(),
      nulls: z.int(),
      mean: z.number().optional(),
      stddev: z.number().optional(),
      min: z.number().optional(),
      max: z.number().optional(),
    })
    .optional(),
  histogram: z
    .strictObject({
      edges: z.array(z.number()).describe('Inner bin edges, ascending; the outermost bins are open.'),
      current: z.array(z.number()).describe('Rows per bin; one more than edges. Large windows are sampled.'),
      baseline: z.array(z.number()).describe('Same format as `current`.'),
    })
    .optional()
    .describe('For numbers and times (milliseconds since 1970).'),
  categories: z
    .array(z.strictObject({ value: z.string(), current: z.int(), baseline: z.int() }))
    .optional()
    .describe('For other types: the most frequent values of both.'),
  others: z
    .strictObject({ current: z.int(), baseline: z.int() })
    .optional()
    .describe('Number of rows with values that are not in `categories`.'),
});
export type ColumnComparison = z.output<typeof columnComparisonSchema>;

const metricValue = z.strictObject({
  metric: z.string(),
  value: z.number().optional().describe('Value; absent if it cannot be computed from these rows.'),
  low: z.number().optional().describe('Lower bound of the 95 % interval.'),
  high: z.number().optional().describe('Upper bound.'),
});

export const monitorPerformanceSchema = z.strictObject({
  task: z.enum(['classification', 'regression']),
  prediction: z.string().optional().describe('Output column with the prediction.'),
  rows: z.int().describe('Predictions.'),
  labeled: z.int().describe('Number of rows with ground truth.'),
  unmatched: z.int().describe('Number of ground truth labels in the time range that match no prediction.'),
  mature: z.boolean().describe('Whether the label delay is over.'),
  delayP50Ms: z.number().optional().describe('Median label delay.'),
  delayP95Ms: z.number().optional().describe('95th percentile of label delay.'),
  metrics: z.array(metricValue),
  segments: z.array(
    z.strictObject({ column: z.string(), value: z.string(), labeled: z.int(), metrics: z.array(metricValue) }),
  ),
  confusion: z
    .array(z.strictObject({ predicted: z.string(), actual: z.string(), rows: z.int() }))
    .optional()
    .describe('Classes, most frequent first.'),
  score: z.string().optional().describe('Output column with the probability of the positive class.'),
  scoreProblem: z.string().optional().describe('Reason why score metrics are missing.'),
  calibration: z
    .array(
      z.strictObject({
        score: z.number().describe('Mean score.'),
        share: z.number().describe('Observed share of positives.'),
        rows: z.int(),
      }),
    )
    .optional()
    .describe('Calibration by score decile. Both values are equal if scores are calibrated.'),
});
export type MonitorPerformance = z.output<typeof monitorPerformanceSchema>;

export const monitorEstimateSchema = z.strictObject({
  check: checkName,
  model: z.string().describe('Name of the model.'),
  version: z.string().describe('Version number.'),
  prediction: z.string().describe('Output column with the prediction.'),
  score: z.string().describe('Output column with the probability of the positive class.'),
  rows: z.int().describe('Predictions.'),
  reference: z
    .strictObject({
      from: milliseconds.describe('Start of the predictions, inclusive.'),
      until: milliseconds.describe('End of the predictions, exclusive.'),
      labeled: z.int().describe('Number of rows with ground truth.'),
      calibrated: z.boolean().describe('Whether scores are calibrated. Otherwise they are used as they are.'),
      metrics: z.array(metricValue).describe('Metrics on the reference.'),
    })
    .describe('Labeled predictions for the calibration of scores.'),
  metrics: z.array(metricValue).describe('Estimated metrics, assuming that the calibration still holds.'),
});
export type MonitorEstimate = z.output<typeof monitorEstimateSchema>;

export const monitorFairnessSchema = z.strictObject({
  check: checkName,
  column: z.string().describe('Protected attribute.'),
  positive: z.string().describe('Favorable class.'),
  privileged: z.string().optional().describe('Reference group.'),
  groups: z
    .array(
      z.strictObject({
        group: z.string(),
        rows: z.int(),
        labeled: z.int(),
        metrics: z
          .array(metricValue)
          .describe(
            '`selection_rate`; with labels `true_positive_rate`, `false_positive_rate`, `precision`, `accuracy`.',
          ),
      }),
    )
    .describe('Groups, most rows first.'),
  small: z.array(z.string()).describe('Notes on groups with too few rows. They are not part of any metric.'),
});
export type MonitorFairness = z.output<typeof monitorFairnessSchema>;

export const monitorAttributionsSchema = z.strictObject({
  check: checkName,
  model: z.string().describe('Name of the explained model.'),
  version: z.string().describe('Version number.'),
  method: attributionMethodSchema,
  scale: attributionScaleSchema,
  background: z
    .strictObject({
      of: z
        .enum(['example', 'baseline'])
        .describe('Source of the background: the input example of the model, or the baseline.'),
      rows: z.int(),
    })
    .describe('Background of the attributions.'),
  rows: z.int().describe('Number of explained rows of the window.'),
  baseline: z
    .strictObject({
      name: z.string().describe('Name: `flights@3`, `window 1`.'),
      rows: z.int().describe('Number of explained rows.'),
    })
    .optional()
    .describe('Absent if there is none yet.'),
  columns: z
    .array(
      z.strictObject({
        column: z.string(),
        current: z.number().describe('Mean absolute attribution in the window.'),
        currentShare: z.number().describe('Share of the total over all columns.'),
        currentRank: z.int().describe('Rank among columns, from 1.'),
        baseline: z.number().optional(),
        baselineShare: z.number().optional(),
        baselineRank: z.int().optional(),
      }),
    )
    .describe('Columns, largest change of share first.'),
});
export type MonitorAttributions = z.output<typeof monitorAttributionsSchema>;

const exampleSchema = z.strictObject({
  column: z.string(),
  why: z.string().describe('Reason why the row is an outlier.'),
  rows: z.array(
    z.strictObject({
      prediction: z.string().optional().describe('Id of the prediction.'),
      row: z.int().describe('Row of the prediction, from 0.'),
      value: z.string().describe('Value as text.'),
    }),
  ),
});
export type MonitorExample = z.output<typeof exampleSchema>;

export const monitorReportSchema = z.strictObject({
  ...monitorReportHeadSchema.shape,
  results: z.array(monitorResultSchema).describe('Results: failing first, then unknown.'),
  columns: z
    .array(columnComparisonSchema)
    .describe('Current and baseline distribution per column, largest drift first.'),
  examples: z.array(exampleSchema).describe('Rows that differ most from the baseline.'),
  performance: monitorPerformanceSchema.optional(),
  estimates: z.array(monitorEstimateSchema).optional().describe('Performance estimated without ground truth.'),
  fairness: z.array(monitorFairnessSchema).optional().describe('Fairness per protected attribute.'),
  attributions: z.array(monitorAttributionsSchema).optional().describe('Attributions per column.'),
  notes: z.array(z.string()).describe('Notes on the report.'),
});
export type MonitorReport = z.output<typeof monitorReportSchema>;

const seriesSchema = z.strictObject({
  check: checkName,
  type: z.string(),
  metric: z.string(),
  column: z.string().optional(),
  segment: z.string().optional(),
  values: z.array(z.number().nullable()).describe('One per entry of `windows`.'),
  thresholds: z.array(z.number().nullable()).describe('Threshold; for statistical tests the significance level.'),
  pValues: z.array(z.number().nullable()).describe('p-values, for statistical tests.'),
  low: z.array(z.number().nullable()),
  high: z.array(z.number().nullable()),
  statuses: z.array(z.enum(checkStatuses).nullable()),
});
export type MonitorSeries = z.output<typeof seriesSchema>;

export const monitorHistorySchema = z.strictObject({
  monitor: z.string(),
  windows: z
    .array(
      z.strictObject({
        number: windowNumber,
        from: milliseconds,
        until: milliseconds,
        rows: z.int(),
        labeled: z.int(),
        status,
      }),
    )
    .describe('Oldest first.'),
  series: z.array(seriesSchema).describe('Series by check, column and metric; most failures first.'),
  more: z.int().describe('Number of omitted series.'),
});
export type MonitorHistory = z.output<typeof monitorHistorySchema>;

export const monitorAlertSchema = z.strictObject({
  id: z.uuid().describe('Id of the alert.'),
  monitor: z.string().describe('Name of the monitor.'),
  check: checkName,
  severity: z.enum(severities),
  state: z.enum(['open', 'resolved']),
  title: z.string().describe('Summary.'),
  reason: z.string().describe('Details.'),
  columns: z.array(z.string()).describe('Failing columns, worst first.'),
  firstWindow: windowNumber.describe('Number of the window that raised the alert.'),
  lastWindow: windowNumber.describe('Newest failing window.'),
  windows: z.int().describe('Number of failing windows since the alert was raised.'),
  raisedAt: milliseconds,
  resolvedAt: milliseconds.optional(),
  silenced: z.boolean().describe('Whether notifications are silenced by `spec.silence`.'),
  acknowledgedBy: z.string().optional().describe('User who acknowledged the alert.'),
  acknowledgedAt: milliseconds.optional(),
  note: z.string().optional().describe('Note of the acknowledgment.'),
  model: z.string().optional().describe('Name of the serving model.'),
  version: z.string().optional().describe('Version number.'),
  trainedOn: z.string().optional().describe('Training dataset: `flights@3`.'),
  nodes: z.array(z.string()).describe('Related lineage nodes.'),
  deliveries: z.array(z.strictObject({ channel: z.string(), id: z.string() })).describe('Where it was sent.'),
});
export type MonitorAlert = z.output<typeof monitorAlertSchema>;

export const monitorDecisionSchema = z.strictObject({
  id: z.uuid().describe('Id of the decision.'),
  monitor: z.string().describe('Name of the monitor.'),
  alert: z.uuid().describe('Id of the alert that triggered it.'),
  check: checkName,
  at: milliseconds,
  pipeline: z.string().describe('Name of the Pipeline.'),
  outcome: z.enum(['started', 'declined', 'failed']),
  reason: z.string().describe('Reason.'),
  run: z.string().optional().describe('Id of the started run.'),
  model: z.string().optional().describe('Name of the serving model.'),
  version: z.string().optional().describe('Version number.'),
});
export type MonitorDecision = z.output<typeof monitorDecisionSchema>;

export const monitorSummarySchema = z.strictObject({
  monitor: z.string().describe('Name of the monitor.'),
  endpoint: z.string().optional(),
  dataset: z.string().optional(),
  suspended: z.boolean(),
  state: z.enum(monitorStates),
  reason: z.string().optional(),
  baseline: z.string().optional().describe('Current baseline and the reason for it.'),
  windows: z.int().describe('Number of evaluated windows.'),
  openAlerts: z.int(),
  acknowledged: z.int().describe('Number of acknowledged open alerts.'),
  checks: z
    .array(z.strictObject({ check: checkName, type: z.string(), status, reason: z.string().optional() }))
    .describe('Result per check in the newest window.'),
  recent: z
    .array(z.strictObject({ number: windowNumber, until: milliseconds, rows: z.int(), status }))
    .describe('Newest windows, oldest first; at most 30.'),
});
export type MonitorSummary = z.output<typeof monitorSummarySchema>;
