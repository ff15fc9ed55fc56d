import { z } from 'zod';
import { nameSchema } from '#manifest.ts';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { codeInput } from '#operations/executions.ts';
import { executionParameterSchema, executionSchema } from '#records/execution.ts';
import { pipelineGraphSchema, pipelineVersionSchema, wholePipelineVersionSchema } from '#records/pipeline.ts';

const pipelines = '/api/v1/pipelines' as const;
const name = nameSchema.describe('Name of the Pipeline.');
const version = z.string().min(1).max(256).describe('Version: number, name or id; `latest` for the newest.');
const ofPipeline = ({ name: named }: { readonly name: string }) => ({ kind: 'Pipeline', name: named });
const http = (
  method: HttpBinding['method'],
  path: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path, status: 200, ...more });

export const createPipelineVersionOperation = defineOperation({
  name: 'pipelineVersion.create',
  action: 'pipeline:write',
  mode: 'write',
  scope: 'project',
  summary: 'Adds a version to a pipeline without steps in its manifest.',
  input: z.strictObject({
    name,
    version: nameSchema.optional().describe('Name; default: the version number.'),
    displayName: z.string().max(256).optional().describe('Display name.'),
    description: z.string().max(5000).optional().describe('Description.'),
    sourceUrl: z.string().max(2048).optional().describe('Where its code is from.'),
    tags: z
      .record(z.string().min(1).max(256), z.string().max(4096))
      .default({})
      .describe('Short values of the document.'),
    format: z.string().min(1).max(32).describe('Format of the document. The server must support it.'),
    document: z.unknown().describe('Document.'),
  }),
  output: pipelineVersionSchema,
  target: ofPipeline,
  http: http('POST', `${pipelines}/:name/versions`, { status: 201 }),
});

export const listPipelineVersionsOperation = defineOperation({
  name: 'pipelineVersion.list',
  action: 'pipeline:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the versions of a pipeline, newest first.',
  input: z.strictObject({
    name,
    limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
    cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
  }),
  output: z.strictObject({ items: z.array(pipelineVersionSchema), nextCursor: z.string().optional() }),
  target: ofPipeline,
  http: http('GET', `${pipelines}/:name/versions`, { query: ['limit', 'cursor'] }),
});

export const readPipelineVersionOperation = defineOperation({
  name: 'pipelineVersion.get',
  action: 'pipeline:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a version of a pipeline with its document.',
  input: z.strictObject({ name, version }),
  output: wholePipelineVersionSchema,
  target: ofPipeline,
  http: http('GET', `${pipelines}/:name/versions/:version`),
});

export const deletePipelineVersionOperation = defineOperation({
  name: 'pipelineVersion.delete',
  action: 'pipeline:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a version of a pipeline. Its pipeline runs stay.',
  input: z.strictObject({ name, version }),
  output: z.strictObject({}),
  target: ofPipeline,
  http: http('DELETE', `${pipelines}/:name/versions/:version`),
});

export const runPipelineOperation = defineOperation({
  name: 'pipeline.run',
  action: 'pipeline:run',
  mode: 'write',
  scope: 'project',
  summary: 'Starts a pipeline run.',
  input: z.strictObject({
    name,
    version: version.default('latest').describe('Version: number, name or id; `latest` for the newest.'),
    parameters: z
      .record(z.string().min(1).max(256), executionParameterSchema)
      .default({})
      .describe('Parameter values. Others have their defaults.'),
    title: z
      .string()
      .min(1)
      .max(256)
      .optional()
      .describe('Name of the pipeline run. Default: the name of the pipeline.'),
    description: z.string().max(5000).optional().describe('Description of the pipeline run.'),
    experimentId: z.string().min(1).max(256).optional().describe('Id of the experiment.'),
    priority: z.int().min(-1000).max(1000).default(0).describe('Priority. Higher values run first.'),
    code: codeInput.optional().describe('Code of the steps.'),
  }),
  output: executionSchema,
  target: ofPipeline,
  roles: ['operator', 'editor'],
  http: http('POST', `${pipelines}/:name/runs`, { status: 201 }),
});

export const graphPipelineOperation = defineOperation({
  name: 'pipeline.graph',
  action: 'pipeline:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the graph of a pipeline without running it.',
  input: z.strictObject({ name, version: version.default('latest') }),
  output: pipelineGraphSchema,
  target: ofPipeline,
  http: http('GET', `${pipelines}/:name/graph`, { query: ['version'] }),
});

export const pipelineOperations: readonly Operation[] = [
  createPipelineVersionOperation,
  listPipelineVersionsOperation,
  readPipelineVersionOperation,
  deletePipelineVersionOperation,
  runPipelineOperation,
  graphPipelineOperation,
];
