import { z } from 'zod';
import { labelNameSchema } from '#manifest.ts';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import {
  executionAttemptSchema,
  executionCodeSchema,
  executionLogSchema,
  executionNodeSchema,
  executionNodeStates,
  executionParameterSchema,
  executionSchema,
  executionStates,
} from '#records/execution.ts';
import { datasetReferenceSchema } from '#records/data-reference.ts';
import {
  argumentText,
  stepDataFormat,
  stepEnvironment,
  stepOutputs,
  stepPath,
  stepRetry,
  stepPool,
  stepTarget,
  stepTimeout,
  stepTracking,
  stepWord,
  variableName,
} from '#records/step-fields.ts';

const executions = '/api/v1/executions' as const;
const ofExecution = () => ({ kind: 'Execution' });
const RUNNERS = ['operator', 'editor'] as const;

const id = z.string().min(1).max(64).describe('ID of the job.');
const nodePath = z.string().max(2048);
const paging = {
  limit: z.int().min(1).max(1000).default(100).describe('Maximum items per page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the previous page.'),
};
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });
const http = (
  method: HttpBinding['method'],
  at: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path: at, status: 200, ...more });

const stepSchema = z.strictObject({
  command: z.array(argumentText).min(1).max(4096).describe('Program and arguments, without a shell.'),
  needs: z.array(stepWord).max(1000).default([]).describe('Dependencies, in addition to those of its inputs.'),
  always: z
    .boolean()
    .default(false)
    .describe('Runs the step regardless of the result of its dependencies, except in a canceled job.'),
  inputs: z
    .record(
      stepWord,
      z.union([
        z.strictObject({ value: executionParameterSchema.describe('A literal value.') }),
        z.strictObject({ step: stepWord.describe('Another step.'), output: stepWord.describe('Output of the step.') }),
        z.strictObject({
          dataset: datasetReferenceSchema.describe(
            'Dataset version: `flights@3`, `flights@latest`. It is resolved at submission.',
          ),
          format: stepDataFormat.optional(),
        }),
      ]),
    )
    .default({})
    .describe(
      'Inputs: parameters in the variable `DAIS_INPUT_NAME`, files in `inputs/NAME` of the working folder, the path of a dataset in `DAIS_DATA_NAME`.',
    ),
  outputs: stepOutputs.default({}).describe('Outputs to keep.'),
  variables: z.record(variableName, argumentText).default({}).describe('Environment variables.'),
  secrets: z
    .record(variableName, z.strictObject({ secret: labelNameSchema, key: z.string().min(1).max(128) }))
    .default({})
    .describe('Environment variables with values from Secrets of the project.'),
  environment: stepEnvironment.default({ type: 'system' }).describe('Execution environment.'),
  resources: z
    .record(z.string().max(128), z.number().positive())
    .default({})
    .describe('Resource requests: `cpu` in cores, `memory` and `disk` in bytes, devices by name.'),
  target: stepTarget.optional(),
  pool: stepPool.optional(),
  timeoutSeconds: stepTimeout.optional().describe('Timeout.'),
  retry: stepRetry.optional().describe('Retry policy. Default: no retries, unless the platform lost an attempt.'),
  cache: z
    .boolean()
    .default(false)
    .describe('Cache: reuses the outputs of an equal command with equal inputs in this project.'),
  isolation: z
    .enum(['required', 'none'])
    .optional()
    .describe(
      'Isolation. `none`: the step has the access of the server; requires `execution:unisolated`. Default: isolated; for the owner of a server without accounts, if the machine supports it.',
    ),
  network: z
    .boolean()
    .default(false)
    .describe('Network access through the outbound guard; requires `execution:network`.'),
  tracking: stepTracking.optional(),
});
export type ExecutionStepInput = z.infer<typeof stepSchema>;

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const executable = z.boolean().default(false).describe('Whether the file is executable.');

/** The code of a run: its provenance and its files, which were uploaded before or belong to an earlier run. */
export const codeInput = executionCodeSchema.extend({
  files: z
    .array(
      z.union([
        z.strictObject({
          path: stepPath,
          upload: z.uuid().describe('Id from `execution.upload`.'),
          executable,
        }),
        z.strictObject({
          path: stepPath,
          same: z
            .strictObject({
              run: z.uuid().describe('Id of a run of the project.'),
              path: stepPath.describe('Path of a code file of that run.'),
              sha256: sha256.describe('Expected SHA-256.'),
            })
            .describe('File of an earlier run that the caller may read.'),
          executable,
        }),
      ]),
    )
    .max(10_000)
    .describe('Files in the working folder of every step.'),
});

export const uploadForExecutionOperation = defineOperation({
  name: 'execution.upload',
  action: 'execution:submit',
  mode: 'write',
  scope: 'project',
  summary: 'Uploads code for a job. It is kept for six hours until the job is submitted.',
  input: z.strictObject({
    sha256: sha256.optional().describe('Expected digests.'),
  }),
  output: z.strictObject({
    upload: z.string().describe('Id for one `execution.submit`.'),
    size: z.int(),
    sha256: z.string(),
  }),
  target: ofExecution,
  roles: RUNNERS,
  http: http('PUT', `${executions}/uploads`, { query: ['sha256'], content: 'upload' }),
});

export const submitExecutionOperation = defineOperation({
  name: 'execution.submit',
  action: 'execution:submit',
  mode: 'write',
  scope: 'project',
  summary: 'Submits a job with one or several steps.',
  input: z.strictObject({
    name: z.string().min(1).max(256).default('run').describe('Name of the job.'),
    steps: z.record(stepWord, stepSchema).describe('Steps by name; 1 to 1,000.'),
    priority: z.int().min(-1000).max(1000).default(0).describe('Priority. Higher values run first.'),
    code: codeInput.optional().describe('Code of the steps.'),
  }),
  output: executionSchema,
  target: ofExecution,
  roles: RUNNERS,
  http: http('POST', executions, { status: 201 }),
});
export type SubmitExecutionInput = z.input<typeof submitExecutionOperation.input>;

export const readExecutionOperation = defineOperation({
  name: 'execution.get',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns a job or pipeline run.',
  input: z.strictObject({ id }),
  output: executionSchema,
  target: ofExecution,
  http: http('GET', `${executions}/:id`),
});

export const listExecutionsOperation = defineOperation({
  name: 'execution.list',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the jobs and pipeline runs of the project, newest first.',
  input: z.strictObject({
    state: z.enum(executionStates).optional().describe('Only in this state.'),
    name: z.string().max(256).optional().describe('Only with this name.'),
    contains: z.string().max(256).optional().describe('Only names that contain this text, case-insensitive.'),
    ...paging,
  }),
  output: page(executionSchema),
  target: ofExecution,
  http: http('GET', executions, { query: ['state', 'name', 'contains', 'limit', 'cursor'] }),
});

export const listExecutionNodesOperation = defineOperation({
  name: 'execution.nodes',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the steps and groups of a job by path.',
  input: z.strictObject({
    id,
    state: z.enum(executionNodeStates).optional().describe('Only in this state.'),
    ...paging,
  }),
  output: page(executionNodeSchema),
  target: ofExecution,
  http: http('GET', `${executions}/:id/nodes`, { query: ['state', 'limit', 'cursor'] }),
});

export const listExecutionAttemptsOperation = defineOperation({
  name: 'execution.attempts',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the attempts of a job, oldest first.',
  input: z.strictObject({ id, node: nodePath.optional().describe('Only of this step.'), ...paging }),
  output: page(executionAttemptSchema),
  target: ofExecution,
  http: http('GET', `${executions}/:id/attempts`, { query: ['node', 'limit', 'cursor'] }),
});

const logInput = {
  id,
  node: nodePath.optional().describe('Path of the step; required if the job has several.'),
  attempt: z.uuid().optional().describe('Attempt. Default: the latest of the step.'),
};

export const readExecutionLogOperation = defineOperation({
  name: 'execution.logs',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the log of a step from a position.',
  input: z.strictObject({
    ...logInput,
    cursor: z.string().max(256).optional().describe('`cursor` of the previous response; default: the start.'),
  }),
  output: executionLogSchema,
  target: ofExecution,
  http: http('GET', `${executions}/:id/logs`, { query: ['node', 'attempt', 'cursor'] }),
});

export const followExecutionLogOperation = defineOperation({
  name: 'execution.follow',
  action: 'execution:read',
  mode: 'watch',
  scope: 'project',
  summary: 'Streams the log of a step until it ends, including further attempts.',
  input: z.strictObject({
    ...logInput,
    resourceVersion: z.string().max(256).optional().describe('`cursor` of the previous frame.'),
  }),
  output: executionLogSchema,
  target: ofExecution,
  http: http('GET', `${executions}/:id/logs`, { query: ['node', 'attempt', 'resourceVersion'] }),
});

export const cancelExecutionOperation = defineOperation({
  name: 'execution.cancel',
  action: 'execution:cancel',
  mode: 'write',
  scope: 'project',
  summary: 'Cancels a job: no further steps start, and running steps are stopped. A finished job stays unchanged.',
  input: z.strictObject({ id }),
  output: executionSchema,
  target: ofExecution,
  roles: RUNNERS,
  http: http('POST', `${executions}/:id/cancel`),
});

export const retryExecutionOperation = defineOperation({
  name: 'execution.retry',
  action: 'execution:submit',
  mode: 'write',
  scope: 'project',
  summary: 'Reruns a finished job as a new job. Unchanged successful steps are reused.',
  input: z.strictObject({
    id,
    again: z.array(stepWord).max(1000).default([]).describe('Steps to rerun although they succeeded.'),
  }),
  output: executionSchema,
  target: ofExecution,
  roles: RUNNERS,
  http: http('POST', `${executions}/:id/retry`, { status: 201 }),
});

export const deleteExecutionOperation = defineOperation({
  name: 'execution.delete',
  action: 'execution:delete',
  mode: 'write',
  scope: 'project',
  summary: 'Deletes a finished job with its files and logs.',
  input: z.strictObject({ id }),
  output: z.strictObject({}),
  target: ofExecution,
  roles: ['editor'],
  http: http('DELETE', `${executions}/:id`),
});

export const listExecutionFilesOperation = defineOperation({
  name: 'execution.files',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the files of a job: code, outputs and logs.',
  input: z.strictObject({
    id,
    prefix: z.string().max(1024).default('').describe('Prefix of the file names.'),
    ...paging,
  }),
  output: page(
    z.strictObject({ name: z.string(), size: z.int(), sha256: z.string().nullable().describe('Lower-case hex.') }),
  ),
  target: ofExecution,
  http: http('GET', `${executions}/:id/files`, { query: ['prefix', 'limit', 'cursor'] }),
});

export const readExecutionFileOperation = defineOperation({
  name: 'execution.file',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Downloads a file of a job, whole or a range.',
  input: z.strictObject({ id, name: z.string().min(1).max(1024).describe('File name from `execution.files`.') }),
  output: z.strictObject({ size: z.int(), sha256: z.string().nullable() }),
  target: ofExecution,
  http: http('GET', `${executions}/:id/files/content`, { query: ['name'], content: 'download' }),
});

export const executionOperations: readonly Operation[] = [
  uploadForExecutionOperation,
  submitExecutionOperation,
  readExecutionOperation,
  listExecutionsOperation,
  listExecutionNodesOperation,
  listExecutionAttemptsOperation,
  readExecutionLogOperation,
  followExecutionLogOperation,
  cancelExecutionOperation,
  retryExecutionOperation,
  deleteExecutionOperation,
  listExecutionFilesOperation,
  readExecutionFileOperation,
];
