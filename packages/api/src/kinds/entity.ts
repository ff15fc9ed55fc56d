import { z } from 'zod';
import { keyTypes } from '#features/value-type.ts';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';

export const entitySpec = z.strictObject({
  description: z.string().max(5000).optional().describe('Description.'),
  joinKey: z.string().min(1).max(256).optional().describe('Join key column. Default: the name of the entity.'),
  type: z.enum(keyTypes).default('string').describe('Type of the join key.'),
  owner: reference('Team').optional().describe('Owner team.'),
  tags: z.record(z.string().min(1).max(256), z.string().max(5000)).optional().describe('Free-form metadata.'),
});

export const entityKind = {
  kind: 'Entity',
  plural: 'entities',
  scope: 'project',
  description: 'The subject of features, for example a driver, a flight or a customer, with its join key.',
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
