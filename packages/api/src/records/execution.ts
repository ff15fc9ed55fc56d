import { z } from 'zod';

/** Runs of commands and pipelines: what is to be done, and what became of it. */

export const executionStates = ['pending', 'running', 'succeeded', 'failed', 'canceled'] as const;
export type ExecutionState = (typeof executionStates)[number];

export const executionNodeStates = [
  'waiting',
  'ready',
  'delayed',
  'running',
  'succeeded',
  'failed',
  'skipped',
  'blocked',
  'canceled',
] as const;

const at = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const executionCodeSchema = z.strictObject({
  repository: z.string().max(2048).optional().describe('Where the code is from.'),
  commit: z
    .string()
    .regex(/^[0-9a-f]{7,64}$/)
    .optional()
    .describe('Its git commit.'),
  dirty: z.boolean().optional().describe('It was changed since that commit.'),
});

export const executionSchema = z.strictObject({
  id: z.string().describe('Its id.'),
  name: z.string().describe('What people call it; many can have the same name.'),
  state: z.enum(executionStates).describe('`pending`: nothing of it has started yet.'),
  cancelAsked: z.boolean().describe('Whether its cancellation was requested.'),
  priority: z.int().describe('Higher first.'),
  error: z.string().optional().describe('Why it failed.'),
  code: executionCodeSchema.optional().describe('The code that it runs.'),
  retryOf: z.string().optional().describe('The run that this one does again.'),
  thread: z.string().optional().describe('The job that this one resumes.'),
  superseded: z.literal(true).optional().describe('The job that resumes this one.'),
  description: z.string().optional().describe('What people say of it.'),
  pipeline: z.string().optional().describe('Uid of the Pipeline that it runs.'),
  pipelineVersion: z.string().optional().describe('Id of the version of it.'),
  schedule: z.string().optional().describe('What started it.'),
  experimentId: z.string().optional().describe('The experiment that it belongs to.'),
  about: z.record(z.string(), z.unknown()).optional().describe('Client metadata.'),
  warnings: z.array(z.string()).optional().describe('What of the pipeline is done in another way here, or not at all.'),
  archivedAt: at.optional().describe('Since when it is put aside.'),
  submittedBy: z.string().describe('`user:ada`, `service:ci`.'),
  nodes: z
    .partialRecord(z.enum(executionNodeStates), z.int())
    .optional()
    .describe('How many of its steps and groups are in each state; not in lists.'),
  createdAt: at,
  startedAt: at.optional(),
  endedAt: at.optional(),
});
export type Execution = z.infer<typeof executionSchema>;

/** Any JSON. Not zod's own word for it, which refers to itself: not every reader of OpenAPI follows that. */
export const executionParameterSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.null(),
  z.array(z.unknown()),
  z.record(z.string(), z.unknown()),
]);

export const executionValueSchema = z
  .union([
    z.strictObject({ parameter: executionParameterSchema }),
    z.strictObject({
      files: z.array(
        z.strictObject({
          run: z.string().describe('The run whose files they are.'),
          prefix: z.string().describe('What their names begin with.'),
          files: z.int().describe('How many.'),
          bytes: z.int().describe('All together.'),
          digest: z.string().describe('Equal for equal files.'),
          name: z.string().optional().describe('What its pipeline calls it.'),
          type: z.string().optional().describe('What it is, in the words of its pipeline: `system.Model`.'),
          metadata: z.record(z.string(), z.unknown()).optional().describe('What its step says about it.'),
          uri: z.string().optional().describe('External location.'),
        }),
      ),
    }),
    z.strictObject({
      dataset: z.string().describe('Name of the dataset.'),
      version: z.int().describe('Number of the version.'),
      id: z.string().describe('Id of the version.'),
      digest: z.string().describe('Equal for equal rows, as the step sees them.'),
    }),
  ])
  .describe('A parameter, files, or a version of a dataset.');
export type ExecutionValue = z.infer<typeof executionValueSchema>;

export const executionNodeSchema = z.strictObject({
  path: z
    .string()
    .describe('Names of tasks from the outside in, and numbers of iterations: `train/3/fit`. Empty: all of it.'),
  kind: z.enum(['step', 'graph', 'loop']).describe('A command, a group of tasks, or one task for many items.'),
  state: z
    .enum(executionNodeStates)
    .describe(
      '`delayed`: it waits to be tried again; `skipped`: its condition was false, or what it needs was skipped; `blocked`: what it needs did not succeed.',
    ),
  source: z
    .enum(['cache', 'reused'])
    .optional()
    .describe('It did not run: the same was done before in the project, or in the run that this one does again.'),
  attempts: z.int().describe('How often it was tried.'),
  error: z.string().optional().describe('Why it failed, or why the latest attempt did.'),
  tracking: z
    .strictObject({ experiment: z.string(), run: z.string() })
    .optional()
    .describe('Ids of the run that it logs into, and of its experiment.'),
  inputs: z.record(z.string(), executionValueSchema),
  outputs: z.record(z.string(), executionValueSchema),
  startedAt: at.optional(),
  endedAt: at.optional(),
});
export type ExecutionNode = z.infer<typeof executionNodeSchema>;

export const executionAttemptSchema = z.strictObject({
  id: z.string().describe('Its id.'),
  node: z.string().describe('Path of the step.'),
  number: z.int().describe('1 for the first.'),
  state: z.enum(['claimed', 'started', 'ended']).describe('`claimed`: what it needs is being brought.'),
  ending: z
    .enum([
      'exit',
      'canceled',
      'wall-time',
      'out-of-memory',
      'too-many-processes',
      'disk-full',
      'refused',
      'lost',
      'cached',
    ])
    .optional()
    .describe(
      'End reason. `exit`: the process exited; `refused`: failed to start; `lost`: result unknown; `cached`: not needed.',
    ),
  code: z.int().optional().describe('Exit code; absent when a signal ended it.'),
  signal: z.string().optional().describe('`SIGKILL`.'),
  error: z.string().optional().describe('In words.'),
  wallMs: z.number().optional().describe('How long it ran.'),
  cpuMs: z.number().optional().describe('Time of processors.'),
  peakMemoryBytes: z.number().optional().describe('Most memory that it had at a time.'),
  claimedAt: at,
  startedAt: at.optional(),
  endedAt: at.optional(),
});
export type ExecutionAttempt = z.infer<typeof executionAttemptSchema>;

export const executionLogSchema = z.strictObject({
  text: z.string().describe('What came since; bytes that are no UTF-8 are replaced.'),
  cursor: z.string().describe('Where to read on.'),
  attempt: z.string().optional().describe('Id of the attempt that wrote it; absent while there is none.'),
  ended: z.boolean().describe('Nothing more will come.'),
});
export type ExecutionLog = z.infer<typeof executionLogSchema>;
