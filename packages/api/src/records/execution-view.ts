import { z } from 'zod';
import { executionAttemptSchema, executionNodeSchema } from '#records/execution.ts';

/** Views of executions for people: the graph, one step in full, and pending steps. */

const { path, kind, state, source, attempts, startedAt, endedAt } = executionNodeSchema.shape;

export const executionMarkSchema = z.strictObject({
  path,
  kind,
  state,
  source,
  attempts,
  items: z.int().optional().describe('Number of items of a loop.'),
  startedAt,
  endedAt,
});
export type ExecutionMark = z.infer<typeof executionMarkSchema>;

export const executionEdgeSchema = z.strictObject({
  from: z.string().describe('Name of a task in the group.'),
  to: z.string().describe('Name of the dependent task.'),
});
export type ExecutionEdge = z.infer<typeof executionEdgeSchema>;

const text = z.string();

export const executionStepSchema = executionNodeSchema.extend({
  step: z
    .strictObject({
      command: z.array(text).describe('With the values of its inputs, as far as they are known.'),
      variables: z.record(z.string(), text).describe('Environment variables.'),
      secrets: z
        .record(z.string(), z.strictObject({ secret: text, key: text }))
        .describe('Environment variables with values of secrets.'),
      environment: z
        .strictObject({
          type: z.enum(['system', 'python', 'image']),
          image: z.string().optional(),
          version: text.optional(),
          requirements: z.array(text).optional().describe('Requested environment.'),
          packages: z.array(text).optional().describe('Resolved packages: `numpy==2.3.1`; absent until resolved.'),
        })
        .describe('Execution environment.'),
      resources: z.record(z.string(), z.number()).describe('Requested resources.'),
      target: text.optional().describe('Name of its target. Absent: the machines of the server.'),
      pool: text.optional().describe('Pool of nodes of the target.'),
      outputs: z.record(z.string(), text).describe('Output paths in the working folder.'),
      timeoutSeconds: z.number().optional(),
      retries: z.int().describe('Retry policy.'),
      cache: z.boolean(),
      isolation: z.enum(['required', 'preferred', 'none']),
      network: z.boolean(),
    })
    .optional()
    .describe('Absent for groups.'),
});
export type ExecutionStep = z.infer<typeof executionStepSchema>;

const amounts = z.record(z.string(), z.number());

export const executionWaitSchema = z.strictObject({
  run: z.string().describe('Id of the pipeline run or job.'),
  name: z.string().describe('Name of the pipeline run or job.'),
  node: z.string().describe('Path of the step.'),
  priority: z.int().describe('Priority within the project. Higher values run first.'),
  since: z.int().describe('Time since which the step is ready, in milliseconds since 1970-01-01 UTC.'),
  why: z
    .enum(['quota', 'over-quota', 'capacity', 'concurrency', 'retry', 'starting'])
    .describe(
      '`quota`: running steps of the project use up its quota; `over-quota`: it requests more than the whole quota; `capacity`: the machine has too little free; `concurrency`: every process runs as many steps as it may; `retry`: it waits for its next attempt; `starting`: a process prepares its files and packages.',
    ),
  resource: z
    .string()
    .optional()
    .describe('Quota or capacity that the step waits for: `cpu`, `memory`, `disk`, a device, or `runningSteps`.'),
  before: z.int().describe('Number of steps of the project that come first.'),
  until: z.int().optional().describe('Time of the next attempt, if known.'),
  resources: amounts.describe('Requested resources, defaults included.'),
  target: z.string().optional().describe('Name of its target. Absent: the machines of the server.'),
  note: z.string().optional().describe('What a starting step waits for, as its target reports it.'),
  attempt: executionAttemptSchema.shape.number.optional().describe('Attempt number of a starting step.'),
});
export type ExecutionWait = z.infer<typeof executionWaitSchema>;

export const computeLimitsSchema = z.strictObject({
  resources: amounts.describe('Limit per resource. Missing resources have no limit.'),
  runningSteps: z.int().describe('Maximum number of running steps.'),
  queuedSteps: z.int().describe('Number of queued steps.'),
  weight: z.number().describe('Weight relative to other projects.'),
});
export type ComputeLimits = z.infer<typeof computeLimitsSchema>;

export const computeUseSchema = z.strictObject({
  runningSteps: z.int().describe('Number of running and starting steps.'),
  queuedSteps: z.int().describe('Number of steps that wait in the queue or for their next attempt.'),
  resources: amounts.describe('Total requests of running steps per resource.'),
});
export type ComputeUse = z.infer<typeof computeUseSchema>;

export const computeNodeSchema = z.strictObject({
  type: z.enum(['machine', 'target']).describe('A machine of the server, or a compute target.'),
  name: z.string().describe('Name of the machine or the target.'),
  resources: amounts.describe('Capacity: `cpu` in cores, `memory` in bytes, devices as a count.'),
  used: amounts.describe('Total requests of running steps.'),
  concurrency: z.int().describe('Maximum number of steps there.'),
  runningSteps: z.int().describe('Number of running and starting steps.'),
});
export type ComputeNode = z.infer<typeof computeNodeSchema>;

export const executionQueueSchema = z.strictObject({
  items: z.array(executionWaitSchema),
  nextCursor: z.string().optional(),
  use: computeUseSchema.describe('Usage of the project.'),
  limits: computeLimitsSchema.describe('Quotas of the project, with the defaults of the configuration.'),
  others: computeUseSchema.describe('Usage of all other projects.'),
  nodes: z.array(computeNodeSchema).max(200).describe('Machines and targets; at most 100 of each.'),
});
export type ExecutionQueue = z.infer<typeof executionQueueSchema>;

export const projectComputeSchema = z.strictObject({
  project: z.string().describe('Name of the project.'),
  use: computeUseSchema.describe('Usage.'),
  limits: computeLimitsSchema.describe('Quotas of the project, with the defaults of the configuration.'),
  share: z.number().describe('Dominant share: the largest share of any resource of all machines, 0 to 1.'),
});
export type ProjectCompute = z.infer<typeof projectComputeSchema>;
