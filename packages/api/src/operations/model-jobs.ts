import { z } from 'zod';
import { datasetKind } from '#kinds/dataset.ts';
import { modelKind } from '#kinds/model.ts';
import { nameSchema } from '#manifest.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { pageInput } from '#operations/resources.ts';
import { modelImportanceSchema, predictionExplanationSchema } from '#records/explanations.ts';
import { modelJobKinds, modelJobSchema, modelJobStates, onErrorSchema, predictFunctions } from '#records/model-jobs.ts';
import { predictionIdSchema } from '#records/predictions.ts';
import { parseServedModel } from '#serving/model-reference.ts';

const base = '/api/v1/model-jobs' as const;
const id = z.uuid().describe('Id of the job.');
const model = z
  .string()
  .min(8)
  .max(1024)
  .describe('A registered version: `models:/flights@champion` or `models:/flights/7`.');
const data = z.string().min(1).max(600).describe('A version of a dataset: `flights@3`.');
const columns = z.array(z.string().min(1).max(256)).max(2000);
const roles = ['operator', 'editor'] as const;

/** The model of a reference; the handler reports a reference without a model. */
function ofReference({ model: reference }: { readonly model: string }) {
  const named = parseServedModel(reference);
  return 'message' in named || named.of === 'run' || named.of === 'remote'
    ? { kind: modelKind.kind }
    : { kind: modelKind.kind, name: named.name };
}

export const startBatchPredictionOperation = defineOperation({
  name: 'batchPrediction.start',
  action: 'model:predict',
  mode: 'write',
  scope: 'project',
  summary:
    'Predicts every row of a dataset version with a model version and stores the predictions as a dataset version.',
  input: z.strictObject({
    model,
    data,
    out: datasetKind.name.describe('Output Dataset; created if missing.'),
    columns: columns
      .optional()
      .describe('Input columns to copy to the output. Default: keys and event time; without keys, all.'),
    inputs: columns
      .optional()
      .describe(
        'Input columns of the model. Default: those of its signature; without one, all except keys, event time and label.',
      ),
    onError: onErrorSchema.default('fail'),
  }),
  output: modelJobSchema,
  target: ofReference,
  // The output is a version of a dataset: the handler also authorizes that.
  roles: ['editor'],
  http: { method: 'POST', path: `${base}/batch-predictions`, status: 202 },
});

export const listModelJobsOperation = defineOperation({
  name: 'modelJob.list',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists batch jobs, newest first.',
  input: z.strictObject({
    model: z.string().min(1).max(256).optional().describe('Only jobs of this model.'),
    dataset: z.string().min(1).max(256).optional().describe('Only jobs that read or write this Dataset.'),
    kind: z.enum(modelJobKinds).optional().describe('Only jobs of this type.'),
    state: z.enum(modelJobStates).optional().describe('Only objects in this state.'),
    ...pageInput,
  }),
  output: z.strictObject({ items: z.array(modelJobSchema), nextCursor: z.string().optional() }),
  target: ({ model: name }) => ({ kind: modelKind.kind, ...(name !== undefined && { name }) }),
  http: { method: 'GET', path: base, status: 200, query: ['model', 'dataset', 'kind', 'state', 'limit', 'cursor'] },
});

/** The handler authorizes the model of the job. */
const ofAll = () => ({ kind: modelKind.kind });

export const readModelJobOperation = defineOperation({
  name: 'modelJob.get',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a batch job with its progress.',
  input: z.strictObject({ id }),
  output: modelJobSchema,
  target: ofAll,
  http: { method: 'GET', path: `${base}/:id`, status: 200 },
});

export const cancelModelJobOperation = defineOperation({
  name: 'modelJob.cancel',
  action: 'model:cancelJob',
  mode: 'write',
  scope: 'project',
  summary: 'Cancels a batch job and discards its partial output.',
  input: z.strictObject({ id }),
  output: modelJobSchema,
  target: ofAll,
  roles,
  http: { method: 'POST', path: `${base}/:id/cancel`, status: 202 },
});

/** A rejected row contains values: roles other than those of its action would see every masked column. */
export const readModelJobRejectsOperation = defineOperation({
  name: 'modelJob.rejects',
  action: 'dataset:unmask',
  mode: 'read',
  scope: 'project',
  summary: 'Returns rejected rows, one JSON object per line, with row, column and message.',
  input: z.strictObject({ id }),
  output: z.strictObject({ size: z.int(), sha256: z.string().nullable() }),
  target: () => ({ kind: datasetKind.kind }),
  roles: [],
  http: { method: 'GET', path: `${base}/:id/rejects`, status: 200, content: 'download' },
});

export const startModelImportanceOperation = defineOperation({
  name: 'modelImportance.start',
  action: 'model:explain',
  mode: 'write',
  scope: 'project',
  summary: 'Computes the feature importance of a model version over a sample of a dataset version.',
  input: z.strictObject({
    model,
    data,
    inputs: columns.optional().describe('Same as in `batchPrediction.start`.'),
    sample: z.int().min(1).max(5000).default(100).describe('Number of rows to explain.'),
    background: z.int().min(1).max(500).default(20).describe('Number of background rows.'),
    seed: z.int().min(0).max(2_147_483_647).default(0).describe('Seed of the samples.'),
  }),
  output: modelJobSchema,
  target: ofReference,
  roles,
  http: { method: 'POST', path: `${base}/importances`, status: 202 },
});

/** The model that gets the version. The handler also authorizes reading the other one. */
export const startModelConversionOperation = defineOperation({
  name: 'modelConversion.start',
  action: 'model:register',
  mode: 'write',
  scope: 'project',
  summary:
    'Converts a scikit-learn, XGBoost or LightGBM version to ONNX if outputs equal the original on the input example and generated rows.',
  input: z.strictObject({
    model,
    to: z.string().min(1).max(256).optional().describe('Model of the new version. Default: the same.'),
    opset: z.int().min(15).max(21).default(17).describe('Maximum ONNX opset. Newer opsets need a newer runtime.'),
    predictFn: z
      .enum(predictFunctions)
      .optional()
      .describe('Output of the model. Default: the output of the original, usually `predict` (labels).'),
  }),
  output: modelJobSchema,
  target: ({ model: reference, to }) =>
    to === undefined ? ofReference({ model: reference }) : { kind: modelKind.kind, name: to },
  roles: ['editor'],
  http: { method: 'POST', path: `${base}/conversions`, status: 202 },
});

export const listModelImportancesOperation = defineOperation({
  name: 'modelImportance.list',
  action: 'model:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists stored feature importances of model versions, newest first.',
  input: z.strictObject({
    name: z.string().min(1).max(256).describe('Name of the model.'),
    version: z.int().min(1).optional().describe('Only importances of this version.'),
    ...pageInput,
  }),
  output: z.strictObject({ items: z.array(modelImportanceSchema), nextCursor: z.string().optional() }),
  target: ({ name }) => ({ kind: modelKind.kind, name }),
  http: {
    method: 'GET',
    path: '/api/v1/registry/models/:name/importances',
    status: 200,
    query: ['version', 'limit', 'cursor'],
  },
});

/** The handler also authorizes reading predictions. */
export const explainPredictionOperation = defineOperation({
  name: 'prediction.explain',
  action: 'endpoint:invoke',
  mode: 'read',
  scope: 'project',
  summary: 'Explains a stored prediction with the model version that returned it.',
  input: z.strictObject({
    endpoint: nameSchema.describe('Name of the endpoint.'),
    id: predictionIdSchema,
    output: z.int().min(0).optional().describe('Index of the output; default: the largest value.'),
  }),
  output: predictionExplanationSchema,
  target: ({ endpoint: name }) => ({ kind: 'Endpoint', name }),
  roles: ['viewer', 'operator', 'editor'],
  http: { method: 'POST', path: '/api/v1/predictions/endpoints/:endpoint/one/:id/explain', status: 200 },
});

export const modelJobOperations: readonly Operation[] = [
  startBatchPredictionOperation,
  startModelImportanceOperation,
  startModelConversionOperation,
  listModelImportancesOperation,
  explainPredictionOperation,
  listModelJobsOperation,
  readModelJobOperation,
  cancelModelJobOperation,
  readModelJobRejectsOperation,
];
