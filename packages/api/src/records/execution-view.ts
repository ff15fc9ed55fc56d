import { z } from 'zod';
import { executionAttemptSchema, executionNodeSchema } from '#records/execution.ts';

/** Runs as people look at them: their graph, one step in full, and what waits. */

const { path, kind, state, source, attempts, startedAt, endedAt } = executionNodeSchema.shape;

export const executionMarkSchema = z.strictObject({
  path,
  kind,
  state,
  source,
  attempts,
  items: z.int().optional().describe('Of a loop: for how many items it runs.'),
  startedAt,
  endedAt,
});
export type ExecutionMark = z.infer<typeof executionMarkSchema>;

export const executionEdgeSchema = z.strictObject({
  from: z.string().describe('Name of a task in the group.'),
  to: z.string().describe('The one that waits for it.'),
});
export type ExecutionEdge = z.infer<typeof executionEdgeSchema>;

const text = z.string();

export const executionStepSchema = executionNodeSchema.extend({
  step: z
    .strictObject({
      command: z.array(text).describe('With the values of its inputs, as far as they are known.'),
      variables: z.record(z.string(), text).describe('Its environment.'),
      secrets: z
        .record(z.string(), z.strictObject({ secret: text, key: text }))
        .describe('Variables with values of Secrets.'),
      environment: z
        .strictObject({
          type: z.enum(['system', 'python', 'image']),
          image: z.string().optional(),
          version: text.optional(),
          requirements: z.array(text).optional().describe('Requested environment.'),
          packages: z
            .array(text)
            .optional()
            .describe('What it came to: `numpy==2.3.1`; absent until it was found out.'),
        })
        .describe('What it runs in.'),
      resources: z.record(z.string(), z.number()).describe('Requested resources.'),
      outputs: z.record(z.string(), text).describe('Paths in its working folder.'),
      timeoutSeconds: z.number().optional(),
      retries: z.int().describe('How often it is tried again.'),
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
  run: z.string().describe('Id of its run.'),
  name: z.string().describe('Name of its run.'),
  node: z.string().describe('Path of the step.'),
  priority: z.int().describe('Higher first, within the project.'),
  since: z.int().describe('Since when it could run, in milliseconds since 1970-01-01 UTC.'),
  why: z
    .enum(['quota', 'over-quota', 'capacity', 'concurrency', 'retry', 'starting'])
    .describe(
      '`quota`: running steps of the project use up its quota; `over-quota`: it requests more than the whole quota; `capacity`: the machine has too little free; `concurrency`: every process runs as many steps as it may; `retry`: it waits for its next attempt; `starting`: a process prepares its files and packages.',
    ),
  resource: z
    .string()
    .optional()
    .describe('Which quota or capacity it waits for: `cpu`, `memory`, `disk`, a device, or `runningSteps`.'),
  before: z.int().describe('How many steps of the project come before it.'),
  until: z.int().optional().describe('When it is tried again, where that is known.'),
  resources: amounts.describe('What it requests, defaults included.'),
  attempt: executionAttemptSchema.shape.number.optional().describe('Which attempt it is, of one that starts.'),
});
export type ExecutionWait = z.infer<typeof executionWaitSchema>;

export const computeLimitsSchema = z.strictObject({
  resources: amounts.describe('By resource; what is missing has no limit.'),
  runningSteps: z.int().describe('Steps that run at the same time.'),
  queuedSteps: z.int().describe('Steps that wait in the queue.'),
  weight: z.number().describe('Share relative to other projects.'),
});
export type ComputeLimits = z.infer<typeof computeLimitsSchema>;

export const computeUseSchema = z.strictObject({
  runningSteps: z.int().describe('Steps that run or start.'),
  queuedSteps: z.int().describe('Steps that wait in the queue, or for their next attempt.'),
  resources: amounts.describe('What running steps request together, by resource.'),
});
export type ComputeUse = z.infer<typeof computeUseSchema>;

export const computeNodeSchema = z.strictObject({
  name: z.string().describe('Name of the machine.'),
  resources: amounts.describe('What it has: `cpu` in cores, `memory` in bytes, devices in pieces.'),
  used: amounts.describe('What running steps request of it.'),
  concurrency: z.int().describe('Steps that it runs at the same time.'),
  runningSteps: z.int().describe('Steps that run or start on it.'),
});
export type ComputeNode = z.infer<typeof computeNodeSchema>;

export const executionQueueSchema = z.strictObject({
  items: z.array(executionWaitSchema),
  nextCursor: z.string().optional(),
  use: computeUseSchema.describe('What the project uses.'),
  limits: computeLimitsSchema.describe('Its quotas, and the defaults of the configuration.'),
  others: computeUseSchema.describe('What all other projects use together.'),
  nodes: z.array(computeNodeSchema).max(100).describe('Machines that run steps; at most 100.'),
});
export type ExecutionQueue = z.infer<typeof executionQueueSchema>;

export const projectComputeSchema = z.strictObject({
  project: z.string().describe('Name of the project.'),
  use: computeUseSchema.describe('What it uses.'),
  limits: computeLimitsSchema.describe('Its quotas, and the defaults of the configuration.'),
  share: z
    .number()
    .describe('The largest part that it has of any resource of all machines, from 0 to 1: its dominant share.'),
});
export type ProjectCompute = z.infer<typeof projectComputeSchema>;
