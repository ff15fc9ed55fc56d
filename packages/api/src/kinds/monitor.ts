import { z } from 'zod';
import { baseStatus, labelNameSchema, reference, type KindSpec } from '#manifest.ts';
import { executionParameterSchema } from '#records/execution.ts';
import {
  corrections,
  driftMethods,
  estimatedMetrics,
  monitorStates,
  performanceMetrics,
  severities,
} from '#records/monitoring.ts';

/** An input or output of the model, or a column of a dataset; `scores[1]` is an element of a list, from 0. */
const columnText = z.string().min(1).max(256);
const columns = z.array(columnText).min(1).max(1000);
const share = z.number().min(0).max(1);

/** Fields of every check. */
const common = {
  name: labelNameSchema.optional().describe('Unique in the monitor; names the alert. Default: the type.'),
  severity: z.enum(severities).optional().describe('Severity of its alert. Default: severity of the monitor.'),
};
const ofDistance = {
  method: z.enum(driftMethods).default('auto').describe('Drift metric. `auto`: by column type and number of rows.'),
  threshold: z
    .number()
    .gt(0)
    .optional()
    .describe(
      'Threshold of the drift metric; for `ks` and `chi_square`, threshold of the p-value. Default: by method.',
    ),
};
const ofColumns = {
  columns: columns.optional().describe('Input columns. Default: all columns of the baseline.'),
  exclude: columns.optional().describe('Excluded input columns.'),
};

const drift = z.strictObject({
  type: z.literal('drift').describe('Input drift compared with the baseline.'),
  ...common,
  ...ofDistance,
  ...ofColumns,
  share: share.default(0).describe('Fails if more than this share of columns drifts. 0: any column.'),
});
const predictionDrift = z.strictObject({
  type: z.literal('predictionDrift').describe('Prediction drift compared with the baseline.'),
  ...common,
  ...ofDistance,
});
const skew = z.strictObject({
  type: z
    .literal('skew')
    .describe('Training-serving skew: inputs compared with the training data of the serving version.'),
  ...common,
  ...ofDistance,
  ...ofColumns,
});
const quality = z.strictObject({
  type: z
    .literal('quality')
    .describe('Data quality: missing, new and out-of-range values. A missing column or a changed type always fails.'),
  ...common,
  ...ofColumns,
  nulls: share.default(0.05).describe('Maximum increase of the share of missing values.'),
  newCategories: share.default(0.01).describe('Maximum share of rows with a value that is not in the baseline.'),
  outOfRange: share.default(0.01).describe('Maximum share of rows outside of the range of the baseline.'),
});
const performance = z.strictObject({
  type: z.literal('performance').describe('Model performance on predictions with ground truth.'),
  ...common,
  metrics: z
    .array(
      z.strictObject({
        metric: z.enum(performanceMetrics).describe('Metric.'),
        min: z.number().optional().describe('Lower threshold.'),
        max: z.number().optional().describe('Upper threshold.'),
        change: z
          .number()
          .gt(0)
          .optional()
          .describe('Maximum relative degradation compared with the first window with enough labels.'),
      }),
    )
    .max(20)
    .default([])
    .describe('Metrics with thresholds. All metrics of the task are computed.'),
  segments: z.array(columnText).max(10).default([]).describe('Segment columns.'),
  minLabeled: z.int().min(1).max(1_000_000_000).default(30).describe('Minimum labels of a window or segment.'),
});
const estimatedPerformance = z.strictObject({
  type: z
    .literal('estimatedPerformance')
    .describe('Estimated performance of binary classifiers without labels (CBPE).'),
  ...common,
  metrics: z
    .array(
      z.strictObject({
        metric: z.enum(estimatedMetrics).describe('Metric.'),
        min: z.number().optional().describe('Lower threshold.'),
        change: z.number().gt(0).optional().describe('Maximum relative degradation compared with the reference.'),
      }),
    )
    .max(20)
    .default([])
    .describe('Metrics with thresholds. All metrics are computed.'),
  reference: z
    .strictObject({
      from: z.iso.datetime({ offset: true }).describe('Start: `2026-11-01T00:00:00Z`.'),
      until: z.iso.datetime({ offset: true }).describe('End, exclusive.'),
    })
    .optional()
    .describe(
      'Labeled predictions of a period for the calibration of scores. Default: the first windows of the serving version that together have enough labels.',
    ),
  minLabeled: z.int().min(30).max(1_000_000_000).default(300).describe('Minimum labels of the reference.'),
});
const fairness = z.strictObject({
  type: z.literal('fairness').describe('Fairness between groups of protected columns.'),
  ...common,
  columns: columns.describe('Protected input columns.'),
  privileged: z
    .record(columnText, z.string().min(1).max(256))
    .default({})
    .describe('Privileged group of each column. Default: the group with the highest selection rate.'),
  demographicParity: share.optional().describe('Maximum demographic parity difference.'),
  equalizedOdds: share.optional().describe('Maximum equalized odds difference. Needs labels.'),
  disparateImpact: share
    .gt(0)
    .default(0.8)
    .describe('Minimum disparate impact ratio; its inverse is the upper threshold.'),
  minRows: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(30)
    .describe('Minimum rows of a group. Smaller groups are skipped and listed.'),
});
const slo = z.strictObject({
  type: z.literal('slo').describe('Service level objective: error budget burn rate of requests.'),
  ...common,
  objective: z.number().min(0.5).max(0.999_999).default(0.99).describe('Objective: share of successful requests.'),
  latencyMs: z.number().gt(0).max(3_600_000).optional().describe('Latency threshold of a successful request.'),
  burn: z
    .array(
      z.strictObject({
        windows: z.int().min(1).max(10_000).describe('Number of latest windows.'),
        factor: z.number().gt(0).max(10_000).describe('Maximum burn rate.'),
      }),
    )
    .min(1)
    .max(5)
    .default([{ windows: 1, factor: 1 }])
    .describe('Burn rate rules. A rule fails if it is exceeded over its windows and in the latest window.'),
});
const attributionDrift = z.strictObject({
  type: z.literal('attributionDrift').describe('Feature attribution drift compared with the baseline.'),
  ...common,
  sample: z.int().min(30).max(5000).default(200).describe('Number of sampled rows to explain.'),
  seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('Time limit for the attributions of one side. At least 30 rows must be explained within it.'),
  ndcg: share
    .gt(0)
    .default(0.9)
    .describe('Minimum NDCG of the column ranking compared with the baseline; 1 is an equal ranking.'),
  change: share
    .gt(0)
    .optional()
    .describe('Maximum change of the share of a column in all attributions. 0.2 allows a change from 10 % to 30 %.'),
});
const resources = z.strictObject({
  type: z.literal('resources').describe('Resource usage of serving: CPU time and memory.'),
  ...common,
  cpuSeconds: z.number().gt(0).optional().describe('Maximum CPU seconds per 1,000 requests.'),
  memoryMb: z.number().gt(0).optional().describe('Maximum memory of the models in MiB.'),
});
export const monitorCheckSchema = z.discriminatedUnion('type', [
  drift,
  predictionDrift,
  quality,
  skew,
  performance,
  slo,
  estimatedPerformance,
  fairness,
  attributionDrift,
  resources,
]);
export type MonitorCheck = z.output<typeof monitorCheckSchema>;

const baseline = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('training').describe('Training data of the serving version, by lineage; if unknown, `first`.'),
  }),
  z.strictObject({
    type: z.literal('dataset').describe('Dataset version.'),
    version: z.string().min(1).max(512).describe('`flights@3`, `flights@latest`, `flights@TAG`.'),
  }),
  z.strictObject({
    type: z.literal('model').describe('Training data of another version, by lineage.'),
    model: z.string().min(1).max(512).describe('`models:/flights/7`.'),
  }),
  z.strictObject({
    type: z.literal('window').describe('Predictions of a fixed period.'),
    from: z.iso.datetime({ offset: true }).describe('Start: `2026-11-01T00:00:00Z`.'),
    until: z.iso.datetime({ offset: true }).describe('End, exclusive.'),
  }),
  z.strictObject({
    type: z.literal('rolling').describe('Windows before the evaluated window.'),
    windows: z.int().min(1).max(100).default(7).describe('Number of windows.'),
  }),
  z.strictObject({ type: z.literal('first').describe('First window with enough rows.') }),
]);
export type MonitorBaseline = z.output<typeof baseline>;

const windows = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('time').describe('Windows of a fixed length, aligned to multiples of the length since 1970, UTC.'),
    minutes: z.number().min(0.05).max(527_040).default(60).describe('Length of each window.'),
  }),
  z.strictObject({
    type: z.literal('count').describe('Windows with a fixed number of predictions.'),
    rows: z.int().min(10).max(100_000_000).describe('Rows per window. A request with several rows is not split.'),
  }),
]);

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'a time of day as 22:30' });
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const silence = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('once').describe('From one moment to another.'),
    from: z.iso.datetime({ offset: true }).describe('From then on.'),
    until: z.iso.datetime({ offset: true }).describe('End.'),
  }),
  z.strictObject({
    type: z.literal('weekly').describe('Weekly.'),
    days: z.array(z.enum(weekdays)).min(1).max(7).describe('Days of the week.'),
    from: clock.describe('From this time of the day on.'),
    until: clock.describe('End time; on the next day if it is not after `from`.'),
    zone: z.string().min(1).max(64).default('UTC').describe('Time zone: `Europe/Berlin`.'),
  }),
]);

const startPipeline = z.strictObject({
  pipeline: reference('Pipeline').describe('Name of the Pipeline to start.'),
  parameters: z.record(z.string().min(1).max(256), executionParameterSchema).default({}).describe('Parameter values.'),
  checks: z.array(labelNameSchema).min(1).max(50).optional().describe('Checks whose alerts start it. Default: all.'),
  cooldownMinutes: z.number().min(0).max(527_040).default(60).describe('Cooldown between starts.'),
  maxPerDay: z.int().min(1).max(1000).default(1).describe('Maximum starts within 24 hours.'),
});

export const monitorSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description.'),
  endpoint: reference('Endpoint').optional().describe('Monitored endpoint. Set either this or `dataset`.'),
  dataset: reference('Dataset')
    .optional()
    .describe('Monitored dataset; each version is a window. Set either this or `endpoint`.'),
  baseline: baseline
    .optional()
    .describe('Baseline. Default: `training` for an endpoint, `rolling` over one version for a dataset.'),
  windows: windows.prefault({ type: 'time' }).describe('Windows of an endpoint.'),
  since: z.iso.datetime({ offset: true }).optional().describe('Start of monitoring. Default: creation of the monitor.'),
  graceSeconds: z.number().min(0).max(86_400).default(5).describe('Delay of the evaluation after the end of a window.'),
  prediction: z
    .strictObject({
      task: z
        .enum(['classification', 'regression'])
        .optional()
        .describe('Type of the model. Default: by the type of the column.'),
      column: columnText.optional().describe('Output column with the prediction. Default: by name.'),
      positive: z
        .string()
        .min(1)
        .max(256)
        .optional()
        .describe('Positive class for precision and recall. Default: `1`.'),
      score: columnText
        .optional()
        .describe('Output column with the probability of the positive class. Default: by name.'),
      threshold: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Where no output is a class: positive from this score on. Default: 0.5.'),
    })
    .prefault({})
    .describe('Interpretation of the outputs.'),
  checks: z
    .array(monitorCheckSchema)
    .min(1)
    .max(50)
    .prefault([{ type: 'drift' }, { type: 'predictionDrift' }, { type: 'quality' }])
    .describe('Checks of the monitor.'),
  minSamples: z
    .int()
    .min(1)
    .max(1_000_000_000)
    .default(100)
    .describe('Minimum rows of a window. Smaller windows are `unknown`.'),
  correction: z
    .enum(corrections)
    .default('benjamini-hochberg')
    .describe('Correction of p-values for multiple testing.'),
  raiseAfter: z.int().min(1).max(100).default(1).describe('Failing windows in a row that raise an alert.'),
  resolveAfter: z.int().min(1).max(100).default(1).describe('Passing windows in a row that resolve an alert.'),
  labelHours: z
    .number()
    .gt(0)
    .max(8784)
    .default(168)
    .describe('Waiting time for labels. Later labels do not change a report.'),
  silence: z.array(silence).max(50).default([]).describe('Silences. Alerts that stay open are sent afterwards.'),
  severity: z.enum(severities).default('warning').describe('Severity of the alerts.'),
  alerts: z.array(reference('AlertChannel')).max(10).default([]).describe('AlertChannels of the alerts.'),
  runbook: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional()
    .describe('Instructions that are part of each alert.'),
  onAlert: z
    .strictObject({ startPipeline: startPipeline.optional().describe('Starts a pipeline run, once per alert.') })
    .optional()
    .describe('Automatic actions of an alert.'),
  keepWindows: z.int().min(10).max(100_000).default(2000).describe('Number of reports to keep.'),
  suspended: z.boolean().default(false).describe('Suspends the monitor. It resumes later from where it stopped.'),
});
export type MonitorSpec = z.output<typeof monitorSpec>;

export const monitorKind = {
  kind: 'Monitor',
  plural: 'monitors',
  shortNames: ['mon'],
  scope: 'project',
  description:
    'Monitors an endpoint or a dataset: drift, data quality, performance, fairness, latency. Evaluates windows, raises alerts and can start a pipeline.',
  name: labelNameSchema,
  spec: monitorSpec,
  status: z.strictObject({
    ...baseStatus,
    state: z.enum(monitorStates).optional().describe('Status of the latest window; `pending`: no window yet.'),
    reason: z.string().optional().describe('Reason.'),
    baseline: z.string().optional().describe('Baseline in use, with the reason.'),
    windows: z.int().optional().describe('Number of evaluated windows.'),
    openAlerts: z.int().optional().describe('Number of open alerts.'),
    lastWindow: z.string().optional().describe('End of the latest window; RFC 3339, UTC.'),
  }),
  actions: [
    {
      verb: 'run',
      description: 'Evaluates all completed windows now.',
      mode: 'write',
      input: z.strictObject({}),
      output: z.strictObject({ job: z.uuid().describe('ID of the evaluation job.') }),
    },
  ],
  columns: [
    { title: 'State', path: 'status.state' },
    { title: 'Endpoint', path: 'spec.endpoint' },
    { title: 'Dataset', path: 'spec.dataset' },
    { title: 'Alerts', path: 'status.openAlerts' },
    { title: 'Reason', path: 'status.reason', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Monitor
metadata:
  name: delays
spec:
  description: Detects drift of the delay model
  endpoint: delays
  windows:
    type: time
    minutes: 1440
  checks:
    - type: drift
    - type: predictionDrift
    - type: quality
    - type: performance
      metrics:
        - { metric: mae, max: 12 }
      segments: [carrier]
    - type: slo
      objective: 0.999
      latencyMs: 100
  raiseAfter: 2
  severity: critical
  alerts: [operations-desk]
  runbook: https://wiki.example.com/delays
  onAlert:
    startPipeline:
      pipeline: flight-delay
      checks: [drift, performance]
      cooldownMinutes: 1440
`,
} as const satisfies KindSpec;
