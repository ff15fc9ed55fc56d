import { z } from 'zod';

/** Executions of commands and pipelines: the specification and the results. */

export const executionStates = ['pending', 'running', 'succeeded', 'failed', 'canceled'] as const;
export type ExecutionState = (typeof executionStates)[number];

export const executionNodeStates = [
  'pending',
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
    .describe('Git commit.'),
  dirty: z.boolean().optional().describe('Whether the working tree has uncommitted changes.'),
});

export const executionSchema = z.strictObject({
  id: z.string().describe('Id.'),
  name: z.string().describe('Name. It need not be unique.'),
  state: z.enum(executionStates).describe('`pending`: no step has started.'),
  cancelRequested: z.boolean().describe('Whether cancellation is requested.'),
  priority: z.int().describe('Priority. Higher values run first.'),
  error: z.string().optional().describe('Error message.'),
  code: executionCodeSchema.optional().describe('Code.'),
  retryOf: z.string().optional().describe('Id of the run that this run repeats.'),
  thread: z.string().optional().describe('Id of the job that this job resumes.'),
  superseded: z.literal(true).optional().describe('Id of the job that resumes this job.'),
  description: z.string().optional().describe('Description.'),
  pipeline: z.string().optional().describe('Uid of the Pipeline.'),
  pipelineVersion: z.string().optional().describe('Id of the pipeline version.'),
  schedule: z.string().optional().describe('Trigger.'),
  experimentId: z.string().optional().describe('Id of the experiment.'),
  about: z.record(z.string(), z.unknown()).optional().describe('Client metadata.'),
  warnings: z
    .array(z.string())
    .optional()
    .describe('Features of the pipeline that Dais handles differently or ignores.'),
  archivedAt: at.optional().describe('Time of archiving.'),
  submittedBy: z.string().describe('`user:ada`, `service:ci`.'),
  nodes: z
    .partialRecord(z.enum(executionNodeStates), z.int())
    .optional()
    .describe('Number of steps and groups per state; not in lists.'),
  createdAt: at,
  startedAt: at.optional(),
  endedAt: at.optional(),
});
export type Execution = z.infer<typeof executionSchema>;

/** Any JSON. Not zod's own schema, which refers to itself: not every reader of OpenAPI supports that. */
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
          run: z.string().describe('Id of the run that owns the files.'),
          prefix: z.string().describe('Prefix of the file names.'),
          files: z.int().describe('Number.'),
          bytes: z.int().describe('Total size in bytes.'),
          digest: z.string().describe('Digest of the files.'),
          name: z.string().optional().describe('Name in the pipeline.'),
          type: z.string().optional().describe('Artifact type in the pipeline: `system.Model`.'),
          metadata: z.record(z.string(), z.unknown()).optional().describe('Metadata from the step.'),
          uri: z.string().optional().describe('External location.'),
        }),
      ),
    }),
    z.strictObject({
      dataset: z.string().describe('Name of the dataset.'),
      version: z.int().describe('Number of the version.'),
      id: z.string().describe('Id of the version.'),
      digest: z.string().describe('Digest of the rows as the step reads them.'),
    }),
  ])
  .describe('Parameter, files, or dataset version.');
export type ExecutionValue = z.infer<typeof executionValueSchema>;

export const executionNodeSchema = z.strictObject({
  path: z
    .string()
    .describe('Task names from the outside in, with iteration numbers: `train/3/fit`. Empty: the whole run.'),
  kind: z.enum(['step', 'graph', 'loop']).describe('Command, group of tasks, or loop over items.'),
  state: z
    .enum(executionNodeStates)
    .describe(
      '`delayed`: waits for its next attempt; `skipped`: its condition was false, or a step that it needs was skipped; `blocked`: a step that it needs failed.',
    ),
  source: z
    .enum(['cache', 'reused'])
    .optional()
    .describe('Cache hit: an equal step ran before in the project, or in the run that this run repeats.'),
  attempts: z.int().describe('Number of attempts.'),
  error: z.string().optional().describe('Error message of the step or of its latest attempt.'),
  tracking: z
    .strictObject({ experiment: z.string(), run: z.string() })
    .optional()
    .describe('Ids of the tracked run and its experiment.'),
  inputs: z.record(z.string(), executionValueSchema),
  outputs: z.record(z.string(), executionValueSchema),
  startedAt: at.optional(),
  endedAt: at.optional(),
});
export type ExecutionNode = z.infer<typeof executionNodeSchema>;

export const executionAttemptSchema = z.strictObject({
  id: z.string().describe('Id.'),
  node: z.string().describe('Path of the step.'),
  number: z.int().describe('Attempt number, from 1.'),
  state: z
    .enum(['claimed', 'started', 'ended'])
    .describe('`claimed`: inputs are being fetched, or it waits for its target.'),
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
      'End reason. `exit`: the process exited; `refused`: failed to start; `lost`: result unknown; `cached`: cache hit.',
    ),
  code: z.int().optional().describe('Exit code; absent when a signal ended it.'),
  signal: z.string().optional().describe('`SIGKILL`.'),
  error: z.string().optional().describe('Description.'),
  wallMs: z.number().optional().describe('Duration.'),
  cpuMs: z.number().optional().describe('CPU time.'),
  peakMemoryBytes: z.number().optional().describe('Peak memory in bytes.'),
  target: z.string().optional().describe('Name of its target. Absent: the machines of the server.'),
  note: z.string().optional().describe('What it waits for, while it is starting: `waits for a node`.'),
  claimedAt: at,
  startedAt: at.optional(),
  endedAt: at.optional(),
});
export type ExecutionAttempt = z.infer<typeof executionAttemptSchema>;

export const executionLogSchema = z.strictObject({
  text: z.string().describe('New output; bytes that are not UTF-8 are replaced.'),
  cursor: z.string().describe('Where to read on.'),
  attempt: z.string().optional().describe('Id of the attempt; absent while there is none.'),
  ended: z.boolean().describe('Whether the log is complete.'),
});
export type ExecutionLog = z.infer<typeof executionLogSchema>;
