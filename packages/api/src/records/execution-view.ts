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
          requirements: z.array(text).optional().describe('What was asked for.'),
          packages: z
            .array(text)
            .optional()
            .describe('What it came to: `numpy==2.3.1`; absent until it was found out.'),
        })
        .describe('What it runs in.'),
      resources: z.record(z.string(), z.number()).describe('What it asked for.'),
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

export const executionWaitSchema = z.strictObject({
  run: z.string().describe('Id of its run.'),
  name: z.string().describe('Name of its run.'),
  node: z.string().describe('Path of the step.'),
  priority: z.int().describe('Higher first.'),
  since: z.int().describe('Since when it could run, in milliseconds since 1970-01-01 UTC.'),
  why: z
    .enum(['project', 'slots', 'retry', 'starting'])
    .describe(
      '`project`: the project runs as many as it may; `slots`: no process is free; `retry`: it waits for its next attempt; `starting`: a process has it, and brings its files or waits for resources.',
    ),
  before: z.int().describe('How many of the project come before it.'),
  until: z.int().optional().describe('When it is tried again, where that is known.'),
  resources: z.record(z.string(), z.number()).describe('What it asks for.'),
  attempt: executionAttemptSchema.shape.number.optional().describe('Which attempt it is, of one that starts.'),
});
export type ExecutionWait = z.infer<typeof executionWaitSchema>;

export const executionQueueSchema = z.strictObject({
  items: z.array(executionWaitSchema),
  nextCursor: z.string().optional(),
  running: z.int().describe('Steps of the project that run or start.'),
  perProject: z.int().describe('How many of them may do so.'),
  runningAll: z.int().describe('Of all projects.'),
  slots: z.int().describe('How many one process looks after.'),
  waitingElsewhere: z.int().describe('Steps of other projects that could run.'),
});
export type ExecutionQueue = z.infer<typeof executionQueueSchema>;
