import { z } from 'zod';
import { actorSchema } from '#manifest.ts';
import { attributionMethodSchema, attributionScaleSchema } from '#records/attribution-method.ts';
import { predictionIdSchema } from '#records/predictions.ts';

/** Explanations of a prediction, and feature importance of a model: Shapley values. */

const contributionSchema = z.strictObject({
  feature: z.string().describe('Name of the column, or of the input and which number of it.'),
  value: z.unknown().describe('What went into the model.'),
  contribution: z.number().describe('Contribution to the difference from the base value.'),
});

export const predictionExplanationSchema = z.strictObject({
  prediction: predictionIdSchema,
  endpoint: z.string().describe('Name of the endpoint.'),
  model: z.string().describe('Name of the serving model.'),
  version: z.string().describe('Version number.'),
  method: attributionMethodSchema,
  scale: attributionScaleSchema,
  background: z.int().describe('Rows that it was compared with: the stored input example of the model.'),
  seed: z.int().optional().describe('Of sampled orders.'),
  by: z.enum(['gateway', 'job']).describe('Where the model ran: in the gateway, or loaded for this request.'),
  rows: z
    .array(
      z.strictObject({
        row: z.int().describe('Row of the prediction, from 0.'),
        output: z.int().describe('Index of the explained output.'),
        base: z.number().describe('Base value: mean output over the background rows.'),
        answer: z.number().describe('Output for this row.'),
        error: z
          .number()
          .nullable()
          .describe('Relative standard error of the contributions; 0: exact; null: not known.'),
        gap: z.number().describe('Output minus base minus the sum of all contributions; close to 0.'),
        contributions: z.array(contributionSchema).describe('Contribution of each feature, largest first.'),
      }),
    )
    .describe('Rows in the order of the prediction.'),
});
export type PredictionExplanation = z.output<typeof predictionExplanationSchema>;

export const modelImportanceSchema = z.strictObject({
  id: z.uuid().describe('Id, equal to the id of the job that computed it.'),
  model: z.string().describe('Name of the model.'),
  version: z.int().describe('Version number.'),
  data: z.string().describe('Dataset version of the rows: `flights@3`.'),
  method: attributionMethodSchema,
  scale: attributionScaleSchema,
  sample: z.int().describe('Number of explained rows.'),
  background: z.int().describe('Number of background rows.'),
  seed: z.int().describe('Seed of both samples.'),
  features: z
    .array(
      z.strictObject({
        feature: z.string().describe('Name of the column.'),
        importance: z.number().describe('Mean absolute contribution.'),
        mean: z.number().describe('Mean signed contribution.'),
      }),
    )
    .describe('Features, largest first.'),
  createdBy: actorSchema.describe('User who requested it.'),
  createdAt: z.int().describe('Milliseconds since 1970-01-01 UTC.'),
});
export type ModelImportance = z.output<typeof modelImportanceSchema>;
