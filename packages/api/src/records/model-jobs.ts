import { z } from 'zod';
import { actorSchema } from '#manifest.ts';

/** Jobs on a version of a model: they run shard by shard in the background, and end once. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const modelJobKinds = ['batch-prediction', 'importance', 'conversion'] as const;
export type ModelJobKind = (typeof modelJobKinds)[number];

export const modelJobStates = ['pending', 'running', 'succeeded', 'failed', 'canceled'] as const;
export type ModelJobState = (typeof modelJobStates)[number];

export const modelJobProblemSchema = z.strictObject({
  row: z.int().describe('Row of the version, from 1.'),
  column: z.string().optional().describe('Column with the invalid value.'),
  message: z.string().describe('Problem.'),
});
export type ModelJobProblem = z.output<typeof modelJobProblemSchema>;

export const onErrorSchema = z
  .enum(['fail', 'reject'])
  .describe('Handling of an invalid row: it fails the job, or it is skipped and kept as a reject.');

export const modelJobSchema = z.strictObject({
  id: z.uuid().describe('Id.'),
  kind: z.enum(modelJobKinds).describe('Type of the job.'),
  state: z.enum(modelJobStates).describe('Progress.'),
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Version number, resolved at submission.'),
  phase: z
    .string()
    .describe('Current stage: `model`, `plan`, `predict`, `explain`, `convert`, `store`; empty after the end.'),
  shards: z
    .strictObject({ done: z.int(), total: z.int() })
    .describe('Number of parts. Completed parts are not repeated.'),
  rows: z
    .strictObject({ done: z.int(), total: z.int(), rejected: z.int() })
    .describe('Number of rows; `rejected`: rows that the model did not accept.'),
  problems: z
    .array(modelJobProblemSchema)
    .describe('The first rejected rows. Empty in lists, and for callers without permission to unmask.'),
  data: z.string().optional().describe('Input dataset version: `flights@3`.'),
  onError: onErrorSchema.optional(),
  output: z
    .strictObject({
      dataset: z.string().describe('Name of the output Dataset.'),
      columns: z.array(z.string()).describe('Input columns copied to the output.'),
      version: z.int().optional().describe('Version number; absent until it exists.'),
      versionId: z.uuid().optional().describe('Id of the version.'),
    })
    .optional()
    .describe('Present in batch predictions.'),
  result: z.record(z.string(), z.unknown()).optional().describe('Result of other types of jobs.'),
  error: z.string().optional().describe('Error message.'),
  attempts: z.int().describe('Number of attempts.'),
  createdBy: actorSchema.describe('User who requested it.'),
  createdAt: milliseconds,
  startedAt: milliseconds.optional(),
  endedAt: milliseconds.optional(),
});

/** The output of scikit-learn's predict functions: labels or values, or the probability of each class. */
export const predictFunctions = ['predict', 'predict_proba'] as const;
export type PredictFunction = (typeof predictFunctions)[number];

/** `result` of a conversion. */
export const modelConversionSchema = z.strictObject({
  model: z.string().describe('Name of the model with the new version.'),
  version: z.int().describe('Version number.'),
  opset: z.int().describe('ONNX opset of the result; at most the requested one.'),
  predictFn: z.enum(predictFunctions).describe('Outputs.'),
  estimators: z.array(z.string()).describe('Source model version.'),
  computesIn: z
    .enum(['float64', 'float32', 'both'])
    .describe('Numeric precision; `both`: trees in float32, preprocessing in float64.'),
  rows: z.int().describe('Number of rows with equal outputs.'),
  examples: z.int().describe('Number of rows from the input example; the others are generated.'),
  tolerance: z.number().describe('Tolerance for numbers, relative and absolute; labels must be equal.'),
  largestDifference: z.number().describe('Maximum difference.'),
});
export type ModelConversion = z.output<typeof modelConversionSchema>;
export type ModelJob = z.output<typeof modelJobSchema>;
