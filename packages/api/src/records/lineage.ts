import { z } from 'zod';

/** The lineage graph: an edge leads from a source to its derivative. */

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

/** The relation between the two ends of an edge. */
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
  type: z.enum(lineageNodeTypes).describe('Node type.'),
  name: z.string().optional().describe('Display name.'),
  project: z.string().optional().describe('Project.'),
  at: milliseconds.optional().describe('Creation time or first occurrence.'),
  gone: z.literal(true).optional().describe('Whether the object was deleted. Its edges remain.'),
  hidden: z.literal(true).optional().describe('The caller may not read this node. Its details are hidden.'),
  data: z
    .record(z.string(), z.string())
    .optional()
    .describe('Location and type: `experiment`, `status`, `model`, `version`, `digest`, …'),
});
export type LineageNode = z.infer<typeof lineageNodeSchema>;

export const lineageEdgeSchema = z.strictObject({
  from: z.string().describe('Upstream node.'),
  to: z.string().describe('Downstream node.'),
  relation: z
    .enum(lineageRelations)
    .describe(
      'Relation of `to` to `from`: `read` it as input, was `made` by it, was `registered` or `copied` from it (files of cached steps are `copied` too), is its `child` run; or role of `from`: `code`, the entry point or step that `started` it, the job of which it is an `instance`.',
    ),
  at: milliseconds.describe('Time of recording; milliseconds since 1970-01-01 UTC.'),
});
export type LineageEdge = z.infer<typeof lineageEdgeSchema>;

export const lineageGraphSchema = z.strictObject({
  root: z.string().describe('The requested node.'),
  nodes: z.array(lineageNodeSchema).describe('Nodes, nearest first, starting with the root.'),
  edges: z.array(lineageEdgeSchema),
  truncated: z
    .boolean()
    .describe(
      'Whether more nodes than `limit` are within `depth`. Query again from one of the nodes, or raise the limit.',
    ),
});
export type LineageGraph = z.infer<typeof lineageGraphSchema>;
