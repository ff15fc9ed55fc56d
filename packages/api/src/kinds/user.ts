import { z } from 'zod';
import { baseStatus, nameSchema, type KindSpec } from '#manifest.ts';

/** 0: public … 3: the most sensitive. Datasets are classified by the same numbers. */
export const clearanceSchema = z.int().min(0).max(3);

const userSpec = z.strictObject({
  email: z
    .email()
    .max(254)
    .describe('Where mail reaches this person; providers are matched by it once it is verified.'),
  displayName: z.string().max(256).optional().describe('As the console shows it. Default: the name.'),
  suspended: z
    .boolean()
    .optional()
    .describe('True: may do nothing, and every session and token has ended. Default: false.'),
  clearance: clearanceSchema
    .optional()
    .describe('Highest classification of data that this person may see, 0 to 3. Default: 0.'),
});

const userStatus = z.strictObject({
  ...baseStatus,
  provider: z.string().optional().describe('The identity provider that this person signs in at; absent: by password.'),
  groups: z.array(z.string()).optional().describe('Groups that the provider told at the last sign-in.'),
});

export const userKind = {
  kind: 'User',
  plural: 'users',
  scope: 'org',
  description:
    'A person. The name is what they sign in with, normally their e-mail address. Made by an invitation, by the first sign-in at an identity provider, or by hand.',
  name: nameSchema,
  spec: userSpec,
  status: userStatus,
  actions: [],
  attributes: [
    {
      name: 'suspended',
      path: 'spec.suspended',
      type: 'bool',
      fallback: false,
      description: 'May do nothing at present.',
    },
    {
      name: 'clearance',
      path: 'spec.clearance',
      type: 'long',
      fallback: 0,
      description: 'Highest classification of data that it may see, 0 to 3.',
    },
    {
      name: 'email',
      path: 'spec.email',
      type: 'string',
      fallback: '',
      description: 'Where mail reaches this person.',
    },
  ],
  columns: [
    { title: 'Email', path: 'spec.email' },
    { title: 'Suspended', path: 'spec.suspended' },
    { title: 'Provider', path: 'status.provider', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: User
metadata:
  name: ada@example.com
spec:
  email: ada@example.com
  displayName: Ada
`,
} as const satisfies KindSpec;
