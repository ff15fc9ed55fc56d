import { z } from 'zod';

/** Evaluation data for generated answers: questions with expectations, and scorers. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const json = z.record(z.string(), z.unknown());

export const fieldTypes = ['null', 'boolean', 'integer', 'float', 'string', 'array', 'object'] as const;
export type FieldType = (typeof fieldTypes)[number];

const fieldsSchema = z.record(z.string(), z.enum(fieldTypes));

export const evaluationSchemaSchema = z.strictObject({
  inputs: fieldsSchema,
  outputs: z
    .union([fieldsSchema, z.enum(fieldTypes)])
    .describe('Value per field, or of the output itself if it has no fields.'),
  expectations: fieldsSchema,
});
export type EvaluationSchema = z.infer<typeof evaluationSchemaSchema>;

export const evaluationDatasetSchema = z.strictObject({
  id: z.string().describe('`d-` and 32 hexadecimal digits, unless the client chose the id.'),
  name: z.string().describe('Name. It need not be unique.'),
  digest: z.string().describe('Digest of the records. It changes with each change of the records.'),
  records: z.int().describe('Number of records.'),
  schema: evaluationSchemaSchema.optional().describe('Fields of the records with the type of their first value.'),
  experimentIds: z.array(z.string()).describe('Ids of the experiments.'),
  tags: z.record(z.string(), z.string()).describe('Tags.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  createdBy: z.string().optional().describe('Value as the client sent it.'),
  updatedBy: z.string().optional().describe('Value as the client sent it.'),
});
export type EvaluationDataset = z.infer<typeof evaluationDatasetSchema>;

export const recordSources = ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE'] as const;

export const recordSourceSchema = z.strictObject({
  type: z.enum(recordSources).describe('Source type.'),
  data: json.describe('Source: `{"trace_id": "tr-…"}`.'),
});

export const evaluationRecordSchema = z.strictObject({
  id: z.string().describe('`dr-` and 32 hexadecimal digits.'),
  inputs: json.describe('Inputs, unique in the dataset.'),
  outputs: z.unknown().describe('Outputs; null if there are none.'),
  expectations: json.optional().describe('Expectations.'),
  tags: json.describe('Tags.'),
  source: recordSourceSchema.optional().describe('Where it came from.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  createdBy: z.string().optional().describe('Value as the client sent it.'),
  updatedBy: z.string().optional().describe('Value as the client sent it.'),
});
export type EvaluationRecord = z.infer<typeof evaluationRecordSchema>;

export const scorerSchema = z.strictObject({
  id: z.string().describe('Id, equal for all versions.'),
  experimentId: z.string().describe('Id of the experiment.'),
  name: z.string().describe('Name, unique in the experiment.'),
  version: z.int().describe('From 1; a number is given once.'),
  definition: z.string().describe('Serialized scorer of the client. Dais never executes it.'),
  createdAt: milliseconds,
});
export type Scorer = z.infer<typeof scorerSchema>;

export const datasetSummarySchema = z.strictObject({
  experimentId: z.string().describe('Id of the experiment.'),
  name: z.string().describe('Name of the dataset.'),
  digest: z.string().describe('Digest.'),
  context: z.string().optional().describe('Context in which runs used the dataset: `training`, `validation`, …'),
});
export type DatasetSummary = z.infer<typeof datasetSummarySchema>;
