import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import {
  datasetInputSchema,
  experimentSchema,
  metricPointSchema,
  metricValueSchema,
  modelOutputSchema,
  runInfoSchema,
  runSchema,
  runStatuses,
} from '#records/tracking.ts';

const experiments = '/api/v1/tracking/experiments' as const;
const runs = '/api/v1/tracking/runs' as const;

const text = (longest: number) => z.string().max(longest);
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment.');
const runId = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,255}$/)
  .describe('Id of the run.');
const experimentTags = z.record(z.string().min(1).max(250), text(20_000));
/** Longer values are truncated: a long note must not stop a training. */
const RUN_TAG = 8000;
const PARAM = 6000;
/** Limit of `run.count`. */
export const RUNS_COUNTED = 10_000;
const key = z.string().min(1).max(250);
const runsOf = z.array(experimentId).max(1000).describe('Ids of the experiments. An empty list returns no runs.');
const runTags = z.record(key, z.string()).describe(`Values beyond ${RUN_TAG} characters are cut off.`);
const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const view = z.enum(['active', 'deleted', 'all']).default('active').describe('Datasets.');
const filter = text(65_536).optional().describe("`metrics.accuracy > 0.9 and params.depth = '3'`.");
const searchInput = (most: number, usual: number) => ({
  filter,
  orderBy: z.array(text(1024)).max(20).optional().describe('Sort order: `metrics.accuracy desc`.'),
  view,
  limit: z.int().min(1).max(most).default(usual).describe('Maximum items per page.'),
  // The position in an order of 20 texts.
  cursor: text(131_072).optional().describe('`nextCursor` of the previous page.'),
});
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });

/** Trainings create experiments and runs, and log; only editors change and delete them. */
const TRAINERS = ['operator', 'editor'] as const;
const EDITORS = ['editor'] as const;

const ofExperiment = () => ({ kind: 'Experiment' });
const ofRun = () => ({ kind: 'Run' });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({
  method,
  path,
  status: 200,
  ...more,
});
const nothing = z.strictObject({});

export const createExperimentOperation = defineOperation({
  name: 'experiment.create',
  action: 'experiment:create',
  mode: 'write',
  scope: 'project',
  summary: 'Creates an experiment.',
  input: z.strictObject({
    name: z.string().min(1).max(500).describe('Name, unique in the project, deleted experiments included.'),
    artifactLocation: text(2048).optional().describe('Artifact location. Default: in Dais.'),
    tags: experimentTags.optional(),
  }),
  output: experimentSchema,
  target: ofExperiment,
  roles: TRAINERS,
  http: http('POST', experiments, { status: 201 }),
});

export const readExperimentOperation = defineOperation({
  name: 'experiment.get',
  action: 'experiment:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns an experiment, including deleted ones.',
  input: z.strictObject({ id: experimentId }),
  output: experimentSchema,
  target: ofExperiment,
  http: http('GET', `${experiments}/:id`),
});

export const findExperimentOperation = defineOperation({
  name: 'experiment.find',
  action: 'experiment:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the experiment of a name, including deleted ones.',
  input: z.strictObject({ name: z.string().min(1).max(500) }),
  output: experimentSchema,
  target: ofExperiment,
  http: http('GET', '/api/v1/tracking/experiment-names/:name'),
});

export const searchExperimentsOperation = defineOperation({
  name: 'experiment.search',
  action: 'experiment:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches experiments.',
  input: z.strictObject(searchInput(50_000, 1000)),
  output: page(experimentSchema),
  target: ofExperiment,
  http: http('POST', '/api/v1/tracking/search/experiments'),
});

/** Activity of the results of `experiment.search`: a separate operation, because it reads every run of them. */
export const experimentActivityOperation = defineOperation({
  name: 'experiment.activity',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns run counts and the latest start of experiments, without deleted runs.',
  input: z.strictObject({ ids: z.array(experimentId).max(1000).describe('Experiments.') }),
  output: z.strictObject({
    items: z
      .array(
        z.strictObject({
          id: z.string(),
          runs: z.int().describe('Number of runs, without deleted ones.'),
          running: z.int().describe('Number of these runs that are in progress.'),
          lastStartedAt: milliseconds.optional(),
        }),
      )
      .describe('Counts of experiments with such runs.'),
  }),
  target: ofRun,
  http: http('POST', '/api/v1/tracking/experiment-activity'),
});

export const updateExperimentOperation = defineOperation({
  name: 'experiment.update',
  action: 'experiment:update',
  mode: 'write',
  scope: 'project',
  summary: 'Updates the name and tags of an experiment.',
  input: z.strictObject({
    id: experimentId,
    name: z.string().min(1).max(500).optional(),
    tags: experimentTags.optional().describe('Set or replaced.'),
    removeTags: z.array(key).max(100).optional().describe('Keys of tags to remove. A missing key is an error.'),
  }),
  output: experimentSchema,
  target: ofExperiment,
  roles: EDITORS,
  http: http('POST', `${experiments}/:id`),
});

export const deleteExperimentOperation = defineOperation({
  name: 'experiment.delete',
  action: 'experiment:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes an experiment with its runs; both can be restored until garbage collection.',
  input: z.strictObject({ id: experimentId }),
  output: nothing,
  target: ofExperiment,
  roles: EDITORS,
  http: http('DELETE', `${experiments}/:id`),
});

export const restoreExperimentOperation = defineOperation({
  name: 'experiment.restore',
  action: 'experiment:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Restores an experiment with its runs.',
  input: z.strictObject({ id: experimentId }),
  output: nothing,
  target: ofExperiment,
  roles: EDITORS,
  http: http('POST', `${experiments}/:id/restore`),
});

export const createRunOperation = defineOperation({
  name: 'run.create',
  action: 'run:create',
  mode: 'write',
  scope: 'project',
  summary: 'Starts a run.',
  input: z.strictObject({
    experimentId,
    id: runId.optional().describe('Default: generated: 32 hexadecimal digits.'),
    name: text(250).min(1).optional().describe('Default: generated.'),
    user: text(256).optional(),
    startedAt: milliseconds.optional().describe('Start time. Default: 0, as in MLflow.'),
    tags: runTags.optional(),
  }),
  output: runSchema,
  target: ofRun,
  roles: TRAINERS,
  http: http('POST', runs, { status: 201 }),
});

export const readRunOperation = defineOperation({
  name: 'run.get',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a run, including deleted ones.',
  input: z.strictObject({ id: runId }),
  output: runSchema,
  target: ofRun,
  http: http('GET', `${runs}/:id`),
});

export const updateRunOperation = defineOperation({
  name: 'run.update',
  action: 'run:update',
  mode: 'write',
  scope: 'project',
  summary: 'Updates the status, end time or name of a run.',
  input: z.strictObject({
    id: runId,
    status: z.enum(runStatuses).optional(),
    endedAt: milliseconds.optional(),
    name: text(250).min(1).optional(),
  }),
  output: runInfoSchema,
  target: ofRun,
  roles: TRAINERS,
  http: http('POST', `${runs}/:id`),
});

export const deleteRunOperation = defineOperation({
  name: 'run.delete',
  action: 'run:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a run. It can be restored until garbage collection. Idempotent.',
  input: z.strictObject({ id: runId }),
  output: nothing,
  target: ofRun,
  roles: EDITORS,
  http: http('DELETE', `${runs}/:id`),
});

export const restoreRunOperation = defineOperation({
  name: 'run.restore',
  action: 'run:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Restores a run.',
  input: z.strictObject({ id: runId }),
  output: nothing,
  target: ofRun,
  roles: EDITORS,
  http: http('POST', `${runs}/:id/restore`),
});

const loggedMetric = metricPointSchema.extend({
  key,
  value: metricValueSchema,
  datasetName: text(500).optional(),
  datasetDigest: text(36).optional(),
  modelId: text(34).optional(),
});

export const logRunOperation = defineOperation({
  name: 'run.log',
  action: 'run:log',
  mode: 'write',
  scope: 'project',
  summary: 'Adds metrics, parameters and tags to a run, atomically.',
  input: z.strictObject({
    id: runId,
    metrics: z.array(loggedMetric).max(1000).optional().describe('Metric points. Duplicates are ignored.'),
    params: z
      .array(z.strictObject({ key, value: z.string() }))
      .max(100)
      .optional()
      .describe(`A parameter never changes its value. Values beyond ${PARAM} characters are cut off.`),
    tags: z
      .array(z.strictObject({ key, value: z.string() }))
      .max(100)
      .optional()
      .describe(`Set or replaced. Values beyond ${RUN_TAG} characters are cut off.`),
  }),
  output: nothing,
  target: ofRun,
  roles: TRAINERS,
  http: http('POST', `${runs}/:id/log`),
});

export const removeRunTagOperation = defineOperation({
  name: 'run.removeTag',
  action: 'run:log',
  mode: 'write',
  scope: 'project',
  summary: 'Removes a tag of a run.',
  input: z.strictObject({ id: runId, key }),
  output: nothing,
  target: ofRun,
  roles: TRAINERS,
  http: http('POST', `${runs}/:id/remove-tag`),
});

export const logRunInputsOperation = defineOperation({
  name: 'run.logInputs',
  action: 'run:log',
  mode: 'write',
  scope: 'project',
  summary: 'Logs the input datasets and models of a run. Idempotent.',
  input: z.strictObject({
    id: runId,
    datasets: z.array(datasetInputSchema).max(1000).optional(),
    models: z.array(text(34)).max(1000).optional().describe('Ids of logged models.'),
  }),
  output: nothing,
  target: ofRun,
  roles: TRAINERS,
  http: http('POST', `${runs}/:id/inputs`),
});

export const logRunOutputsOperation = defineOperation({
  name: 'run.logOutputs',
  action: 'run:log',
  mode: 'write',
  scope: 'project',
  summary: 'Logs the output models of a run.',
  input: z.strictObject({ id: runId, models: z.array(modelOutputSchema).max(1000) }),
  output: nothing,
  target: ofRun,
  roles: TRAINERS,
  http: http('POST', `${runs}/:id/outputs`),
});

export const searchRunsOperation = defineOperation({
  name: 'run.search',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches runs.',
  input: z.strictObject({
    experimentIds: runsOf,
    ...searchInput(50_000, 1000),
    countChildren: z.boolean().optional().describe('Whether to count nested runs.'),
  }),
  output: page(runSchema),
  target: ofRun,
  http: http('POST', '/api/v1/tracking/search/runs'),
});

/** Separate from `run.search`, whose cost depends on its page: this reads every matching run. */
export const countRunsOperation = defineOperation({
  name: 'run.count',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: `Counts the runs that fit a filter, as far as ${RUNS_COUNTED.toLocaleString('en')}.`,
  input: z.strictObject({ experimentIds: runsOf, filter, view }),
  output: z.strictObject({
    runs: z.int().describe('Number of runs, up to the limit.'),
    more: z.boolean().describe('Whether there are more runs than the limit.'),
  }),
  target: ofRun,
  http: http('POST', '/api/v1/tracking/count/runs'),
});

export const readMetricOperation = defineOperation({
  name: 'metric.history',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns all points of a metric of a run, by time, step and value.',
  input: z.strictObject({
    id: runId,
    key,
    limit: z.int().min(1).max(100_000).default(25_000).describe('Maximum points per page.'),
    cursor: text(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: page(metricPointSchema),
  target: ofRun,
  http: http('GET', `${runs}/:id/metrics/:key`, { query: ['limit', 'cursor'] }),
});

export const sampleMetricOperation = defineOperation({
  name: 'metric.sample',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns evenly sampled points of a metric of several runs, including the first and last of each.',
  input: z.strictObject({
    ids: z.array(runId).min(1).max(100).describe('Runs.'),
    key,
    fromStep: z.int().optional(),
    toStep: z.int().optional(),
    limit: z.int().min(1).max(2500).default(320).describe('Maximum points per run.'),
  }),
  output: z.strictObject({
    series: z.array(z.strictObject({ id: z.string(), points: z.array(metricPointSchema) })).describe('Points by run.'),
  }),
  target: ofRun,
  http: http('POST', '/api/v1/tracking/metrics/sample'),
});

export const chartMetricOperation = defineOperation({
  name: 'metric.chart',
  action: 'run:read',
  mode: 'read',
  scope: 'project',
  summary:
    'Returns a metric of several runs for charts: at most the given number of buckets, each with its minimum and maximum.',
  input: z.strictObject({
    ids: z.array(runId).min(1).max(100).describe('Runs.'),
    key,
    axis: z.enum(['step', 'time']).default('step'),
    from: z.int().optional().describe('First step, or start time in milliseconds.'),
    to: z.int().optional().describe('Last step, or end time in milliseconds.'),
    buckets: z.int().min(1).max(4000).default(1000),
  }),
  output: z.strictObject({
    series: z.array(
      z.strictObject({
        id: z.string(),
        points: z.int().describe('Number of points of the run in the range.'),
        buckets: z.array(
          z.strictObject({
            x: z.number().describe('Step or time of the last point.'),
            n: z.int().describe('Number of numeric points in the bucket.'),
            min: z.number().optional(),
            max: z.number().optional(),
            mean: z.number().optional(),
            last: metricValueSchema.optional(),
          }),
        ),
      }),
    ),
  }),
  target: ofRun,
  http: http('POST', '/api/v1/tracking/metrics/chart'),
});

export const trackingOperations: readonly Operation[] = [
  createExperimentOperation,
  readExperimentOperation,
  findExperimentOperation,
  searchExperimentsOperation,
  experimentActivityOperation,
  updateExperimentOperation,
  deleteExperimentOperation,
  restoreExperimentOperation,
  createRunOperation,
  readRunOperation,
  updateRunOperation,
  deleteRunOperation,
  restoreRunOperation,
  logRunOperation,
  removeRunTagOperation,
  logRunInputsOperation,
  logRunOutputsOperation,
  searchRunsOperation,
  countRunsOperation,
  readMetricOperation,
  sampleMetricOperation,
  chartMetricOperation,
];
