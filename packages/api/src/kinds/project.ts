import { z } from 'zod';
import { baseStatus, labelNameSchema, type KindSpec } from '#manifest.ts';

/** What the steps of a project may ask for together, and which share of the machines it gets when others ask as well. */
export const computeQuotaSchema = z.strictObject({
  resources: z
    .record(z.string().min(1).max(128), z.number().min(0).max(Number.MAX_SAFE_INTEGER))
    .refine((resources) => Object.keys(resources).length <= 64, 'names at most 64 resources')
    .optional()
    .describe(
      'Most that its running steps request together, by the names that steps use: `cpu` in cores, `memory` and `disk` in bytes, devices (`nvidia.com/gpu`) in pieces. Default: no limit.',
    ),
  runningSteps: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Most steps that run at the same time. Default: `executions.perProject` of the configuration.'),
  queuedSteps: z
    .int()
    .min(0)
    .max(10_000_000)
    .optional()
    .describe(
      'Most steps that wait in the queue; a run submitted beyond it is refused. Default: `executions.queuedPerProject` of the configuration.',
    ),
  weight: z
    .number()
    .min(0.01)
    .max(1000)
    .optional()
    .describe('Share of the machines relative to other projects that have steps in the queue. Default: 1.'),
});
export type ComputeQuota = z.infer<typeof computeQuotaSchema>;

export const projectSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('What the project is for, in a sentence or two.'),
  owners: z
    .array(z.string().min(1).max(256))
    .max(100)
    .optional()
    .describe('Who answers for it: names or addresses, shown wherever the project is.'),
  quotas: z
    .strictObject({
      blobBytes: z
        .int()
        .min(0)
        .optional()
        .describe('Most bytes of distinct content that the project may hold. Default: no limit.'),
      resources: z.int().min(0).optional().describe('Most resources that the project may hold. Default: no limit.'),
      predictionsPerSecond: z
        .number()
        .gt(0)
        .max(1_000_000)
        .optional()
        .describe('Most predictions a second that its endpoints are asked for, at each gateway. Default: no limit.'),
      predictionsPerSecondPerCaller: z
        .number()
        .gt(0)
        .max(1_000_000)
        .optional()
        .describe('The same for each user and service account. Default: no limit.'),
      compute: computeQuotaSchema
        .optional()
        .describe('Limits of its steps. A step beyond them waits in the queue until others of the project end.'),
    })
    .optional()
    .describe('Limits; a write that would pass one is refused with `quota_exceeded`, a prediction with 429.'),
});

export const projectStatus = z.strictObject({ ...baseStatus });

export const projectKind = {
  kind: 'Project',
  plural: 'projects',
  shortNames: ['proj'],
  scope: 'org',
  description:
    'A tenant: everything a team makes belongs to one project, and nobody sees into another. The project `default` always exists.',
  name: labelNameSchema,
  spec: projectSpec,
  status: projectStatus,
  actions: [],
  columns: [
    { title: 'Description', path: 'spec.description' },
    { title: 'Owners', path: 'spec.owners', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Project
metadata:
  name: flights
  labels:
    team: operations
spec:
  description: Delay predictions for the operations desk
  owners: [operations@example.com]
  quotas:
    blobBytes: 50000000000
    compute:
      resources: { cpu: 16, memory: 64000000000, nvidia.com/gpu: 2 }
      queuedSteps: 5000
`,
} as const satisfies KindSpec;
