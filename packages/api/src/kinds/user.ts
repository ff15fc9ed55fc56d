import { z } from 'zod';
import { baseStatus, nameSchema, type KindSpec } from '#manifest.ts';

/** 0: public … 3: the most sensitive. Datasets are classified by the same numbers. */
export const clearanceSchema = z.int().min(0).max(3);

const userSpec = z.strictObject({
  email: z.email().max(254).describe('Email address. It matches the user with identity providers after verification.'),
  displayName: z.string().max(256).optional().describe('Display name. Default: the name.'),
  suspended: z
    .boolean()
    .optional()
    .describe('Suspends the user: every action is denied and all sessions and tokens end. Default: false.'),
  clearance: clearanceSchema.optional().describe('Clearance: highest data classification, 0 to 3. Default: 0.'),
});

const userStatus = z.strictObject({
  ...baseStatus,
  provider: z.string().optional().describe('Identity provider of the user; absent: password.'),
  provisionedBy: z.string().optional().describe('Identity provider that provisions the user with SCIM; absent: none.'),
  groups: z.array(z.string()).optional().describe('Groups from the identity provider at the last sign-in.'),
});

export const userKind = {
  kind: 'User',
  plural: 'users',
  scope: 'org',
  description:
    'A user. The name is the login name, normally the email address. Created by an invitation, by the first sign-in with an identity provider, or manually.',
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
      description: 'Whether the user is suspended.',
    },
    {
      name: 'clearance',
      path: 'spec.clearance',
      type: 'long',
      fallback: 0,
      description: 'Clearance: highest data classification, 0 to 3.',
    },
    {
      name: 'email',
      path: 'spec.email',
      type: 'string',
      fallback: '',
      description: 'Email address.',
    },
  ],
  columns: [
    { title: 'Email', path: 'spec.email' },
    { title: 'Suspended', path: 'spec.suspended' },
    { title: 'Provider', path: 'status.provider', wide: true },
    { title: 'Provisioned by', path: 'status.provisionedBy', wide: true },
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
