import { z } from 'zod';
import { keyTypes } from '#features/value-type.ts';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';

export const entitySpec = z.strictObject({
  description: z.string().max(5000).optional().describe('What it stands for, in a sentence or two.'),
  joinKey: z
    .string()
    .min(1)
    .max(256)
    .optional()
    .describe('Name of the column that tells one from another. Default: the name of the entity.'),
  type: z.enum(keyTypes).default('string').describe('What the join key is.'),
  owner: reference('Team').optional().describe('The Team that answers for it.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Whatever else is known of it.'),
});

export const entityKind = {
  kind: 'Entity',
  plural: 'entities',
  scope: 'project',
  description: 'What features are of: a driver, a flight, a customer. Says how one is told from another.',
  name: nameSchema,
  spec: entitySpec,
  status: z.strictObject({ ...baseStatus }),
  immutable: ['joinKey', 'type'],
  actions: [],
  columns: [
    { title: 'Join key', path: 'spec.joinKey' },
    { title: 'Type', path: 'spec.type' },
    { title: 'Description', path: 'spec.description', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Entity
metadata:
  name: airport
spec:
  description: An airport, by its IATA code
  joinKey: airport_code
  type: string
`,
} as const satisfies KindSpec;
