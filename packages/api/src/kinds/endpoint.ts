import { z } from 'zod';
import { baseStatus, nameSchema, type KindSpec } from '#manifest.ts';

export const endpointSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('What it is for, in a sentence or two.'),
});

export const endpointStatus = z.strictObject({ ...baseStatus });

export const endpointKind = {
  kind: 'Endpoint',
  plural: 'endpoints',
  scope: 'project',
  description: 'A endpoint: say here what it is, to somebody who meets it for the first time.',
  name: nameSchema,
  spec: endpointSpec,
  status: endpointStatus,
  actions: [],
  columns: [
    { title: 'Ready', path: 'status.conditions[Ready]' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Endpoint
metadata:
  name: first-endpoint
spec:
  description: The first of its kind
`,
} as const satisfies KindSpec;
