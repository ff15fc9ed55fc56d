import { z } from 'zod';
import { parameterTypes } from '#pipelines/parameters.ts';
import { executionParameterSchema } from '#records/execution.ts';

/** Versions of pipelines, and what they look like before they run. */

export const pipelineVersionSchema = z.strictObject({
  id: z.string().describe('Id.'),
  number: z.int().describe('1 for the first of its pipeline.'),
  name: z.string().describe('Unique in its pipeline; default: its number.'),
  displayName: z.string().optional().describe('Display name.'),
  description: z.string().optional().describe('Description.'),
  sourceUrl: z.string().optional().describe('Where its code is from.'),
  tags: z.record(z.string(), z.string()).describe('Short values.'),
  format: z.string().describe('What its document is: `steps`, or the word of another language.'),
  digest: z.string().describe('Equal for equal documents.'),
  createdBy: z.string().describe('`user:ada`, `service:ci`.'),
  createdAt: z.int().describe('Milliseconds since 1970-01-01 UTC.'),
});
export type PipelineVersion = z.infer<typeof pipelineVersionSchema>;

export const wholePipelineVersionSchema = pipelineVersionSchema.extend({
  document: z.unknown().describe('What it says.'),
});

export const pipelineGraphSchema = z.strictObject({
  version: pipelineVersionSchema,
  parameters: z
    .record(
      z.string(),
      z.strictObject({
        type: z.enum(parameterTypes),
        default: executionParameterSchema.optional().describe('Without it, every run must give a value.'),
        choices: z.array(executionParameterSchema).optional().describe('Its only values.'),
        description: z.string().optional().describe('What it does.'),
      }),
    )
    .describe('What a run of it may be given.'),
  nodes: z
    .array(
      z.strictObject({
        path: z.string().describe('Names of tasks from the outside in: `train/fit`.'),
        kind: z.enum(['step', 'graph', 'loop']).describe('Command, group of tasks, or loop over items.'),
        group: z.boolean().describe('It holds others.'),
        conditional: z.boolean().describe('It runs only if something is true.'),
        always: z.boolean().describe('It runs however those before it ended.'),
      }),
    )
    .describe('Every task, a group before what it holds.'),
  edges: z
    .array(z.strictObject({ from: z.string().describe('Path of the upstream step.'), to: z.string() }))
    .describe('Who waits for whom.'),
  more: z.boolean().describe('Whether the graph is truncated.'),
  warnings: z.array(z.string()).describe('What of it is done in another way here, or not at all.'),
});
export type PipelineGraph = z.infer<typeof pipelineGraphSchema>;
