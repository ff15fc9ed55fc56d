import { z } from 'zod';
import { baseStatus, labelNameSchema, type KindSpec } from '#manifest.ts';
import { stepEnvironment } from '#records/step-fields.ts';
import { checkCluster, clusterFields } from './target-cluster.ts';

const targetSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('Description.'),
  type: z
    .enum(['process', 'kubernetes'])
    .default('process')
    .describe(
      '`process`: runs steps as processes on the machines of the server. `kubernetes`: runs them as pods of a cluster.',
    ),
  images: z
    .array(
      z.strictObject({
        image: z
          .string()
          .min(1)
          .max(1024)
          .describe('Full image name as in the component. `*` matches any text: `ghcr.io/acme/train:*`.'),
        environment: stepEnvironment.describe(
          'Replacement environment: a Python with these packages, or `type: system`, the programs of the machine.',
        ),
      }),
    )
    .max(1000)
    .default([])
    .describe('Execution environments for steps that request an image. The first match applies.'),
  ...clusterFields,
});
export type TargetSpec = z.output<typeof targetSpec>;

/** What a probe of a target found. */
export const probeResult = z.strictObject({
  version: z.string().optional().describe('Version of the cluster.'),
  problems: z.array(z.string()).describe('Why steps cannot run there, with the remedy.'),
  warnings: z.array(z.string()).describe('What is weaker than it should be, with the remedy.'),
  features: z
    .array(z.string())
    .describe('Optional features that were found: `kueue`, `network-policies`, `image-volumes`, `user-namespaces`.'),
  nodes: z.int().describe('Number of nodes that accept pods.'),
  resources: z.record(z.string(), z.number()).describe('Resources of these nodes together.'),
  largestTask: z.record(z.string(), z.number()).describe('Maximum request of one step.'),
  probedAt: z.iso.datetime().describe('Time of the last probe.'),
});

export const targetKind = {
  kind: 'Target',
  plural: 'targets',
  scope: 'org',
  description:
    'A compute target: where steps run, and which environments replace images. The target `local`, the machines of the server, exists without a manifest; a manifest of that name adds images. Further targets are Kubernetes clusters.',
  name: labelNameSchema,
  spec: targetSpec,
  check: (spec: TargetSpec) => checkCluster(spec),
  status: z.strictObject({
    ...baseStatus,
    used: z.boolean().optional().describe('Whether steps can run there.'),
    ...probeResult.partial().shape,
  }),
  immutable: ['type'],
  actions: [],
  columns: [
    { title: 'Type', path: 'spec.type' },
    { title: 'Ready', path: 'status.conditions[Ready]' },
    { title: 'Version', path: 'status.version' },
    { title: 'Nodes', path: 'status.nodes' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Target
metadata:
  name: gpu
spec:
  type: kubernetes
  cluster:
    inCluster: true
  pools:
    a100:
      nodeSelector: { cloud.google.com/gke-accelerator: nvidia-tesla-a100 }
      tolerations:
        - { key: nvidia.com/gpu, operator: Exists, effect: NoSchedule }
      resources: [nvidia.com/gpu]
`,
} as const satisfies KindSpec;
