import { z } from 'zod';
import { baseStatus, labelNameSchema, type KindSpec } from '#manifest.ts';

/** Quota of the steps of a project, and its fair share of the machines when others also request resources. */
export const computeQuotaSchema = z.strictObject({
  resources: z
    .record(z.string().min(1).max(128), z.number().min(0).max(Number.MAX_SAFE_INTEGER))
    .refine((resources) => Object.keys(resources).length <= 64, 'names at most 64 resources')
    .optional()
    .describe(
      'Maximum total requests of running steps by resource: `cpu` in cores, `memory` and `disk` in bytes, devices (`nvidia.com/gpu`) as a count. Default: no limit.',
    ),
  runningSteps: z
    .int()
    .min(0)
    .max(100_000)
    .optional()
    .describe('Maximum running steps. Default: `executions.perProject` of the configuration.'),
  queuedSteps: z
    .int()
    .min(0)
    .max(10_000_000)
    .optional()
    .describe(
      'Maximum queued steps. A job beyond it is refused. Default: `executions.queuedPerProject` of the configuration.',
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
  description: z.string().max(1024).optional().describe('Description.'),
  target: labelNameSchema
    .optional()
    .describe('Target of steps that name none. Default: `local`, the machines of the server.'),
  owners: z.array(z.string().min(1).max(256)).max(100).optional().describe('Owners: names or addresses.'),
  quotas: z
    .strictObject({
      blobBytes: z.int().min(0).optional().describe('Maximum bytes of distinct content. Default: no limit.'),
      resources: z.int().min(0).optional().describe('Maximum number of resources. Default: no limit.'),
      predictionsPerSecond: z
        .number()
        .gt(0)
        .max(1_000_000)
        .optional()
        .describe(
          'Maximum predictions per second of its endpoints; each live gateway gets an equal part. Default: no limit.',
        ),
      predictionsPerSecondPerCaller: z
        .number()
        .gt(0)
        .max(1_000_000)
        .optional()
        .describe('The same for each user and service account. Default: no limit.'),
      compute: computeQuotaSchema
        .optional()
        .describe('Compute quotas. A step beyond them is queued until other steps of the project end.'),
    })
    .optional()
    .describe('Quotas. A write beyond a quota is refused with `quota_exceeded`, a prediction with 429.'),
});

export const projectStatus = z.strictObject({ ...baseStatus });

export const projectKind = {
  kind: 'Project',
  plural: 'projects',
  shortNames: ['proj'],
  scope: 'org',
  description:
    'A tenant: each resource belongs to one project, and projects are isolated from each other. The project `default` always exists.',
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
