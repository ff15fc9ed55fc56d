import { z } from 'zod';

/**
 * What training leaves behind: experiments hold runs, runs hold parameters, tags, metrics, the datasets they read and the
 * models they made.
 */

/** JSON has no word for these: they stand as text. */
// Literals: declarations of an enum would name a key `-Infinity`, which is no valid name of a key.
export const metricValueSchema = z
  .union([z.number(), z.literal(['NaN', 'Infinity', '-Infinity'])])
  .describe('A number, or `NaN`, `Infinity`, `-Infinity` as text.');

export const runStatuses = ['RUNNING', 'SCHEDULED', 'FINISHED', 'FAILED', 'KILLED'] as const;
export type RunStatus = (typeof runStatuses)[number];

export const lifecycles = ['active', 'deleted'] as const;

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const tagsSchema = z.record(z.string(), z.string());

export const experimentSchema = z.strictObject({
  id: z.string().describe('Its number, unique in this install; `0` is the default experiment of each project.'),
  name: z.string().describe('Unique in its project, deleted experiments included.'),
  artifactUri: z.string().describe('Artifact location of its runs.'),
  lifecycle: z.enum(lifecycles).describe('Deleted ones can be restored until garbage collection takes them.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  tags: tagsSchema.describe('Tags.'),
});
export type Experiment = z.infer<typeof experimentSchema>;

export const metricPointSchema = z.strictObject({
  value: metricValueSchema,
  timestamp: milliseconds,
  step: z.int().describe('Step of training; may be negative.'),
});
export type MetricPoint = z.infer<typeof metricPointSchema>;

export const latestMetricSchema = metricPointSchema.extend({
  key: z.string().describe('Name of the metric.'),
  datasetName: z.string().optional().describe('Name of the dataset it was computed on.'),
  datasetDigest: z.string().optional().describe('Digest of that dataset.'),
  modelId: z.string().optional().describe('The logged model that it is of.'),
});
export type LatestMetric = z.infer<typeof latestMetricSchema>;

export const runDatasetSchema = z.strictObject({
  name: z.string().min(1).max(500).describe('Name of the dataset.'),
  digest: z.string().min(1).max(36).describe('Digest of its content, as the client computed it.'),
  sourceType: z.string().describe('Where it came from: `local`, `delta_table`, `http`, …'),
  source: z.string().max(65_535).describe('The place, in the words of the source type.'),
  schema: z.string().max(1_048_575).optional().describe('Its columns, as JSON text.'),
  profile: z.string().max(16_777_215).optional().describe('Its size and statistics, as JSON text.'),
});
export type RunDataset = z.infer<typeof runDatasetSchema>;

export const datasetInputSchema = z.strictObject({
  dataset: runDatasetSchema,
  tags: tagsSchema.describe('How it was used: the context `training`, `validation`, …'),
});
export type DatasetInput = z.infer<typeof datasetInputSchema>;

export const modelOutputSchema = z.strictObject({
  modelId: z.string().describe('The logged model.'),
  step: z.int().describe('The step of training that it is of.'),
});

export const runInfoSchema = z.strictObject({
  id: z.string().describe('32 hexadecimal digits, unless a client brought its own.'),
  name: z.string().describe('Given or made up.'),
  experimentId: z.string().describe('Id of the experiment.'),
  user: z.string().describe('Who started it, in the words of the client.'),
  status: z.enum(runStatuses).describe('As the client says.'),
  startedAt: milliseconds,
  endedAt: milliseconds.optional(),
  artifactUri: z.string().describe('Artifact location.'),
  lifecycle: z.enum(lifecycles).describe('Deleted ones can be restored until garbage collection takes them.'),
});
export type RunInfo = z.infer<typeof runInfoSchema>;

export const runSchema = runInfoSchema.extend({
  metrics: z.array(latestMetricSchema).describe('The latest point of each metric: of the highest step, then time.'),
  params: z.record(z.string(), z.string()).describe('Parameters.'),
  tags: tagsSchema.describe('Tags.'),
  datasets: z.array(datasetInputSchema).describe('The datasets that it read.'),
  modelInputs: z.array(z.string()).describe('Ids of the logged models that it read.'),
  modelOutputs: z.array(modelOutputSchema).describe('The logged models that it made.'),
  children: z
    .int()
    .optional()
    .describe(
      'How many runs of the searched experiments are part of it, as far as 1,000; where `countChildren` asked.',
    ),
});
export type Run = z.infer<typeof runSchema>;
