import { z } from 'zod';
import { defineOperation, type HttpBinding, type Operation } from '#operations/operation.ts';
import {
  computeNodeSchema,
  executionEdgeSchema,
  executionMarkSchema,
  executionQueueSchema,
  executionStepSchema,
  projectComputeSchema,
} from '#records/execution-view.ts';

/** Views of executions for people. */

const executions = '/api/v1/executions' as const;
const ofExecution = () => ({ kind: 'Execution' });
const id = z.string().min(1).max(64).describe('Id of the run.');
const nodePath = z.string().max(2048);
const cursor = z.string().max(4096).optional().describe('`nextCursor` of the previous page.');
const limit = z.int().min(1).max(1000).default(1000).describe('Maximum items per page.');
const get = (path: HttpBinding['path'], query: readonly string[]): HttpBinding => ({
  method: 'GET',
  path,
  status: 200,
  query,
});

export const readExecutionGraphOperation = defineOperation({
  name: 'execution.graph',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the steps and groups of a job in short form by path, optionally only changed ones.',
  input: z.strictObject({
    id,
    since: z
      .string()
      .regex(/^\d{1,18}$/)
      .optional()
      .describe('Value of an earlier response: only steps that changed since. Can include unchanged steps.'),
    limit,
    cursor,
  }),
  output: z.strictObject({
    items: z.array(executionMarkSchema),
    nextCursor: z.string().optional(),
    place: z.string().describe('Position for the next `since`; use the one of the first page.'),
  }),
  target: ofExecution,
  http: get(`${executions}/:id/graph`, ['since', 'limit', 'cursor']),
});

export const listExecutionEdgesOperation = defineOperation({
  name: 'execution.edges',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the dependencies between steps in a group of a job. They are immutable once the group has started.',
  input: z.strictObject({
    id,
    group: nodePath.default('').describe('Path of the group; default: the whole run.'),
    limit,
    cursor,
  }),
  output: z.strictObject({ items: z.array(executionEdgeSchema), nextCursor: z.string().optional() }),
  target: ofExecution,
  http: get(`${executions}/:id/edges`, ['group', 'limit', 'cursor']),
});

export const readExecutionStepOperation = defineOperation({
  name: 'execution.step',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns one step or group of a job with its command and execution environment.',
  input: z.strictObject({ id, node: nodePath.describe('Path.') }),
  output: executionStepSchema,
  target: ofExecution,
  http: get(`${executions}/:id/step`, ['node']),
});

export const readExecutionQueueOperation = defineOperation({
  name: 'execution.queue',
  action: 'execution:read',
  mode: 'read',
  scope: 'project',
  summary: 'Lists the queued steps of the project in start order with reasons, and the quota usage of the project.',
  input: z.strictObject({ limit: limit.default(100), cursor }),
  output: executionQueueSchema,
  target: ofExecution,
  http: get('/api/v1/execution-queue', ['limit', 'cursor']),
});

export const listComputeOperation = defineOperation({
  name: 'compute.list',
  action: 'compute:read',
  mode: 'read',
  scope: 'org',
  summary: 'Lists projects by resource usage with their quotas, and the worker machines.',
  input: z.strictObject({ limit: limit.default(100), cursor }),
  output: z.strictObject({
    items: z.array(projectComputeSchema).describe('Projects by name.'),
    nextCursor: z.string().optional(),
    nodes: z.array(computeNodeSchema).max(200).describe('Machines and targets; at most 100 of each.'),
  }),
  target: () => ({ kind: 'Compute' }),
  http: get('/api/v1/compute', ['limit', 'cursor']),
});

export const executionViewOperations: readonly Operation[] = [
  readExecutionGraphOperation,
  listExecutionEdgesOperation,
  readExecutionStepOperation,
  readExecutionQueueOperation,
  listComputeOperation,
];
