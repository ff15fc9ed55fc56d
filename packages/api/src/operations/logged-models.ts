import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { loggedModelSchema, loggedModelStatuses } from '#records/logged-model.ts';

const models = '/api/v1/tracking/logged-models' as const;
const ofModel = () => ({ kind: 'LoggedModel' });
/** As for runs: trainings create models and describe them. */
const TRAINERS = ['operator', 'editor'] as const;

const modelId = z
  .string()
  .regex(/^[A-Za-z0-9][\w-]{0,63}$/)
  .describe('Id of the logged model.');
const key = z.string().min(1).max(250);
const pairs = (most: number, longest: number) =>
  z.array(z.strictObject({ key, value: z.string().max(longest) })).max(most);
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const createLoggedModelOperation = defineOperation({
  name: 'loggedModel.create',
  action: 'loggedModel:create',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a logged model. Its artifacts are uploaded afterwards.',
  input: z.strictObject({
    experimentId: z
      .string()
      .regex(/^\d{1,18}$/)
      .describe('Id of the experiment.'),
    id: modelId.optional().describe('Default: generated: `m-` and 32 hexadecimal digits.'),
    name: z
      .string()
      .min(1)
      .max(500)
      .regex(/^[^/:.%"']*$/)
      .optional()
      .describe('Without `/ : . % " \'`. Default: made up.'),
    type: z.string().max(500).optional(),
    sourceRunId: z.string().max(256).optional().describe('Id of the run that creates it.'),
    params: pairs(1000, 6000).optional().describe('Parameters. They never change.'),
    tags: pairs(1000, 8000).optional(),
  }),
  output: loggedModelSchema,
  target: ofModel,
  roles: TRAINERS,
  http: http('POST', models, { status: 201 }),
});

export const readLoggedModelOperation = defineOperation({
  name: 'loggedModel.get',
  action: 'loggedModel:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a logged model.',
  input: z.strictObject({
    id: modelId,
    allowDeleted: z.boolean().optional().describe('Whether to include deleted models.'),
  }),
  output: loggedModelSchema,
  target: ofModel,
  http: http('GET', `${models}/:id`, { query: ['allowDeleted'] }),
});

const dataset = {
  datasetName: z.string().min(1).max(500).describe('Name of a dataset.'),
  datasetDigest: z.string().max(36).optional().describe('Digest. Default: any.'),
};

export const searchLoggedModelsOperation = defineOperation({
  name: 'loggedModel.search',
  action: 'loggedModel:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches logged models.',
  input: z.strictObject({
    experimentIds: z
      .array(z.string().regex(/^\d{1,18}$/))
      .max(1000)
      .describe('Ids of the experiments. An empty list returns no models.'),
    filter: z.string().max(65_536).optional().describe("`metrics.accuracy > 0.9 and name like 'net%'`."),
    datasets: z
      .array(z.strictObject(dataset))
      .max(100)
      .optional()
      .describe('Datasets that metrics in the filter must refer to.'),
    orderBy: z
      .array(
        z.strictObject({
          field: z.string().max(1024).describe('Sort key: `metrics.NAME` or an attribute, not quoted.'),
          ascending: z.boolean().default(true),
          datasetName: dataset.datasetName.optional(),
          datasetDigest: dataset.datasetDigest,
        }),
      )
      .max(20)
      .optional()
      .describe('Sort order. Default: newest first.'),
    view: z.enum(['active', 'deleted', 'all']).default('active').describe('Datasets.'),
    limit: z.int().min(1).max(50_000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(131_072).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(loggedModelSchema), nextCursor: z.string().optional() }),
  target: ofModel,
  http: http('POST', '/api/v1/tracking/search/logged-models'),
});

export const finalizeLoggedModelOperation = defineOperation({
  name: 'loggedModel.finalize',
  action: 'loggedModel:update',
  mode: 'write',
  scope: 'project',
  summary: 'Sets the status of the artifacts of a logged model.',
  input: z.strictObject({
    id: modelId,
    status: z.enum(loggedModelStatuses),
    message: z.string().max(5000).optional(),
  }),
  output: loggedModelSchema,
  target: ofModel,
  roles: TRAINERS,
  http: http('POST', `${models}/:id/status`),
});

export const tagLoggedModelOperation = defineOperation({
  name: 'loggedModel.setTags',
  action: 'loggedModel:update',
  mode: 'write',
  scope: 'project',
  summary: 'Sets or replaces tags of a logged model.',
  input: z.strictObject({ id: modelId, tags: pairs(1000, 8000) }),
  output: loggedModelSchema,
  target: ofModel,
  roles: TRAINERS,
  http: http('POST', `${models}/:id/tags`),
});

export const untagLoggedModelOperation = defineOperation({
  name: 'loggedModel.removeTag',
  action: 'loggedModel:update',
  mode: 'write',
  scope: 'project',
  summary: 'Removes a tag of a logged model.',
  input: z.strictObject({ id: modelId, key }),
  output: z.strictObject({}),
  target: ofModel,
  roles: TRAINERS,
  http: http('POST', `${models}/:id/remove-tag`),
});

export const addLoggedModelParamsOperation = defineOperation({
  name: 'loggedModel.addParams',
  action: 'loggedModel:update',
  mode: 'write',
  scope: 'project',
  summary: 'Adds parameters to a logged model. Existing values do not change.',
  input: z.strictObject({ id: modelId, params: pairs(1000, 6000) }),
  output: z.strictObject({}),
  target: ofModel,
  roles: TRAINERS,
  http: http('POST', `${models}/:id/params`),
});

export const deleteLoggedModelOperation = defineOperation({
  name: 'loggedModel.delete',
  action: 'loggedModel:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a logged model. It can be restored until garbage collection.',
  input: z.strictObject({ id: modelId }),
  output: z.strictObject({}),
  target: ofModel,
  roles: ['editor'],
  http: http('DELETE', `${models}/:id`),
});

export const loggedModelOperations: readonly Operation[] = [
  createLoggedModelOperation,
  readLoggedModelOperation,
  searchLoggedModelsOperation,
  finalizeLoggedModelOperation,
  tagLoggedModelOperation,
  untagLoggedModelOperation,
  addLoggedModelParamsOperation,
  deleteLoggedModelOperation,
];
