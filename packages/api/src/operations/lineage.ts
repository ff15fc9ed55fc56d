import { z } from 'zod';
import { defineOperation, type Operation } from '#operations/operation.ts';
import { lineageEventSchema } from '#records/lineage-event.ts';
import { lineageDirections, lineageGraphSchema } from '#records/lineage.ts';

const lineage = '/api/v1/lineage' as const;
/** As for runs: trainings also report what trainings elsewhere read and created. */
const TRAINERS = ['operator', 'editor'] as const;
const ofLineage = () => ({ kind: 'Lineage' });

export const readLineageOperation = defineOperation({
  name: 'lineage.get',
  action: 'lineage:read',
  mode: 'read',
  scope: 'project',
  summary: 'Returns the lineage graph of a node.',
  input: z.strictObject({
    node: z
      .string()
      .min(3)
      .max(1024)
      .describe(
        'Node: `run:ID`, `logged-model:ID`, `model-version:NAME/NUMBER`, `dataset:…`. Responses contain it as `node`.',
      ),
    direction: z.enum(lineageDirections).default('both').describe('`upstream`: sources; `downstream`: results.'),
    depth: z.int().min(1).max(50).default(10).describe('Maximum distance in edges.'),
    limit: z.int().min(1).max(5000).default(500).describe('Maximum number of nodes.'),
  }),
  output: lineageGraphSchema,
  target: ofLineage,
  http: { method: 'GET', path: lineage, status: 200, query: ['node', 'direction', 'depth', 'limit'] },
});

export const recordLineageOperation = defineOperation({
  name: 'lineage.record',
  action: 'lineage:write',
  mode: 'write',
  scope: 'project',
  summary: 'Receives an OpenLineage event. Idempotent.',
  input: z.strictObject({ event: lineageEventSchema }),
  output: z.strictObject({}),
  target: ofLineage,
  roles: TRAINERS,
  http: { method: 'POST', path: lineage, status: 201, bodyField: 'event' },
});

export const recordLineageBatchOperation = defineOperation({
  name: 'lineage.recordBatch',
  action: 'lineage:write',
  mode: 'write',
  scope: 'project',
  summary: 'Receives OpenLineage events. Invalid events are reported and do not affect the others.',
  input: z.strictObject({ events: z.array(z.unknown()).max(1000).describe('Events; at most 1,000.') }),
  // The names of the OpenAPI description of OpenLineage.
  output: z.strictObject({
    status: z.enum(['success', 'partial_success']),
    summary: z.strictObject({
      received: z.int(),
      successful: z.int(),
      failed: z.int(),
      retriable: z.int(),
      non_retriable: z.int(),
    }),
    failed_events: z.array(
      z.strictObject({
        index: z.int().describe('Index in the batch, from 0.'),
        reason: z.string(),
        retriable: z.boolean(),
      }),
    ),
  }),
  target: ofLineage,
  roles: TRAINERS,
  http: { method: 'POST', path: `${lineage}/batch`, status: 200, bodyField: 'events' },
});

export const lineageOperations: readonly Operation[] = [
  readLineageOperation,
  recordLineageOperation,
  recordLineageBatchOperation,
];
