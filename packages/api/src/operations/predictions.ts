import { z } from 'zod';
import { nameSchema } from '#manifest.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import {
  MOST_LABELS,
  newLabelSchema,
  predictionErasureSchema,
  predictionFileSchema,
  predictionIdSchema,
  predictionLabelSchema,
  predictionRowsSchema,
  predictionSchema,
} from '#records/predictions.ts';

const base = '/api/v1/predictions/endpoints/:endpoint' as const;
const endpoint = nameSchema.describe('Name of the endpoint.');
const ofEndpoint = (input: { readonly endpoint: string }) => ({ kind: 'Endpoint', name: input.endpoint });
const from = z.int().optional().describe('Start, inclusive, in milliseconds since 1970.');
const until = z.int().optional().describe('End, exclusive, in milliseconds since 1970.');

export const queryPredictionsOperation = defineOperation({
  name: 'prediction.query',
  action: 'prediction:read',
  mode: 'read',
  scope: 'project',
  summary: 'Runs SQL over the predictions (table `predictions`) and ground truth (table `labels`) of an endpoint.',
  input: z.strictObject({
    endpoint,
    sql: z.string().min(1).max(65_536).describe('One SELECT.'),
    from,
    until,
    limit: z.int().min(1).max(100_000).default(1000).describe('Maximum rows.'),
  }),
  output: predictionRowsSchema,
  target: ofEndpoint,
  http: { method: 'POST', path: `${base}/query`, status: 200 },
});

export const tailPredictionsOperation = defineOperation({
  name: 'prediction.tail',
  action: 'prediction:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists predictions of an endpoint in chronological order, after `after` or the latest.',
  input: z.strictObject({
    endpoint,
    after: predictionIdSchema.optional(),
    limit: z.int().min(1).max(1000).default(20).describe('Maximum rows.'),
  }),
  output: predictionRowsSchema,
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/tail`, status: 200, query: ['after', 'limit'] },
});

export const readPredictionOperation = defineOperation({
  name: 'prediction.get',
  action: 'prediction:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns one prediction with its model version, ground truth and lineage.',
  input: z.strictObject({ endpoint, id: predictionIdSchema }),
  output: predictionSchema,
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/one/:id`, status: 200 },
});

export const exportPredictionsOperation = defineOperation({
  name: 'prediction.export',
  action: 'prediction:read',
  mode: 'read',
  scope: 'project',
  summary: 'Exports predictions as CloudEvents in the format of the KServe logger: one request and one response each.',
  input: z.strictObject({
    endpoint,
    from,
    until,
    after: predictionIdSchema.optional(),
    limit: z.int().min(1).max(1000).default(200).describe('Maximum predictions.'),
  }),
  output: z.strictObject({
    events: z.array(z.record(z.string(), z.unknown())).describe('CloudEvents 1.0 as JSON.'),
    after: predictionIdSchema.optional().describe('Position of the next page; absent at the end.'),
  }),
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/events`, status: 200, query: ['from', 'until', 'after', 'limit'] },
});

export const listPredictionFilesOperation = defineOperation({
  name: 'predictionFile.list',
  action: 'prediction:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the files of predictions of an endpoint, newest hour first.',
  input: z.strictObject({ endpoint, ...pageInput }),
  output: z.strictObject({ items: z.array(predictionFileSchema), nextCursor: z.string().optional() }),
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/files`, status: 200, query: ['limit', 'cursor'] },
});

export const unmaskPredictionsOperation = defineOperation({
  name: 'prediction.unmasked',
  action: 'prediction:unmask',
  mode: 'read',
  scope: 'project',
  summary: 'Lists masked inputs and outputs for callers that may unmask. Denied to all others.',
  input: z.strictObject({ endpoint }),
  output: z.strictObject({ items: z.array(z.string()).describe('Names of inputs and outputs.') }),
  target: ofEndpoint,
  roles: [],
  http: { method: 'GET', path: `${base}/masked`, status: 200 },
});

export const erasePredictionsOperation = defineOperation({
  name: 'prediction.erase',
  action: 'prediction:erase',
  mode: 'write',
  scope: 'project',
  summary:
    'Erases the values of all predictions with a given column value. Files are rewritten; counts and lineage stay.',
  input: z.strictObject({
    endpoint,
    column: z.string().min(1).max(256).describe('Column of the table `predictions`: `in_customer`.'),
    value: z.string().min(1).max(1024).describe('Value as text. It is deleted after the erasure.'),
    reason: z.string().max(4096).default('').describe('Why.'),
  }),
  output: predictionErasureSchema,
  target: ofEndpoint,
  roles: [],
  http: { method: 'POST', path: `${base}/erasures`, status: 202 },
});

export const readErasureOperation = defineOperation({
  name: 'predictionErasure.get',
  action: 'prediction:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the progress of an erasure.',
  input: z.strictObject({ endpoint, id: z.uuid().describe('Id of the erasure.') }),
  output: predictionErasureSchema,
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/erasures/:id`, status: 200 },
});

export const labelPredictionsOperation = defineOperation({
  name: 'predictionLabel.create',
  action: 'prediction:label',
  mode: 'write',
  scope: 'project',
  summary: 'Records ground truth of predictions by ID or by column value. A later record is a correction.',
  input: z.strictObject({
    endpoint,
    labels: z.array(newLabelSchema).min(1).max(MOST_LABELS).describe('Labels. Each refers to a prediction or a key.'),
    source: z.string().max(256).default('').describe('Source of the labels.'),
  }),
  output: z.strictObject({ taken: z.int().describe('Number of written labels.') }),
  target: ofEndpoint,
  roles: ['editor', 'operator'],
  http: { method: 'POST', path: `${base}/labels`, status: 201 },
});

export const listPredictionLabelsOperation = defineOperation({
  name: 'predictionLabel.list',
  action: 'prediction:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists ground-truth records of an endpoint, newest first, including corrected ones.',
  input: z.strictObject({ endpoint, ...pageInput }),
  output: z.strictObject({ items: z.array(predictionLabelSchema), nextCursor: z.string().optional() }),
  target: ofEndpoint,
  http: { method: 'GET', path: `${base}/labels`, status: 200, query: ['limit', 'cursor'] },
});

export const predictionOperations: readonly Operation[] = [
  queryPredictionsOperation,
  tailPredictionsOperation,
  readPredictionOperation,
  exportPredictionsOperation,
  listPredictionFilesOperation,
  unmaskPredictionsOperation,
  erasePredictionsOperation,
  readErasureOperation,
  labelPredictionsOperation,
  listPredictionLabelsOperation,
];
