import { z } from 'zod';
import { attributionMethodSchema, attributionScaleSchema } from '#records/attribution-method.ts';

/**
 * What monitors found: a report for each window, the figures behind it, alerts, and what was decided because of them. A
 * status is `unknown` with a reason where something could not be told: never `passing`.
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

/** What can be told of predictions before it is known what was true. */
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
  type: z.string().describe('Its type.'),
  metric: z.string().describe('What was measured: `psi`, `null_share`, `mae`, `burn_rate`, …'),
  column: z.string().optional().describe('Of which column.'),
  segment: z.string().optional().describe('Of which rows alone: `carrier = AA`.'),
  value: z.number().optional().describe('What was measured; absent: it could not be.'),
  bound: z.number().optional().describe('Threshold.'),
  pValue: z.number().optional().describe('Corrected where several columns were tested.'),
  low: z.number().optional().describe('Lower bound of the 95 % confidence interval.'),
  high: z.number().optional().describe('Upper end.'),
  rows: z.int().optional().describe('Rows that it is of.'),
  status,
  reason: z.string().optional().describe('In a sentence, where it is not `passing`.'),
});
export type MonitorResult = z.output<typeof monitorResultSchema>;

const servedVersion = z.strictObject({
  model: z.string().describe('Name of the model.'),
  version: z.string().describe('Its version.'),
  rows: z.int().describe('Rows that it answered.'),
  node: z.string().optional().describe('What the lineage calls it.'),
  trainedOn: z.string().optional().describe('Version of a dataset: `flights@3`.'),
});
export type ServedVersion = z.output<typeof servedVersion>;

const baselineSchema = z.strictObject({
  type: z.string().describe('`dataset`, `window`, `rolling`, `first`.'),
  name: z.string().describe('What it is: `flights@3`, `window 1`.'),
  rows: z.int().optional().describe('Rows of it.'),
  node: z.string().optional().describe('What the lineage calls it.'),
  reason: z.string().optional().describe('Reason for using another baseline than configured.'),
});
export type MonitorBaselineUsed = z.output<typeof baselineSchema>;

/** What a list of reports shows. */
export const monitorReportHeadSchema = z.strictObject({
  id: z.uuid().describe('Id of the report.'),
  monitor: z.string().describe('Name of the monitor.'),
  number: windowNumber,
  from: milliseconds.describe('Start of the window.'),
  until: milliseconds.describe('End of the window; not in it.'),
  rows: z.int().describe('Number of evaluated rows.'),
  requests: z.int().describe('Requests, failed ones too; of a dataset 0.'),
  status,
  reason: z.string().optional().describe('In a sentence, where it is not `passing`.'),
  bad: z.int().describe('Results that are bad.'),
  unknown: z.int().describe('Number of unknown results.'),
  versions: z.array(servedVersion).describe('What answered, most rows first.'),
  datasetVersion: z.string().optional().describe('Of a dataset: the version that is the window.'),
  baseline: baselineSchema.optional().describe('What it was compared with.'),
  labeled: z.int().describe('Number of rows with ground truth.'),
  evaluatedAt: milliseconds.describe('Time of the evaluation.'),
  labelsAt: milliseconds.optional().describe('When performance was last worked out from labels.'),
});
export type MonitorReportHead = z.output<typeof monitorReportHeadSchema>;

export const columnComparisonSchema = z.strictObject({
  column: z.string().describe('Name of the column.'),
  family: z.enum(columnFamilies).describe('What can be asked of its values.'),
  masked: z.boolean().optional().describe('Its values are not shown.'),
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
      edges: z.array(z.number()).describe('Inner edges, rising; the outermost bins are open.'),
      current: z
        .array(z.number())
        .describe('Rows in each bin, of large windows those of a sample; one more than edges.'),
      baseline: z.array(z.number()).describe('As `current`.'),
    })
    .optional()
    .describe('Of numbers and times (milliseconds since 1970).'),
  categories: z
    .array(z.strictObject({ value: z.string(), current: z.int(), baseline: z.int() }))
    .optional()
    .describe('Of other values: the most frequent ones of both.'),
  others: z
    .strictObject({ current: z.int(), baseline: z.int() })
    .optional()
    .describe('Rows with values that are not in `categories`.'),
});
export type ColumnComparison = z.output<typeof columnComparisonSchema>;

const metricValue = z.strictObject({
  metric: z.string(),
  value: z.number().optional().describe('Absent: it cannot be worked out from these rows.'),
  low: z.number().optional().describe('Lower end of the 95 % interval.'),
  high: z.number().optional().describe('Upper end.'),
});

export const monitorPerformanceSchema = z.strictObject({
  task: z.enum(['classification', 'regression']),
  prediction: z.string().optional().describe('The output that was taken as the prediction.'),
  rows: z.int().describe('Predictions.'),
  labeled: z.int().describe('Of them with a label.'),
  strangers: z.int().describe('Labels of the time of this window that are of no prediction in it.'),
  mature: z.boolean().describe('Whether the waiting time for labels is over.'),
  delayP50Ms: z.number().optional().describe('Half of the labels came within this time.'),
  delayP95Ms: z.number().optional().describe('95 % of them.'),
  metrics: z.array(metricValue),
  segments: z.array(
    z.strictObject({ column: z.string(), value: z.string(), labeled: z.int(), metrics: z.array(metricValue) }),
  ),
  confusion: z
    .array(z.strictObject({ predicted: z.string(), actual: z.string(), rows: z.int() }))
    .optional()
    .describe('Most frequent first.'),
  score: z.string().optional().describe('The output that was taken as the probability of the positive class.'),
  scoreFault: z.string().optional().describe('Why there are no figures of scores.'),
  calibration: z
    .array(
      z.strictObject({
        score: z.number().describe('Mean score of the rows.'),
        share: z.number().describe('How many of them were positive.'),
        rows: z.int(),
      }),
    )
    .optional()
    .describe('By tenths of the score: both are the same where scores mean what they say.'),
});
export type MonitorPerformance = z.output<typeof monitorPerformanceSchema>;

export const monitorEstimateSchema = z.strictObject({
  check: checkName,
  model: z.string().describe('Name of the model that it is of.'),
  version: z.string().describe('Its version.'),
  prediction: z.string().describe('The output that was taken as the prediction.'),
  score: z.string().describe('The output that was taken as the probability of the positive class.'),
  rows: z.int().describe('Predictions.'),
  reference: z
    .strictObject({
      from: milliseconds.describe('Predictions from then on.'),
      until: milliseconds.describe('Before then.'),
      labeled: z.int().describe('Of them with a label.'),
      calibrated: z.boolean().describe('Scores are corrected; else they are used as they are.'),
      metrics: z.array(metricValue).describe('What was measured there.'),
    })
    .describe('The labeled predictions on which scores were calibrated.'),
  metrics: z.array(metricValue).describe('What labels would show, if scores still meant what they meant there.'),
});
export type MonitorEstimate = z.output<typeof monitorEstimateSchema>;

export const monitorFairnessSchema = z.strictObject({
  check: checkName,
  column: z.string().describe('The protected column.'),
  positive: z.string().describe('The class that is good to get.'),
  privileged: z.string().optional().describe('The group that the others are compared with.'),
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
    .describe('Most rows first.'),
  small: z.array(z.string()).describe('Groups of too few rows, in sentences: they are in no measure.'),
});
export type MonitorFairness = z.output<typeof monitorFairnessSchema>;

export const monitorAttributionsSchema = z.strictObject({
  check: checkName,
  model: z.string().describe('Name of the model that was explained.'),
  version: z.string().describe('Its version.'),
  method: attributionMethodSchema,
  scale: attributionScaleSchema,
  background: z
    .strictObject({
      of: z.enum(['example', 'baseline']).describe('The input example of the model, or rows of the baseline.'),
      rows: z.int(),
    })
    .describe('What every row was compared with.'),
  rows: z.int().describe('Rows of the window that were explained.'),
  baseline: z
    .strictObject({
      name: z.string().describe('What it is: `flights@3`, `window 1`.'),
      rows: z.int().describe('Rows of it that were explained.'),
    })
    .optional()
    .describe('Absent: there is none yet.'),
  columns: z
    .array(
      z.strictObject({
        column: z.string(),
        current: z.number().describe('Mean of the size of its attributions in the window.'),
        currentShare: z.number().describe('Its share of the sum over all columns.'),
        currentRank: z.int().describe('Its place among columns, from 1.'),
        baseline: z.number().optional(),
        baselineShare: z.number().optional(),
        baselineRank: z.int().optional(),
      }),
    )
    .describe('Those whose share moved most first.'),
});
export type MonitorAttributions = z.output<typeof monitorAttributionsSchema>;

const exampleSchema = z.strictObject({
  column: z.string(),
  why: z.string().describe('What is odd about them.'),
  rows: z.array(
    z.strictObject({
      prediction: z.string().optional().describe('Id of the prediction.'),
      row: z.int().describe('Which row of it, from 0.'),
      value: z.string().describe('The value, as text.'),
    }),
  ),
});
export type MonitorExample = z.output<typeof exampleSchema>;

export const monitorReportSchema = z.strictObject({
  ...monitorReportHeadSchema.shape,
  results: z.array(monitorResultSchema).describe('Bad ones first, then unknown ones.'),
  columns: z.array(columnComparisonSchema).describe('Both sides of each column, those that moved most first.'),
  examples: z.array(exampleSchema).describe('Rows that are unlike the baseline.'),
  performance: monitorPerformanceSchema.optional(),
  estimates: z.array(monitorEstimateSchema).optional().describe('Performance as it was estimated without labels.'),
  fairness: z.array(monitorFairnessSchema).optional().describe('By protected column, how groups were treated.'),
  attributions: z.array(monitorAttributionsSchema).optional().describe('By which columns the model went.'),
  notes: z.array(z.string()).describe('What a reader has to know about it, in sentences.'),
});
export type MonitorReport = z.output<typeof monitorReportSchema>;

const seriesSchema = z.strictObject({
  check: checkName,
  type: z.string(),
  metric: z.string(),
  column: z.string().optional(),
  segment: z.string().optional(),
  values: z.array(z.number().nullable()).describe('One for each of `windows`.'),
  bounds: z.array(z.number().nullable()).describe('Threshold; of statistical tests the p-value.'),
  pValues: z.array(z.number().nullable()).describe('Of tests, whose values are how far apart both sides are.'),
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
  series: z.array(seriesSchema).describe('By check, column and metric; those that were bad most often first.'),
  more: z.int().describe('Series that were left out.'),
});
export type MonitorHistory = z.output<typeof monitorHistorySchema>;

export const monitorAlertSchema = z.strictObject({
  id: z.uuid().describe('Id of the alert.'),
  monitor: z.string().describe('Name of the monitor.'),
  check: checkName,
  severity: z.enum(severities),
  state: z.enum(['open', 'resolved']),
  title: z.string().describe('One line.'),
  reason: z.string().describe('What is bad, in sentences.'),
  columns: z.array(z.string()).describe('Columns that are bad, worst first.'),
  firstWindow: windowNumber.describe('The window that raised it.'),
  lastWindow: windowNumber.describe('The newest window in which it was bad.'),
  windows: z.int().describe('Bad windows since it was raised.'),
  raisedAt: milliseconds,
  resolvedAt: milliseconds.optional(),
  silenced: z.boolean().describe('Not sent because of `spec.silence`.'),
  acknowledgedBy: z.string().optional().describe('Who looks after it.'),
  acknowledgedAt: milliseconds.optional(),
  note: z.string().optional().describe('What they said.'),
  model: z.string().optional().describe('Name of the model that answered.'),
  version: z.string().optional().describe('Its version.'),
  trainedOn: z.string().optional().describe('What it was trained on: `flights@3`.'),
  nodes: z.array(z.string()).describe('Nodes of the lineage that it is about.'),
  deliveries: z.array(z.strictObject({ channel: z.string(), id: z.string() })).describe('Where it was sent.'),
});
export type MonitorAlert = z.output<typeof monitorAlertSchema>;

export const monitorDecisionSchema = z.strictObject({
  id: z.uuid().describe('Id of the decision.'),
  monitor: z.string().describe('Name of the monitor.'),
  alert: z.uuid().describe('The alert that triggered it.'),
  check: checkName,
  at: milliseconds,
  pipeline: z.string().describe('Name of the Pipeline.'),
  outcome: z.enum(['started', 'declined', 'failed']),
  reason: z.string().describe('Why, in a sentence.'),
  run: z.string().optional().describe('Id of the run that was started.'),
  model: z.string().optional().describe('Name of the model that answered.'),
  version: z.string().optional().describe('Its version.'),
});
export type MonitorDecision = z.output<typeof monitorDecisionSchema>;

export const monitorSummarySchema = z.strictObject({
  monitor: z.string().describe('Name of the monitor.'),
  endpoint: z.string().optional(),
  dataset: z.string().optional(),
  suspended: z.boolean(),
  state: z.enum(monitorStates),
  reason: z.string().optional(),
  baseline: z.string().optional().describe('What is compared with, and why that.'),
  windows: z.int().describe('Number of evaluated windows.'),
  openAlerts: z.int(),
  acknowledged: z.int().describe('Number of acknowledged open alerts.'),
  checks: z
    .array(z.strictObject({ check: checkName, type: z.string(), status, reason: z.string().optional() }))
    .describe('What the newest window says of each check.'),
  recent: z
    .array(z.strictObject({ number: windowNumber, until: milliseconds, rows: z.int(), status }))
    .describe('The newest windows, oldest first; at most 30.'),
});
export type MonitorSummary = z.output<typeof monitorSummarySchema>;
