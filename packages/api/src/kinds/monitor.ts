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

/** Of every check. */
const common = {
  name: labelNameSchema.optional().describe('Unique in the monitor; names its alert. Default: the type.'),
  severity: z.enum(severities).optional().describe('Of its alert. Default: that of the monitor.'),
};
const ofDistance = {
  method: z
    .enum(driftMethods)
    .default('auto')
    .describe('How far two distributions are apart. `auto`: by the type of the column and the number of rows.'),
  threshold: z
    .number()
    .gt(0)
    .optional()
    .describe('Bad above it; of `ks` and `chi_square` bad below this p-value. Default: by the method.'),
};
const ofColumns = {
  columns: columns.optional().describe('Which inputs. Default: all that the baseline has too.'),
  exclude: columns.optional().describe('Inputs that are left out.'),
};

const drift = z.strictObject({
  type: z.literal('drift').describe('Whether inputs are distributed as in the baseline.'),
  ...common,
  ...ofDistance,
  ...ofColumns,
  share: share.default(0).describe('Bad when more than this share of the columns drifts. 0: any.'),
});
const predictionDrift = z.strictObject({
  type: z.literal('predictionDrift').describe('Whether predictions are distributed as in the baseline.'),
  ...common,
  ...ofDistance,
});
const skew = z.strictObject({
  type: z
    .literal('skew')
    .describe('Whether inputs are distributed as in what the version that answers was trained on.'),
  ...common,
  ...ofDistance,
  ...ofColumns,
});
const quality = z.strictObject({
  type: z
    .literal('quality')
    .describe(
      'Whether values are there, known and in range; a column that vanished or changed its type is always bad.',
    ),
  ...common,
  ...ofColumns,
  nulls: share.default(0.05).describe('By how much the share of missing values may be above that of the baseline.'),
  newCategories: share.default(0.01).describe('Share of rows whose value the baseline does not have.'),
  outOfRange: share.default(0.01).describe('Share of rows beyond the least and greatest value of the baseline.'),
});
const performance = z.strictObject({
  type: z.literal('performance').describe('How good predictions were, once it is known what was true.'),
  ...common,
  metrics: z
    .array(
      z.strictObject({
        metric: z.enum(performanceMetrics).describe('Which figure.'),
        min: z.number().optional().describe('Bad below it.'),
        max: z.number().optional().describe('Bad above it.'),
        change: z
          .number()
          .gt(0)
          .optional()
          .describe('Bad when it is worse by this share than in the first window that has enough labels.'),
      }),
    )
    .max(20)
    .default([])
    .describe('What has a bound. All figures of the task are worked out anyway.'),
  segments: z.array(columnText).max(10).default([]).describe('Columns by whose values it is told apart.'),
  minLabelled: z.int().min(1).max(1_000_000_000).default(30).describe('Labels that a window or segment needs.'),
});
const estimatedPerformance = z.strictObject({
  type: z
    .literal('estimatedPerformance')
    .describe('How good predictions of two classes are before labels come, from their own scores (CBPE).'),
  ...common,
  metrics: z
    .array(
      z.strictObject({
        metric: z.enum(estimatedMetrics).describe('Which figure.'),
        min: z.number().optional().describe('Bad below it.'),
        change: z
          .number()
          .gt(0)
          .optional()
          .describe('Bad when it is worse by this share than what was measured on the reference.'),
      }),
    )
    .max(20)
    .default([])
    .describe('What has a bound. All figures are worked out anyway.'),
  reference: z
    .strictObject({
      from: z.iso.datetime({ offset: true }).describe('From then on: `2026-11-01T00:00:00Z`.'),
      until: z.iso.datetime({ offset: true }).describe('Before then.'),
    })
    .optional()
    .describe(
      'Labelled predictions of a time, on which scores are calibrated. Default: of the windows of the version that answers the first ones that together have enough labels.',
    ),
  minLabelled: z.int().min(30).max(1_000_000_000).default(300).describe('Labels that the reference needs.'),
});
const fairness = z.strictObject({
  type: z.literal('fairness').describe('Whether groups are treated alike, by the values of protected columns.'),
  ...common,
  columns: columns.describe('Protected columns: inputs whose values are the groups.'),
  privileged: z
    .record(columnText, z.string().min(1).max(256))
    .default({})
    .describe('Of a column the group that others are compared with. Default: the one that is selected most often.'),
  demographicParity: share
    .optional()
    .describe('Bad when the shares of two groups that are predicted positive are farther apart.'),
  equalizedOdds: share
    .optional()
    .describe('Bad when true or false positive rates of two groups are farther apart. Needs labels.'),
  disparateImpact: share
    .gt(0)
    .default(0.8)
    .describe(
      'Bad when the share of a group that is predicted positive, over that of the privileged one, is below it or above its inverse.',
    ),
  minRows: z.int().min(1).max(1_000_000_000).default(30).describe('A group of fewer rows is left out, and named.'),
});
const slo = z.strictObject({
  type: z.literal('slo').describe('Whether requests are answered, and in time: how fast the error budget burns.'),
  ...common,
  objective: z.number().min(0.5).max(0.999_999).default(0.99).describe('Share of requests that have to be good.'),
  latencyMs: z.number().gt(0).max(3_600_000).optional().describe('An answer that takes longer is not good.'),
  burn: z
    .array(
      z.strictObject({
        windows: z.int().min(1).max(10_000).describe('So many windows together, the newest among them.'),
        factor: z.number().gt(0).max(10_000).describe('Bad when the budget burns faster than this many times.'),
      }),
    )
    .min(1)
    .max(5)
    .default([{ windows: 1, factor: 1 }])
    .describe('Bad when one is exceeded over its windows, and in the newest window too.'),
});
const attributionDrift = z.strictObject({
  type: z
    .literal('attributionDrift')
    .describe('Whether the version that answers goes by the same columns as of the rows of the baseline.'),
  ...common,
  sample: z
    .int()
    .min(30)
    .max(5000)
    .default(200)
    .describe('Rows of the baseline and of each window that are explained, drawn by chance.'),
  seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('How long rows of one side may be explained; then those that are must do, if they are 30.'),
  ndcg: share
    .gt(0)
    .default(0.9)
    .describe('Bad below it: how far columns have the order of the baseline, where 1 is the same.'),
  change: share
    .gt(0)
    .optional()
    .describe('Bad when the share of a column in all attributions moves by more than this: 0.2 is from 10 % to 30 %.'),
});
const resources = z.strictObject({
  type: z.literal('resources').describe('What answering takes: CPU time and memory of the models and of the gateway.'),
  ...common,
  cpuSeconds: z.number().gt(0).optional().describe('Bad above it: CPU seconds for each 1,000 requests.'),
  memoryMb: z.number().gt(0).optional().describe('Bad above it: MiB that the models of the endpoint had at once.'),
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
    type: z
      .literal('training')
      .describe('What the version that answers was trained on, by the lineage; where that is not known, `first`.'),
  }),
  z.strictObject({
    type: z.literal('dataset').describe('A version of a dataset.'),
    version: z.string().min(1).max(512).describe('`flights@3`, `flights@latest`, `flights@TAG`.'),
  }),
  z.strictObject({
    type: z.literal('model').describe('What another version was trained on, by the lineage.'),
    model: z.string().min(1).max(512).describe('`models:/flights/7`.'),
  }),
  z.strictObject({
    type: z.literal('window').describe('Predictions of a time.'),
    from: z.iso.datetime({ offset: true }).describe('From then on: `2026-11-01T00:00:00Z`.'),
    until: z.iso.datetime({ offset: true }).describe('Before then.'),
  }),
  z.strictObject({
    type: z.literal('rolling').describe('The windows before the one that is judged.'),
    windows: z.int().min(1).max(100).default(7).describe('How many.'),
  }),
  z.strictObject({ type: z.literal('first').describe('The first window that has enough rows.') }),
]);
export type MonitorBaseline = z.output<typeof baseline>;

const windows = z.discriminatedUnion('type', [
  z.strictObject({
    type: z
      .literal('time')
      .describe('Predictions of an hour, a day, …; they begin at whole multiples since 1970, UTC.'),
    minutes: z.number().min(0.05).max(527_040).default(60).describe('How long each is.'),
  }),
  z.strictObject({
    type: z.literal('count').describe('So many predictions each.'),
    rows: z.int().min(10).max(100_000_000).describe('Rows of each; a request of several rows is not split.'),
  }),
]);

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, { message: 'a time of day as 22:30' });
export const weekdays = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;

const silence = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('once').describe('From one moment to another.'),
    from: z.iso.datetime({ offset: true }).describe('From then on.'),
    until: z.iso.datetime({ offset: true }).describe('Until then.'),
  }),
  z.strictObject({
    type: z.literal('weekly').describe('Each week at the same times.'),
    days: z.array(z.enum(weekdays)).min(1).max(7).describe('On these days.'),
    from: clock.describe('From this time of the day on.'),
    until: clock.describe('Until this one; of the next day where it is not after `from`.'),
    zone: z.string().min(1).max(64).default('UTC').describe('Whose clock counts: `Europe/Berlin`.'),
  }),
]);

const startPipeline = z.strictObject({
  pipeline: reference('Pipeline').describe('Name of the Pipeline that is started.'),
  parameters: z
    .record(z.string().min(1).max(256), executionParameterSchema)
    .default({})
    .describe('Values of its parameters.'),
  checks: z
    .array(labelNameSchema)
    .min(1)
    .max(50)
    .optional()
    .describe('Names of the checks whose alerts start it. Default: every one.'),
  cooldownMinutes: z.number().min(0).max(527_040).default(60).describe('From one start to the next at least.'),
  maxPerDay: z.int().min(1).max(1000).default(1).describe('Starts within 24 hours at most.'),
});

export const monitorSpec = z.strictObject({
  description: z.string().max(5000).optional().describe('What it is for, in a sentence or two.'),
  endpoint: reference('Endpoint').optional().describe('Whose predictions are looked at. Either this or `dataset`.'),
  dataset: reference('Dataset')
    .optional()
    .describe(
      'Whose versions are looked at, each a window; also for what a pipeline makes. Either this or `endpoint`.',
    ),
  baseline: baseline
    .optional()
    .describe('What is compared with. Default: of an endpoint `training`, of a dataset `rolling` over one version.'),
  windows: windows.prefault({ type: 'time' }).describe('What is judged together; of an endpoint.'),
  since: z.iso
    .datetime({ offset: true })
    .optional()
    .describe('Predictions or versions from then on are judged. Default: from when the monitor was made.'),
  graceSeconds: z.number().min(0).max(86_400).default(5).describe('A window is judged so long after it has ended.'),
  prediction: z
    .strictObject({
      task: z.enum(['classification', 'regression']).optional().describe('Default: by the type of the column.'),
      column: columnText.optional().describe('The output that is the prediction. Default: found by its name.'),
      positive: z
        .string()
        .min(1)
        .max(256)
        .optional()
        .describe('The class that precision and recall are of. Default: `1`.'),
      score: columnText
        .optional()
        .describe('The output that is the probability of the positive class. Default: found by its name.'),
      threshold: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Where no output is a class: positive from this score on. Default: 0.5.'),
    })
    .prefault({})
    .describe('What of the outputs is the prediction.'),
  checks: z
    .array(monitorCheckSchema)
    .min(1)
    .max(50)
    .prefault([{ type: 'drift' }, { type: 'predictionDrift' }, { type: 'quality' }])
    .describe('What is looked at.'),
  minSamples: z.int().min(1).max(1_000_000_000).default(100).describe('A window of fewer rows is not judged: unknown.'),
  correction: z
    .enum(corrections)
    .default('benjamini-hochberg')
    .describe('Of p-values, where many columns are tested at once.'),
  raiseAfter: z.int().min(1).max(100).default(1).describe('Bad windows in a row before there is an alert.'),
  resolveAfter: z.int().min(1).max(100).default(1).describe('Good windows in a row before it is resolved.'),
  labelHours: z
    .number()
    .gt(0)
    .max(8784)
    .default(168)
    .describe('Labels are waited for that long; later ones do not change a report.'),
  silence: z.array(silence).max(50).default([]).describe('When nobody is told; alerts that stay are told afterwards.'),
  severity: z.enum(severities).default('warning').describe('Of its alerts.'),
  alerts: z.array(reference('AlertChannel')).max(10).default([]).describe('AlertChannels that alerts are sent to.'),
  runbook: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional()
    .describe('What to do about an alert; stands in each.'),
  onAlert: z
    .strictObject({ startPipeline: startPipeline.optional().describe('Starts a run of a Pipeline, once an alert.') })
    .optional()
    .describe('What an alert does beside being told.'),
  keepWindows: z.int().min(10).max(100_000).default(2000).describe('Reports that are kept.'),
  suspended: z.boolean().default(false).describe('Nothing is looked at; it goes on later from where it was.'),
});
export type MonitorSpec = z.output<typeof monitorSpec>;

export const monitorKind = {
  kind: 'Monitor',
  plural: 'monitors',
  shortNames: ['mon'],
  scope: 'project',
  description:
    'Watches what an endpoint answers, or versions of a dataset: drift, data quality, performance, latency. It reports window by window, alerts, and may start a pipeline.',
  name: labelNameSchema,
  spec: monitorSpec,
  status: z.strictObject({
    ...baseStatus,
    state: z.enum(monitorStates).optional().describe('What the newest window says; `waiting`: there is none yet.'),
    reason: z.string().optional().describe('Why, in a sentence.'),
    baseline: z.string().optional().describe('What is compared with, and why that.'),
    windows: z.int().optional().describe('How many windows were judged.'),
    openAlerts: z.int().optional().describe('Alerts that are not resolved.'),
    lastWindow: z.string().optional().describe('End of the newest window; RFC 3339, UTC.'),
  }),
  actions: [
    {
      verb: 'run',
      description: 'Judges every window that has ended now, instead of at the next turn.',
      mode: 'write',
      input: z.strictObject({}),
      output: z.strictObject({ job: z.uuid().describe('Id of the job that does it.') }),
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
  description: Whether the world is still the one that the model learned
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
