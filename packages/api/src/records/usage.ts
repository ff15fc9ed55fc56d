import { z } from 'zod';

/** What a usage record is about. Calls of language models follow later. */
export const usageTypes = ['step', 'replica', 'storage', 'query'] as const;
export type UsageType = (typeof usageTypes)[number];

/** Quantities that usage is summed by. */
export const usageMeasures = [
  'stepSeconds',
  'cpuSeconds',
  'deviceSeconds',
  'replicaSeconds',
  'storedByteDays',
  'querySeconds',
  'queries',
] as const;
export type UsageMeasure = (typeof usageMeasures)[number];

export const usageGroups = ['project', 'team', 'person', 'resource', 'node', 'type'] as const;
export type UsageGroup = (typeof usageGroups)[number];

const time = z.string().describe('Time (RFC 3339, UTC), by the clock of the database.');

export const usageRecordSchema = z.strictObject({
  id: z.string().describe('Id of the record.'),
  type: z
    .enum(usageTypes)
    .describe(
      '`step`: an attempt at a step. `replica`: a loaded model of an endpoint in a gateway. `storage`: the stored bytes of a day. `query`: a query over data.',
    ),
  source: z.string().describe('What it records: with project and type unique, so that nothing is recorded twice.'),
  startedAt: time.describe('Start of the interval.'),
  endedAt: time.describe('End of the interval.'),
  quantity: z.number().describe('Quantity, in `unit`.'),
  unit: z.enum(['second', 'replica-second', 'byte-day']).describe('Unit of the quantity.'),
  project: z.string().describe('Name of the project at that time.'),
  team: z.string().optional().describe('Label `team` of the project at that time.'),
  person: z.string().optional().describe('User, or `service:NAME`. Absent for usage that nobody started.'),
  resource: z.string().optional().describe('Kind and name: `Pipeline/train`.'),
  lineage: z.string().optional().describe('Node of the lineage graph.'),
  node: z.string().optional().describe('Machine.'),
  requests: z
    .record(z.string(), z.number())
    .describe('Resources that the interval held: `cpu` in cores, `memory` in bytes, devices as a count.'),
  cpuSeconds: z.number().optional().describe('Measured CPU time. Absent where it is unknown.'),
  memoryBytes: z.number().optional().describe('Measured peak of memory. Absent where it is unknown.'),
  corrects: z.string().optional().describe('Id of the record that this one corrects.'),
});
export type UsageRecord = z.infer<typeof usageRecordSchema>;

const sum = z.number();

export const usageSumSchema = z.strictObject({
  key: z.string().nullable().describe('Name of the group. Null: usage without one.'),
  attempts: z.int().describe('Number of attempts at steps.'),
  stepSeconds: sum.describe('Duration of attempts at steps.'),
  cpuSeconds: sum.describe('Measured CPU time of steps.'),
  requestedCpuSeconds: sum.describe('Requested cores × duration of steps.'),
  deviceSeconds: sum.describe('Requested devices (GPUs) × duration of steps.'),
  replicaSeconds: sum.describe('Loaded models of endpoints × duration.'),
  storedByteDays: sum.describe('Stored bytes × days.'),
  queries: z.int().describe('Number of queries over data.'),
  querySeconds: sum.describe('Duration of queries over data.'),
});
export type UsageSum = z.infer<typeof usageSumSchema>;
