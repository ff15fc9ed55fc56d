import { z } from 'zod';

/**
 * Where things come from and what became of them, as a graph: an edge leads from what was there before to what was made
 * from it.
 */

export const lineageNodeTypes = [
  'dataset-version',
  'feature-view',
  'feature-service',
  'dataset',
  'commit',
  'entry-point',
  'run',
  'logged-model',
  'model-version',
  'endpoint',
  'predictions',
  'job',
  'job-run',
  'step',
  'files',
] as const;
export type LineageNodeType = (typeof lineageNodeTypes)[number];

/** What the far end of an edge has to do with its near end. */
export const lineageRelations = [
  'read',
  'made',
  'registered',
  'deployed',
  'copied',
  'converted',
  'child',
  'code',
  'started',
  'instance',
] as const;
export type LineageRelation = (typeof lineageRelations)[number];

export const lineageDirections = ['upstream', 'downstream', 'both'] as const;
export type LineageDirection = (typeof lineageDirections)[number];

const milliseconds = z.int().describe('Milliseconds since 1970-01-01 UTC.');

export const lineageNodeSchema = z.strictObject({
  node: z.string().describe('`type:id`, used by edges and by the parameter `node`.'),
  type: z.enum(lineageNodeTypes).describe('What it is.'),
  name: z.string().optional().describe('Display name.'),
  project: z.string().optional().describe('Its project.'),
  at: milliseconds.optional().describe('Creation time or first occurrence.'),
  gone: z.literal(true).optional().describe('It was deleted; what it had to do with others stays.'),
  hidden: z.literal(true).optional().describe('The caller may not read this node. Its details are hidden.'),
  data: z
    .record(z.string(), z.string())
    .optional()
    .describe('Where to look for it and what it is: `experiment`, `status`, `model`, `version`, `digest`, …'),
});
export type LineageNode = z.infer<typeof lineageNodeSchema>;

export const lineageEdgeSchema = z.strictObject({
  from: z.string().describe('Node that was there before.'),
  to: z.string().describe('Downstream node.'),
  relation: z
    .enum(lineageRelations)
    .describe(
      'What `to` did: `read` its input, was `made` by a run or step, was `registered` or `copied` as a version (files of a step that did not have to run are `copied` too), is a `child` of a run; or what `from` is to it: `code`, entry point or step that `started` it, job of which it is an `instance`.',
    ),
  at: milliseconds.describe('When it was noted; milliseconds since 1970-01-01 UTC.'),
});
export type LineageEdge = z.infer<typeof lineageEdgeSchema>;

export const lineageGraphSchema = z.strictObject({
  root: z.string().describe('The requested node.'),
  nodes: z.array(lineageNodeSchema).describe('Nearest first; the root is the first.'),
  edges: z.array(lineageEdgeSchema),
  truncated: z
    .boolean()
    .describe('There is more within `depth` than `limit`: ask again from one of the nodes, or with a higher limit.'),
});
export type LineageGraph = z.infer<typeof lineageGraphSchema>;
