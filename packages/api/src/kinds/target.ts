import { z } from 'zod';
import { baseStatus, labelNameSchema, type KindSpec } from '#manifest.ts';
import { stepEnvironment } from '#records/step-fields.ts';

const targetSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('Description.'),
  type: z.literal('process').default('process').describe('Runs steps as processes on the machine of the server.'),
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
});

export const targetKind = {
  kind: 'Target',
  plural: 'targets',
  scope: 'org',
  description:
    'A compute target for steps with its image mappings. The target `local`, this machine, exists without a manifest; a manifest of that name adds images.',
  name: labelNameSchema,
  spec: targetSpec,
  status: z.strictObject({
    ...baseStatus,
    used: z.boolean().optional().describe('Whether steps can run there. Only the target `local` is available.'),
  }),
  actions: [],
  columns: [
    { title: 'Type', path: 'spec.type' },
    { title: 'Used', path: 'status.used' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Target
metadata:
  name: local
spec:
  images:
    - image: ghcr.io/acme/train:*
      environment:
        type: python
        version: "3.12"
        requirements:
          - scikit-learn==1.7.2
    - image: alpine:*
      environment:
        type: system
`,
} as const satisfies KindSpec;
