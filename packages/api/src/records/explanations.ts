import { z } from 'zod';
import { actorSchema } from '#manifest.ts';
import { attributionMethodSchema, attributionScaleSchema } from '#records/attribution-method.ts';
import { predictionIdSchema } from '#records/predictions.ts';

/** Why a model said what it said, and what it goes by on the whole: Shapley values. */

const contributionSchema = z.strictObject({
  feature: z.string().describe('Name of the column, or of the input and which number of it.'),
  value: z.unknown().describe('What went into the model.'),
  contribution: z.number().describe('By how much it moved the answer away from the base value.'),
});

export const predictionExplanationSchema = z.strictObject({
  prediction: predictionIdSchema,
  endpoint: z.string().describe('Name of the endpoint.'),
  model: z.string().describe('Name of the model that answered.'),
  version: z.string().describe('Its version.'),
  method: attributionMethodSchema,
  scale: attributionScaleSchema,
  background: z.int().describe('Rows that it was compared with: the stored input example of the model.'),
  seed: z.int().optional().describe('Of sampled orders.'),
  by: z.enum(['gateway', 'job']).describe('Where the model ran: in the gateway, or loaded for this request.'),
  rows: z
    .array(
      z.strictObject({
        row: z.int().describe('Which row of the prediction, from 0.'),
        output: z.int().describe('Which number of the answer is explained.'),
        base: z.number().describe('Mean of what the model says of the background.'),
        answer: z.number().describe('What it says of this row.'),
        error: z
          .number()
          .nullable()
          .describe('Relative standard error of the contributions; 0: exact; null: not known.'),
        gap: z.number().describe('Answer less base less the sum of all contributions: as good as 0.'),
        contributions: z.array(contributionSchema).describe('Of every feature, the greatest first.'),
      }),
    )
    .describe('In the order of the prediction.'),
});
export type PredictionExplanation = z.output<typeof predictionExplanationSchema>;

export const modelImportanceSchema = z.strictObject({
  id: z.uuid().describe('Id, and that of the job that found it out.'),
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Number of its version.'),
  data: z.string().describe('The version of a dataset that the rows are of: `flights@3`.'),
  method: attributionMethodSchema,
  scale: attributionScaleSchema,
  sample: z.int().describe('How many rows were explained.'),
  background: z.int().describe('How many rows they were compared with.'),
  seed: z.int().describe('By which both were drawn: the same gives the same.'),
  features: z
    .array(
      z.strictObject({
        feature: z.string().describe('Name of the column.'),
        importance: z.number().describe('Mean of the size of its contributions.'),
        mean: z.number().describe('Mean of its contributions, with their sign.'),
      }),
    )
    .describe('The greatest first.'),
  createdBy: actorSchema.describe('User who requested it.'),
  createdAt: z.int().describe('Milliseconds since 1970-01-01 UTC.'),
});
export type ModelImportance = z.output<typeof modelImportanceSchema>;
