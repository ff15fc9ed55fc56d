import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import {
  evaluationDatasetSchema,
  evaluationRecordSchema,
  recordSourceSchema,
  datasetSummarySchema,
} from '#records/evaluation.ts';

const datasets = '/api/v1/tracking/evaluation-datasets' as const;
const ofDataset = () => ({ kind: 'EvaluationDataset' });
/** As for runs: trainings create datasets and fill them. */
const TRAINERS = ['operator', 'editor'] as const;
const EDITORS = ['editor'] as const;

const datasetId = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,63}$/)
  .describe('Id of the dataset.');
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment.');
const experimentIds = z.array(experimentId).max(1000);
const key = z.string().min(1).max(255);
const tags = z.record(key, z.string().max(5000));
const user = z.string().max(255).describe('User, as the client sent it.');
const json = z.record(z.string(), z.unknown());
const cursor = z.string().max(131_072).optional().describe('`nextCursor` of the previous page.');
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });
const nothing = z.strictObject({});

export const createEvaluationDatasetOperation = defineOperation({
  name: 'evaluationDataset.create',
  action: 'evaluationDataset:create',
  mode: 'write',
  scope: 'project',
  summary: 'Creates an evaluation dataset.',
  input: z.strictObject({
    name: z.string().min(1).max(255).describe('Name. It need not be unique.'),
    id: datasetId.optional().describe('Default: generated: `d-` and 32 hexadecimal digits.'),
    experimentIds: experimentIds.optional().describe('Ids of the experiments.'),
    tags: tags.optional(),
    user: user.optional(),
  }),
  output: evaluationDatasetSchema,
  target: ofDataset,
  roles: TRAINERS,
  http: http('POST', datasets, { status: 201 }),
});

export const readEvaluationDatasetOperation = defineOperation({
  name: 'evaluationDataset.get',
  action: 'evaluationDataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns an evaluation dataset without records.',
  input: z.strictObject({ id: datasetId }),
  output: evaluationDatasetSchema,
  target: ofDataset,
  http: http('GET', `${datasets}/:id`),
});

export const searchEvaluationDatasetsOperation = defineOperation({
  name: 'evaluationDataset.search',
  action: 'evaluationDataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches evaluation datasets.',
  input: z.strictObject({
    experimentIds: experimentIds.optional().describe('Ids of experiments. Default: any or none.'),
    filter: z.string().max(65_536).optional().describe("`name like 'support%' and tags.team = 'a'`."),
    orderBy: z.array(z.string().max(1024)).max(20).optional().describe('Sort order: `created_time desc`.'),
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor,
  }),
  output: z.strictObject({ items: z.array(evaluationDatasetSchema), nextCursor: z.string().optional() }),
  target: ofDataset,
  http: http('POST', '/api/v1/tracking/search/evaluation-datasets'),
});

export const deleteEvaluationDatasetOperation = defineOperation({
  name: 'evaluationDataset.delete',
  action: 'evaluationDataset:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Permanently deletes an evaluation dataset with its records. Idempotent.',
  input: z.strictObject({ id: datasetId }),
  output: z.strictObject({ deleted: z.boolean().describe('Whether it existed.') }),
  target: ofDataset,
  roles: EDITORS,
  http: http('DELETE', `${datasets}/:id`),
});

export const tagEvaluationDatasetOperation = defineOperation({
  name: 'evaluationDataset.setTags',
  action: 'evaluationDataset:update',
  mode: 'write',
  scope: 'project',
  summary: 'Sets or replaces tags of an evaluation dataset.',
  input: z.strictObject({ id: datasetId, tags }),
  output: nothing,
  target: ofDataset,
  roles: TRAINERS,
  http: http('POST', `${datasets}/:id/tags`),
});

export const untagEvaluationDatasetOperation = defineOperation({
  name: 'evaluationDataset.removeTag',
  action: 'evaluationDataset:update',
  mode: 'write',
  scope: 'project',
  summary: 'Removes a tag of an evaluation dataset.',
  input: z.strictObject({ id: datasetId, key }),
  output: nothing,
  target: ofDataset,
  roles: TRAINERS,
  http: http('POST', `${datasets}/:id/remove-tag`),
});

export const linkEvaluationDatasetOperation = defineOperation({
  name: 'evaluationDataset.link',
  action: 'evaluationDataset:update',
  mode: 'write',
  scope: 'project',
  summary: 'Adds an evaluation dataset to experiments and removes it from others. Idempotent.',
  input: z.strictObject({ id: datasetId, add: experimentIds.optional(), remove: experimentIds.optional() }),
  output: evaluationDatasetSchema,
  target: ofDataset,
  roles: TRAINERS,
  http: http('POST', `${datasets}/:id/experiments`),
});

export const mergeEvaluationRecordsOperation = defineOperation({
  name: 'evaluationDataset.merge',
  action: 'evaluationDataset:update',
  mode: 'write',
  scope: 'project',
  summary: 'Adds or updates records. For existing inputs, expectations and tags are merged and outputs are replaced.',
  input: z.strictObject({
    id: datasetId,
    records: z
      .array(
        z.strictObject({
          inputs: json.describe('Inputs.'),
          outputs: z.unknown().optional().describe('Outputs. Absent: unchanged, or `{}` for a new record.'),
          expectations: json.optional().describe('Expectations.'),
          tags: json.optional().describe('Tags to add.'),
          source: recordSourceSchema.optional().describe('Source of new records.'),
          user: user.optional(),
        }),
      )
      .max(20_000),
  }),
  output: z.strictObject({ inserted: z.int(), updated: z.int() }),
  target: ofDataset,
  roles: TRAINERS,
  http: http('POST', `${datasets}/:id/records`),
});

export const listEvaluationRecordsOperation = defineOperation({
  name: 'evaluationDataset.records',
  action: 'evaluationDataset:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the records of an evaluation dataset, oldest first.',
  input: z.strictObject({
    id: datasetId,
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor,
  }),
  output: z.strictObject({ items: z.array(evaluationRecordSchema), nextCursor: z.string().optional() }),
  target: ofDataset,
  http: http('GET', `${datasets}/:id/records`, { query: ['limit', 'cursor'] }),
});

export const removeEvaluationRecordsOperation = defineOperation({
  name: 'evaluationDataset.removeRecords',
  action: 'evaluationDataset:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Removes records of an evaluation dataset. Unknown ids are ignored.',
  input: z.strictObject({ id: datasetId, recordIds: z.array(z.string().max(64)).max(20_000) }),
  output: z.strictObject({ removed: z.int() }),
  target: ofDataset,
  roles: EDITORS,
  http: http('POST', `${datasets}/:id/remove-records`),
});

/** Inputs of runs, not their evaluations. */
export const searchDatasetsOperation = defineOperation({
  name: 'dataset.search',
  action: 'experiment:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the datasets that runs of experiments used, once per context.',
  input: z.strictObject({
    experimentIds: z.array(experimentId).min(1).max(20),
    limit: z.int().min(1).max(1000).default(1000).describe('Maximum items per page.'),
    cursor,
  }),
  output: z.strictObject({ items: z.array(datasetSummarySchema), nextCursor: z.string().optional() }),
  target: () => ({ kind: 'Experiment' }),
  http: http('POST', '/api/v1/tracking/search/datasets'),
});

export const evaluationDatasetOperations: readonly Operation[] = [
  createEvaluationDatasetOperation,
  readEvaluationDatasetOperation,
  searchEvaluationDatasetsOperation,
  deleteEvaluationDatasetOperation,
  tagEvaluationDatasetOperation,
  untagEvaluationDatasetOperation,
  linkEvaluationDatasetOperation,
  mergeEvaluationRecordsOperation,
  listEvaluationRecordsOperation,
  removeEvaluationRecordsOperation,
  searchDatasetsOperation,
];
