import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import { recordSearchInput } from '#operations/record-search.ts';
import { executionSchema } from '#records/execution.ts';

/** Search of executions, and actions on the results. */

const executions = '/api/v1/executions' as const;
const ofExecution = () => ({ kind: 'Execution' });
const RUNNERS = ['operator', 'editor'] as const;
/** Limit of a search's count. */
export const EXECUTIONS_COUNTED = 10_000;

const id = z.string().min(1).max(64).describe('Id of the run.');
const post = (path: HttpBinding['path']): HttpBinding => ({ method: 'POST', path, status: 200 });

const executionFields = [
  'id',
  'thread',
  'name',
  'description',
  'state',
  'archived',
  'superseded',
  'pipeline',
  'pipelineVersion',
  'schedule',
  'experimentId',
  'createdAt',
  'endedAt',
] as const;

export const searchExecutionsOperation = defineOperation({
  name: 'execution.search',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Searches jobs and pipeline runs.',
  input: recordSearchInput(executionFields),
  output: z.strictObject({
    items: z.array(executionSchema),
    nextCursor: z.string().optional(),
    total: z.int().optional().describe(`How many there are; it ends at ${EXECUTIONS_COUNTED}.`),
  }),
  target: ofExecution,
  http: post('/api/v1/search/executions'),
});

export const archiveExecutionsOperation = defineOperation({
  name: 'execution.archive',
  action: 'execution:archive',
  mode: 'write',
  scope: 'project',
  summary: 'Archives or restores a job, or all jobs of an experiment.',
  input: z.strictObject({
    id: id.optional(),
    experimentId: z.string().min(1).max(64).optional().describe('Instead of one run: all runs of this experiment.'),
    archived: z.boolean().default(true).describe('`false` restores it.'),
  }),
  output: z.strictObject({ changed: z.int().describe('Number of changed runs.') }),
  target: ofExecution,
  roles: RUNNERS,
  http: post('/api/v1/executions-archive'),
});

export const resumeExecutionOperation = defineOperation({
  name: 'execution.resume',
  action: 'execution:submit',
  mode: 'write',
  scope: 'project',
  summary: 'Resumes a failed or canceled job as a new job that reuses successful steps and keeps the ID of the first.',
  input: z.strictObject({ id }),
  output: executionSchema,
  target: ofExecution,
  roles: RUNNERS,
  http: { method: 'POST', path: `${executions}/:id/resume`, status: 201 },
});

export const executionSearchOperations: readonly Operation[] = [
  searchExecutionsOperation,
  archiveExecutionsOperation,
  resumeExecutionOperation,
];
