import { z } from 'zod';
import { parameterTypes } from '#pipelines/parameters.ts';
import { executionParameterSchema } from '#records/execution.ts';

/** Versions of pipelines, and their plan. */

export const pipelineVersionSchema = z.strictObject({
  id: z.string().describe('Id.'),
  number: z.int().describe('Version number, from 1.'),
  name: z.string().describe('Name, unique in the pipeline; default: the version number.'),
  displayName: z.string().optional().describe('Display name.'),
  description: z.string().optional().describe('Description.'),
  sourceUrl: z.string().optional().describe('Where its code is from.'),
  tags: z.record(z.string(), z.string()).describe('Short values of the document.'),
  format: z.string().describe('Format of the document: `steps`, or another pipeline language.'),
  digest: z.string().describe('Digest of the document.'),
  createdBy: z.string().describe('`user:ada`, `service:ci`.'),
  createdAt: z.int().describe('Milliseconds since 1970-01-01 UTC.'),
});
export type PipelineVersion = z.infer<typeof pipelineVersionSchema>;

export const wholePipelineVersionSchema = pipelineVersionSchema.extend({
  document: z.unknown().describe('Document.'),
});

export const pipelineGraphSchema = z.strictObject({
  version: pipelineVersionSchema,
  parameters: z
    .record(
      z.string(),
      z.strictObject({
        type: z.enum(parameterTypes),
        default: executionParameterSchema.optional().describe('Default. Without it, every run must set a value.'),
        choices: z.array(executionParameterSchema).optional().describe('Allowed values.'),
        description: z.string().optional().describe('Type of the job.'),
      }),
    )
    .describe('Parameters of a run.'),
  nodes: z
    .array(
      z.strictObject({
        path: z.string().describe('Task names from the outside in: `train/fit`.'),
        kind: z.enum(['step', 'graph', 'loop']).describe('Command, group of tasks, or loop over items.'),
        group: z.boolean().describe('Whether it is a group of tasks.'),
        conditional: z.boolean().describe('Whether it has a condition.'),
        always: z.boolean().describe('Whether it always runs, regardless of upstream results.'),
      }),
    )
    .describe('Tasks. A group comes before its members.'),
  edges: z
    .array(z.strictObject({ from: z.string().describe('Path of the upstream step.'), to: z.string() }))
    .describe('Dependencies.'),
  more: z.boolean().describe('Whether the graph is truncated.'),
  warnings: z.array(z.string()).describe('Features that Dais handles differently or ignores.'),
});
export type PipelineGraph = z.infer<typeof pipelineGraphSchema>;
