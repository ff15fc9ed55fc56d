import { z } from 'zod';

/** What generated answers are judged with: sets of questions with what is expected of the answer, and scorers. */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');
const json = z.record(z.string(), z.unknown());

export const fieldTypes = ['null', 'boolean', 'integer', 'float', 'string', 'array', 'object'] as const;
export type FieldType = (typeof fieldTypes)[number];

const fieldsSchema = z.record(z.string(), z.enum(fieldTypes));

export const evaluationSchemaSchema = z.strictObject({
  inputs: fieldsSchema,
  outputs: z.union([fieldsSchema, z.enum(fieldTypes)]).describe('By field, or of the output itself when it has none.'),
  expectations: fieldsSchema,
});
export type EvaluationSchema = z.infer<typeof evaluationSchemaSchema>;

export const evaluationDatasetSchema = z.strictObject({
  id: z.string().describe('`d-` and 32 hexadecimal digits, unless a client brought its own.'),
  name: z.string().describe('As given; several may have the same.'),
  digest: z.string().describe('Another one after each change of its records.'),
  records: z.int().describe('How many it holds.'),
  schema: evaluationSchemaSchema.optional().describe('The fields of its records and the type each had first.'),
  experimentIds: z.array(z.string()).describe('The experiments that it belongs to.'),
  tags: z.record(z.string(), z.string()).describe('Its tags.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  createdBy: z.string().optional().describe('In the words of the client.'),
  updatedBy: z.string().optional().describe('In the words of the client.'),
});
export type EvaluationDataset = z.infer<typeof evaluationDatasetSchema>;

export const recordSources = ['UNSPECIFIED', 'TRACE', 'HUMAN', 'DOCUMENT', 'CODE'] as const;

export const recordSourceSchema = z.strictObject({
  type: z.enum(recordSources).describe('What sort of place it came from.'),
  data: json.describe('Which one: `{"trace_id": "tr-…"}`.'),
});

export const evaluationRecordSchema = z.strictObject({
  id: z.string().describe('`dr-` and 32 hexadecimal digits.'),
  inputs: json.describe('What is asked; one record of a dataset has it.'),
  outputs: z.unknown().describe('What was answered; null when nothing was.'),
  expectations: json.optional().describe('What is expected of an answer.'),
  tags: json.describe('Its tags.'),
  source: recordSourceSchema.optional().describe('Where it came from.'),
  createdAt: milliseconds,
  updatedAt: milliseconds,
  createdBy: z.string().optional().describe('In the words of the client.'),
  updatedBy: z.string().optional().describe('In the words of the client.'),
});
export type EvaluationRecord = z.infer<typeof evaluationRecordSchema>;

export const scorerSchema = z.strictObject({
  id: z.string().describe('The same for all of its versions.'),
  experimentId: z.string().describe('Its experiment.'),
  name: z.string().describe('Unique in its experiment.'),
  version: z.int().describe('From 1; a number is given once.'),
  definition: z.string().describe('The scorer in the words of the client; Dais never runs it.'),
  createdAt: milliseconds,
});
export type Scorer = z.infer<typeof scorerSchema>;

export const datasetSummarySchema = z.strictObject({
  experimentId: z.string().describe('The experiment.'),
  name: z.string().describe('Name of the dataset.'),
  digest: z.string().describe('Its digest.'),
  context: z.string().optional().describe('How runs used it: `training`, `validation`, …'),
});
export type DatasetSummary = z.infer<typeof datasetSummarySchema>;
