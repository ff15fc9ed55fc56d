import { z } from 'zod';

/**
 * Tracking data: experiments contain runs; runs contain parameters, tags, metrics, input datasets and logged models.
 */

/** JSON has no such numbers: they are text. */
// Literals: declarations of an enum would name a key `-Infinity`, which is no valid name of a key.
export const metricValueSchema = z
  .union([z.number(), z.literal(['NaN', 'Infinity', '-Infinity'])])
  .describe('Number, or `NaN`, `Infinity`, `-Infinity` as a string.');

export const runStatuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof runStatuses)[number];

export const lifecycles = ['active', 'deleted'] as const;

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const tagsSchema = z.record(z.string(), z.string());

export const experimentSchema = z.strictObject({
  id: z.string().describe('Id, unique in the installation; `0` is the default experiment of each project.'),
  name: z.string().describe('Name, unique in the project, deleted experiments included.'),
  artifactUri: z.string().describe('Artifact location of its runs.'),
  lifecycle: z.enum(lifecycles).describe('`deleted` experiments can be restored until garbage collection.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  tags: tagsSchema.describe('Tags.'),
});
export type Experiment = z.infer<typeof experimentSchema>;

export const metricPointSchema = z.strictObject({
  value: metricValueSchema,
  timestamp: milliseconds,
  step: z.int().describe('Training step; can be negative.'),
});
export type MetricPoint = z.infer<typeof metricPointSchema>;

export const latestMetricSchema = metricPointSchema.extend({
  key: z.string().describe('Name of the metric.'),
  datasetName: z.string().optional().describe('Name of the evaluated dataset.'),
  datasetDigest: z.string().optional().describe('Digest of the evaluated dataset.'),
  modelId: z.string().optional().describe('Id of the logged model.'),
});
export type LatestMetric = z.infer<typeof latestMetricSchema>;

export const runDatasetSchema = z.strictObject({
  name: z.string().min(1).max(500).describe('Name of the dataset.'),
  digest: z.string().min(1).max(36).describe('Digest of the content, computed by the client.'),
  sourceType: z.string().describe('Where it came from: `local`, `delta_table`, `http`, …'),
  source: z.string().max(65_535).describe('Source, in the format of the source type.'),
  schema: z.string().max(1_048_575).optional().describe('Schema as a JSON string.'),
  profile: z.string().max(16_777_215).optional().describe('Profile as a JSON string.'),
});
export type RunDataset = z.infer<typeof runDatasetSchema>;

export const datasetInputSchema = z.strictObject({
  dataset: runDatasetSchema,
  tags: tagsSchema.describe('Tags of the input, such as the context `training`, `validation`, …'),
});
export type DatasetInput = z.infer<typeof datasetInputSchema>;

export const modelOutputSchema = z.strictObject({
  modelId: z.string().describe('Id of the logged model.'),
  step: z.int().describe('Training step.'),
});

export const runInfoSchema = z.strictObject({
  id: z.string().describe('32 hexadecimal digits, unless the client chose the id.'),
  name: z.string().describe('Name, given or generated.'),
  experimentId: z.string().describe('Id of the experiment.'),
  user: z.string().describe('User who started it, as the client sent it.'),
  status: z.enum(runStatuses).describe('Source type, as the client sent it.'),
  startedAt: milliseconds,
  endedAt: milliseconds.optional(),
  artifactUri: z.string().describe('Artifact location.'),
  lifecycle: z.enum(lifecycles).describe('`deleted` experiments can be restored until garbage collection.'),
});
export type RunInfo = z.infer<typeof runInfoSchema>;

export const runSchema = runInfoSchema.extend({
  metrics: z.array(latestMetricSchema).describe('Latest point of each metric: highest step, then latest time.'),
  params: z.record(z.string(), z.string()).describe('Parameters.'),
  tags: tagsSchema.describe('Tags.'),
  datasets: z.array(datasetInputSchema).describe('Input datasets.'),
  modelInputs: z.array(z.string()).describe('Ids of the input models.'),
  modelOutputs: z.array(modelOutputSchema).describe('Output models.'),
  children: z
    .int()
    .optional()
    .describe('Number of nested runs in the searched experiments, at most 1,000; only with `countChildren`.'),
});
export type Run = z.infer<typeof runSchema>;
