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

const executions = '/api/v1/executions' as const;
const ofExecution = () => ({ kind: 'Execution' });
const RUNNERS = ['operator', 'editor'] as const;

const id = z.string().min(1).max(64).describe('Id of the run.');
const word = z.string().regex(/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,126}[A-Za-z0-9_])?$/, {
  message: 'letters, digits and `._-`, at most 128',
});
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, { message: 'letters, digits and `_`' });
/** One argument of Linux has at most 128 KiB. */
const text = z.string().max(131_071);
const path = z
  .string()
  .min(1)
  .max(512)
  .describe('Relative to the working folder, with `/` between its parts; it does not leave it.');
const nodePath = z.string().max(2048);
const paging = {
  limit: z.int().min(1).max(1000).default(100).describe('Most items in one page.'),
  cursor: z.string().max(4096).optional().describe('`nextCursor` of the page before.'),
};
const page = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({ items: z.array(item), nextCursor: z.string().optional() });
const http = (
  method: HttpBinding['method'],
  at: HttpBinding['path'],
  more: Partial<HttpBinding> = {},
): HttpBinding => ({ method, path: at, status: 200, ...more });

const stepSchema = z.strictObject({
  command: z.array(text).min(1).max(4096).describe('The program and its arguments; no shell.'),
  needs: z.array(word).max(1000).default([]).describe('Steps that come before, beside those of its inputs.'),
  always: z.boolean().default(false).describe('It runs however those before it ended, but not in a cancelled run.'),
  inputs: z
    .record(
      word,
      z.union([
        z.strictObject({ value: executionParameterSchema.describe('As it is.') }),
        z.strictObject({ step: word.describe('Another step.'), output: word.describe('One of its outputs.') }),
      ]),
    )
    .default({})
    .describe(
      'What it is given: parameters in the variable `DAIS_INPUT_NAME`, files in `inputs/NAME` of its working folder.',
    ),
  outputs: z
    .record(
      word,
      z.strictObject({
        path,
        as: z.enum(['files', 'text', 'json']).default('files').describe('A file or folder, or a parameter.'),
        optional: z.boolean().default(false).describe('It is no failure when it is not there.'),
      }),
    )
    .default({})
    .describe('What is kept of what it leaves.'),
  variables: z.record(variable, text).default({}).describe('Its environment.'),
  secrets: z
    .record(variable, z.strictObject({ secret: labelNameSchema, key: z.string().min(1).max(128) }))
    .default({})
    .describe('Variables whose values Secrets of the project have.'),
  environment: z
    .discriminatedUnion('type', [
      z.strictObject({ type: z.literal('system').describe('The programs of the machine.') }),
      z.strictObject({
        type: z.literal('python').describe('A Python with packages, made once and shared.'),
        version: z
          .string()
          .regex(/^\d+\.\d+(\.\d+)?$/)
          .optional()
          .describe('`3.11`; default: the newest.'),
        requirements: z.array(z.string().max(2048)).max(5000).default([]).describe('Lines as of a requirements file.'),
      }),
    ])
    .default({ type: 'system' })
    .describe('What it runs in.'),
  resources: z
    .record(z.string().max(128), z.number().positive())
    .default({})
    .describe('`cpu` in cores, `memory` and `disk` in bytes, devices by their names.'),
  timeoutSeconds: z.int().min(1).max(31_536_000).optional().describe('Then it is ended.'),
  retry: z
    .strictObject({
      count: z.int().min(0).max(100).describe('After the first attempt.'),
      delaySeconds: z.number().min(0).max(86_400).default(0).describe('Before the second attempt.'),
      factor: z.number().min(1).max(10).default(2).describe('By which each wait is longer than the one before.'),
      maxDelaySeconds: z.number().min(0).max(86_400).default(3600).describe('The longest wait.'),
    })
    .optional()
    .describe('Default: it is not tried again, unless the platform lost an attempt.'),
  cache: z
    .boolean()
    .default(false)
    .describe('It succeeds without running when the same command had the same inputs before in this project.'),
  isolation: z
    .enum(['required', 'none'])
    .optional()
    .describe(
      '`none`: it sees all that the server sees, which `execution:unisolated` must permit. Default: isolated; for the owner of a server without accounts, where the machine can.',
    ),
  network: z.boolean().default(false).describe('It may reach others.'),
});
export type ExecutionStepInput = z.infer<typeof stepSchema>;

export const uploadForExecutionOperation = defineOperation({
  name: 'execution.upload',
  action: 'execution:submit',
  mode: 'write',
  scope: 'project',
  summary: 'Keeps the bytes of the request for six hours, for a run that is submitted meanwhile.',
  input: z.strictObject({
    sha256: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .optional()
      .describe('What they must be.'),
  }),
  output: z.strictObject({
    upload: z.string().describe('Names them in `execution.submit`, once.'),
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
  summary: 'Runs commands, each once those before it have ended.',
  input: z.strictObject({
    name: z.string().min(1).max(256).default('run').describe('What people call it.'),
    steps: z.record(word, stepSchema).describe('By name; at least one, at most 1,000.'),
    priority: z.int().min(-1000).max(1000).default(0).describe('Higher first.'),
    code: executionCodeSchema
      .extend({
        files: z
          .array(
            z.strictObject({
              path,
              upload: z.uuid().describe('Of `execution.upload`.'),
              executable: z.boolean().default(false).describe('It may be executed.'),
            }),
          )
          .max(10_000)
          .describe('What lies in the working folder of every step.'),
      })
      .optional()
      .describe('The code that the steps run.'),
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
  summary: 'Gives a run.',
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
  summary: 'Lists the runs of the project, the newest first.',
  input: z.strictObject({
    state: z.enum(executionStates).optional().describe('Only those in this state.'),
    name: z.string().max(256).optional().describe('Only those of this name.'),
    ...paging,
  }),
  output: page(executionSchema),
  target: ofExecution,
  http: http('GET', executions, { query: ['state', 'name', 'limit', 'cursor'] }),
});

export const listExecutionNodesOperation = defineOperation({
  name: 'execution.nodes',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the steps and groups of a run, by their paths.',
  input: z.strictObject({
    id,
    state: z.enum(executionNodeStates).optional().describe('Only those in this state.'),
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
  summary: 'Lists what was tried in a run, the earliest first.',
  input: z.strictObject({ id, node: nodePath.optional().describe('Only of this step.'), ...paging }),
  output: page(executionAttemptSchema),
  target: ofExecution,
  http: http('GET', `${executions}/:id/attempts`, { query: ['node', 'limit', 'cursor'] }),
});

const logInput = {
  id,
  node: nodePath.optional().describe('Path of the step; needed where there is more than one.'),
  attempt: z.uuid().optional().describe('Default: the latest of the step.'),
};

export const readExecutionLogOperation = defineOperation({
  name: 'execution.logs',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Gives what a step has written so far, from a place on.',
  input: z.strictObject({
    ...logInput,
    cursor: z.string().max(256).optional().describe('`cursor` of the answer before; default: the beginning.'),
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
  summary: 'Streams what a step writes until it has ended, further attempts of it included.',
  input: z.strictObject({
    ...logInput,
    resourceVersion: z.string().max(256).optional().describe('`cursor` of the frame before.'),
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
  summary:
    'Ends a run: nothing of it starts any more, and what runs is told to end. One that has ended stays as it is.',
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
  summary: 'Does a run that has ended again, as a new one; what succeeded and would be the same is taken over.',
  input: z.strictObject({
    id,
    again: z.array(word).max(1000).default([]).describe('Steps that run again although they succeeded.'),
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
  summary: 'Deletes a run that has ended, with its files and logs.',
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
  summary: 'Lists the files of a run: its code, what its steps left, and logs.',
  input: z.strictObject({
    id,
    prefix: z.string().max(1024).default('').describe('What their names begin with.'),
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
  summary: 'Gives the bytes of a file of a run, whole or a range of them.',
  input: z.strictObject({ id, name: z.string().min(1).max(1024).describe('As `execution.files` gives it.') }),
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
