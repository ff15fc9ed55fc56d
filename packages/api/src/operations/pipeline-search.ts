import { z } from 'zod';
import { nameSchema } from '#manifest.ts';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { recordSearchInput } from '#operations/record-search.ts';
import { executionParameterSchema, executionSchema } from '#records/execution.ts';
import { pipelineVersionSchema } from '#records/pipeline.ts';

/** Limit of a search's count. */
export const PIPELINES_COUNTED = 10_000;

const tags = z.record(z.string().min(1).max(256), z.string().max(4096));
const anyPipeline = () => ({ kind: 'Pipeline' });
const total = z.int().optional().describe(`How many there are; it ends at ${PIPELINES_COUNTED}.`);

const pipelineHeadSchema = z.strictObject({
  id: z.string().describe('Uid of the Pipeline.'),
  name: z.string().describe('Name of the Pipeline.'),
  displayName: z.string().describe('Display name; default: the name.'),
  description: z.string().optional().describe('Description.'),
  tags: tags.describe('Short values of the document.'),
  createdAt: z.int().describe('Milliseconds since 1970-01-01 UTC.'),
  updatedAt: z.int(),
});
export type PipelineHead = z.infer<typeof pipelineHeadSchema>;

const pipelineFields = ['id', 'name', 'displayName', 'description', 'createdAt'] as const;
const versionFields = ['id', 'pipeline', 'name', 'displayName', 'description', 'format', 'createdAt'] as const;

export const searchPipelinesOperation = defineOperation({
  name: 'pipeline.search',
  action: 'pipeline:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches pipelines by name and creation time.',
  input: recordSearchInput(pipelineFields),
  output: z.strictObject({ items: z.array(pipelineHeadSchema), nextCursor: z.string().optional(), total }),
  target: anyPipeline,
  http: { method: 'POST', path: '/api/v1/search/pipelines', status: 200 },
});

export const searchPipelineVersionsOperation = defineOperation({
  name: 'pipelineVersion.search',
  action: 'pipeline:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches pipeline versions by name and creation time.',
  input: recordSearchInput(versionFields),
  output: z.strictObject({
    items: z.array(pipelineVersionSchema.extend({ pipeline: z.string().describe('Uid of the Pipeline.') })),
    nextCursor: z.string().optional(),
    total,
  }),
  target: anyPipeline,
  http: { method: 'POST', path: '/api/v1/search/pipeline-versions', status: 200 },
});

export const labelPipelineOperation = defineOperation({
  name: 'pipeline.label',
  action: 'pipeline:write',
  mode: 'write',
  scope: 'project',
  summary: 'Sets the display name and labels of a pipeline.',
  input: z.strictObject({
    name: nameSchema.describe('Name of the Pipeline.'),
    displayName: z.string().min(1).max(256).optional().describe('Display name.'),
    tags: tags.optional().describe('All labels.'),
  }),
  output: pipelineHeadSchema,
  target: ({ name }) => ({ kind: 'Pipeline', name }),
  http: { method: 'POST', path: '/api/v1/pipelines/:name/label', status: 200 },
});

export const startExecutionOperation = defineOperation({
  name: 'execution.start',
  action: 'execution:submit',
  mode: 'write',
  scope: 'project',
  summary: 'Starts a pipeline run of a document in any supported format, or of a stored version.',
  input: z.strictObject({
    name: z.string().min(1).max(256).describe('Name of the run.'),
    description: z.string().max(65_535).optional().describe('Description.'),
    format: z.string().min(1).max(32).optional().describe('Format of `document`.'),
    document: z.unknown().optional().describe('Pipeline document.'),
    pipeline: nameSchema.optional().describe('Instead of a document: name of a Pipeline.'),
    version: z
      .string()
      .min(1)
      .max(256)
      .default('latest')
      .describe('Version of `pipeline`: number, name or id; `latest` for the newest.'),
    parameters: z
      .record(z.string().min(1).max(256), executionParameterSchema)
      .default({})
      .describe('Parameter values. Others have their defaults.'),
    experimentId: z.string().min(1).max(64).optional().describe('Id of the experiment.'),
    about: z
      .record(z.string().max(128), z.unknown())
      .optional()
      .describe('Client metadata, stored with the run and returned unchanged.'),
    priority: z.int().min(-1000).max(1000).default(0).describe('Priority. Higher values run first.'),
  }),
  output: executionSchema,
  target: () => ({ kind: 'Execution' }),
  roles: ['operator', 'editor'],
  http: { method: 'POST', path: '/api/v1/executions-start', status: 201 },
});

export const pipelineSearchOperations: readonly Operation[] = [
  startExecutionOperation,
  searchPipelinesOperation,
  searchPipelineVersionsOperation,
  labelPipelineOperation,
];
