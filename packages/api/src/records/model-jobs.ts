import { z } from 'zod';
import { actorSchema } from '#manifest.ts';

/** Long work on a version of a model: it goes on by itself, shard by shard, and ends once. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const modelJobKinds = ['batch-prediction', 'importance', 'conversion'] as const;
export type ModelJobKind = (typeof modelJobKinds)[number];

export const modelJobStates = ['queued', 'running', 'succeeded', 'failed', 'canceled'] as const;
export type ModelJobState = (typeof modelJobStates)[number];

export const modelJobFaultSchema = z.strictObject({
  row: z.int().describe('Which row of the version, from 1.'),
  column: z.string().optional().describe('The column that is not what the model takes.'),
  message: z.string().describe('Problem.'),
});
export type ModelJobFault = z.output<typeof modelJobFaultSchema>;

export const onErrorSchema = z
  .enum(['fail', 'reject'])
  .describe(
    'What becomes of a row that the model does not take: it ends the job, or is left out and kept as a reject.',
  );

export const modelJobSchema = z.strictObject({
  id: z.uuid().describe('Id.'),
  kind: z.enum(modelJobKinds).describe('What it does.'),
  state: z.enum(modelJobStates).describe('How far it is.'),
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Version number, resolved at submission.'),
  phase: z
    .string()
    .describe('What it does now: `model`, `plan`, `predict`, `explain`, `convert`, `store`; empty when it has ended.'),
  shards: z
    .strictObject({ done: z.int(), total: z.int() })
    .describe('Parts of the work; a part that is done stays done.'),
  rows: z
    .strictObject({ done: z.int(), total: z.int(), rejected: z.int() })
    .describe('Rows of the data; `rejected` are those that the model did not take.'),
  faults: z
    .array(modelJobFaultSchema)
    .describe('The first rejected rows. Empty in lists, and for callers without permission to unmask.'),
  data: z.string().optional().describe('The version that is read: `flights@3`.'),
  onError: onErrorSchema.optional(),
  output: z
    .strictObject({
      dataset: z.string().describe('Name of the Dataset that it makes a version of.'),
      columns: z.array(z.string()).describe('Input columns copied to the output.'),
      version: z.int().optional().describe('Number of the version; absent until it is there.'),
      versionId: z.uuid().optional().describe('Id of the version.'),
    })
    .optional()
    .describe('Of batch predictions.'),
  result: z.record(z.string(), z.unknown()).optional().describe('What other kinds of jobs found out.'),
  error: z.string().optional().describe('Error message.'),
  attempts: z.int().describe('Number of attempts.'),
  createdBy: actorSchema.describe('User who requested it.'),
  createdAt: milliseconds,
  startedAt: milliseconds.optional(),
  endedAt: milliseconds.optional(),
});

/** What a predict function of scikit-learn answers with: labels or values, or the probability of each class. */
export const predictFunctions = ['predict', 'predict_proba'] as const;
export type PredictFunction = (typeof predictFunctions)[number];

/** `result` of a conversion. */
export const modelConversionSchema = z.strictObject({
  model: z.string().describe('Name of the model that has the new version.'),
  version: z.int().describe('Its number.'),
  opset: z.int().describe('ONNX opset of the result; at most the requested one.'),
  predictFn: z.enum(predictFunctions).describe('What it answers with.'),
  estimators: z.array(z.string()).describe('What was converted.'),
  computesIn: z
    .enum(['float64', 'float32', 'both'])
    .describe('Numeric precision; `both`: trees in float32, preprocessing in float64.'),
  rows: z.int().describe('Rows on which it answers as the original does.'),
  examples: z.int().describe('How many of them are of the input example; the others were drawn.'),
  tolerance: z.number().describe('How far numbers may be apart, relative and absolute; labels are equal.'),
  largestDifference: z.number().describe('How far they were at most.'),
});
export type ModelConversion = z.output<typeof modelConversionSchema>;
export type ModelJob = z.output<typeof modelJobSchema>;
