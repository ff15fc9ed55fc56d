import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { labelInputSchema, labelSchemaSchema, labelSchemaTypes } from '#records/label-schema.ts';

const schemas = '/api/v1/tracking/labelschemas' as const;
const ofSchema = () => ({ kind: 'LabelSchema' });

const id = z
  .string()
  .regex(/^ls-[a-z0-9-]{1,60}$/)
  .describe('Id of the label schema.');
const experimentId = z
  .string()
  .regex(/^\d{1,18}$/)
  .describe('Id of the experiment.');
const name = z.string().min(1).max(250).describe('Question, unique in the experiment.');
const instruction = z.string().max(1000).describe('Guidance for reviewers.');
const comments = z.boolean().describe('Whether reviewers can add a comment.');
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const createLabelSchemaOperation = defineOperation({
  name: 'labelSchema.create',
  action: 'labelSchema:create',
  mode: 'write',
  scope: 'project',
  summary: 'Creates a question for the reviewers of an experiment.',
  input: z.strictObject({
    id: id.optional().describe('Id. Default: generated.'),
    experimentId,
    name,
    type: z.enum(labelSchemaTypes).describe('Kind of the assessments.'),
    input: labelInputSchema,
    instruction: instruction.optional(),
    comments: comments.default(false),
  }),
  output: labelSchemaSchema,
  target: ofSchema,
  roles: ['editor'],
  http: http('POST', schemas, { status: 201 }),
});

export const readLabelSchemaOperation = defineOperation({
  name: 'labelSchema.get',
  action: 'labelSchema:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a label schema.',
  input: z.strictObject({ id }),
  output: labelSchemaSchema,
  target: ofSchema,
  http: http('GET', `${schemas}/:id`),
});

export const listLabelSchemasOperation = defineOperation({
  name: 'labelSchema.list',
  action: 'labelSchema:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the label schemas of an experiment, newest first. The default one is the last.',
  input: z.strictObject({
    experimentId,
    name: name.optional().describe('Only the label schema with this name.'),
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(labelSchemaSchema), nextCursor: z.string().optional() }),
  target: ofSchema,
  http: http('GET', schemas, { query: ['experimentId', 'name', 'limit', 'cursor'] }),
});

export const updateLabelSchemaOperation = defineOperation({
  name: 'labelSchema.update',
  action: 'labelSchema:update',
  mode: 'write',
  scope: 'project',
  summary: 'Updates a label schema. Its type and its answer type are immutable.',
  input: z.strictObject({
    id,
    name: name.optional(),
    instruction: instruction.optional(),
    comments: comments.optional(),
    input: labelInputSchema.optional(),
  }),
  output: labelSchemaSchema,
  target: ofSchema,
  roles: ['editor'],
  http: http('POST', `${schemas}/:id`),
});

export const deleteLabelSchemaOperation = defineOperation({
  name: 'labelSchema.delete',
  action: 'labelSchema:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a label schema. Assessments stay. Idempotent.',
  input: z.strictObject({ id }),
  output: z.strictObject({}),
  target: ofSchema,
  roles: ['editor'],
  http: http('DELETE', `${schemas}/:id`),
});

export const labelSchemaOperations: readonly Operation[] = [
  createLabelSchemaOperation,
  readLabelSchemaOperation,
  listLabelSchemasOperation,
  updateLabelSchemaOperation,
  deleteLabelSchemaOperation,
];
