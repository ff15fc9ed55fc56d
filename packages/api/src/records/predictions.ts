import { z } from 'zod';
import { columnTypeSchema } from '#records/data.ts';

/**
 * Predictions of endpoints: stored in Parquet files by endpoint and hour, found by the prediction's id. A request of
 * several rows is one prediction of several rows.
 */

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const predictionIdSchema = z
  .string()
  .regex(/^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/)
  .describe('Id of the prediction, from the response.');

export const predictionFileSchema = z.strictObject({
  id: z.uuid().describe('Id of the file. Its lineage node is `predictions:ID`.'),
  endpoint: z.string().describe('Name of the endpoint.'),
  hour: milliseconds.describe('Start of the hour of the predictions.'),
  predictions: z.int().describe('Number of requests.'),
  rows: z.int().describe('Number of rows.'),
  erased: z.int().describe('Number of rows with erased values. They still count.'),
  bytes: z.int().describe('Size in bytes.'),
  models: z.array(z.string()).describe('Model versions, `name/version`.'),
  createdAt: milliseconds.describe('Time of writing.'),
});
export type PredictionFile = z.infer<typeof predictionFileSchema>;

export const predictionLabelSchema = z.strictObject({
  id: z.uuid().describe('Id of the label.'),
  prediction: predictionIdSchema.optional().describe('Id of the prediction.'),
  key: z
    .strictObject({ column: z.string(), value: z.string() })
    .optional()
    .describe('Selector of the rows by column value, if no prediction is given.'),
  row: z.int().describe('Row of the prediction, from 0.'),
  value: z.string().describe('Ground truth value.'),
  at: milliseconds.describe('Time of recording. The newest record of a row counts.'),
  observedAt: milliseconds.optional().describe('Time when the value became known, if given.'),
  by: z.string().describe('User who recorded it.'),
  source: z.string().describe('Source, as given by the client.'),
});
export type PredictionLabel = z.infer<typeof predictionLabelSchema>;

export const predictionRowsSchema = z.strictObject({
  columns: z
    .array(z.strictObject({ name: z.string(), type: columnTypeSchema }))
    .describe('Columns in the order of the cells.'),
  rows: z.array(z.array(z.unknown())).describe('Cells as JSON. Numbers that JSON cannot represent are strings.'),
  truncated: z.boolean().describe('Whether there are more rows than `limit`.'),
  masked: z.array(z.string()).describe('Columns that are hidden from the caller.'),
});
export type PredictionRows = z.infer<typeof predictionRowsSchema>;

export const predictionSchema = z.strictObject({
  id: predictionIdSchema,
  endpoint: z.string().describe('Name of the endpoint.'),
  file: z.uuid().describe('Id of the file of the prediction.'),
  model: z.string().optional().describe('Name of the serving model.'),
  version: z.string().optional().describe('Version number.'),
  lineage: z.array(z.string()).describe('Lineage nodes: the file and the model version.'),
  columns: predictionRowsSchema.shape.columns,
  rows: predictionRowsSchema.shape.rows,
  masked: predictionRowsSchema.shape.masked,
  labels: z.array(predictionLabelSchema).describe('Ground truth, oldest first.'),
});
export type Prediction = z.infer<typeof predictionSchema>;

const erasureStates = ['pending', 'succeeded', 'failed'] as const;

export const predictionErasureSchema = z.strictObject({
  id: z.uuid().describe('Id of the erasure.'),
  endpoint: z.string().describe('Name of the endpoint.'),
  column: z.string().describe('Key column. Dais deletes the value when no node is missing.'),
  state: z.enum(erasureStates).describe('Progress.'),
  files: z.int().describe('Number of scanned files.'),
  rows: z.int().describe('Number of erased rows.'),
  error: z.string().optional().describe('Error message, or what a pending erasure waits for.'),
  missingNodes: z
    .array(z.string())
    .optional()
    .describe(
      'Hosts of nodes that did not run. Dais erases the predictions that only their disk has when they run again.',
    ),
  reason: z.string().describe('Reason of the request.'),
  by: z.string().describe('User who requested it.'),
  requestedAt: milliseconds.describe('When.'),
  endedAt: milliseconds.optional().describe('Time of completion.'),
});
export type PredictionErasure = z.infer<typeof predictionErasureSchema>;

/** Maximum number of labels in one request. */
export const MOST_LABELS = 10_000;

/** The `type` of CloudEvents that consumers of KServe's logger expect. */
export const LOGGER_EVENT_TYPES = {
  request: 'org.kubeflow.serving.inference.request',
  response: 'org.kubeflow.serving.inference.response',
} as const;

export const newLabelSchema = z.strictObject({
  prediction: predictionIdSchema.optional(),
  key: z.strictObject({ column: z.string().min(1).max(256), value: z.string().max(1024) }).optional(),
  row: z.int().min(0).max(1_000_000).default(0).describe('Row of the prediction, from 0.'),
  value: z.string().max(4096).describe('Ground truth as text.'),
  observedAt: milliseconds.optional().describe('Time of the ground truth.'),
});
