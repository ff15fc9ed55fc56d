import { z } from 'zod';
import { baseStatus, labelNameSchema, reference, type KindSpec } from '#manifest.ts';
import { clearanceSchema } from '#kinds/user.ts';

const serviceAccountSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('Description.'),
  owner: reference('User').optional().describe('Owner.'),
  suspended: z
    .boolean()
    .optional()
    .describe('Suspends the account: every action is denied and all tokens end. Default: false.'),
  clearance: clearanceSchema.optional().describe('Clearance: highest data classification, 0 to 3. Default: 0.'),
  provisions: z
    .string()
    .max(63)
    .optional()
    .describe(
      'Name of the identity provider whose users and groups the account provisions with SCIM. With the organization role `provisioner`.',
    ),
  trust: z
    .array(
      z.strictObject({
        issuer: z
          .url({ protocol: /^https?$/ })
          .max(2048)
          .describe('Issuer of the tokens: the `iss` claim, exactly.'),
        audience: z.string().min(1).max(256).describe('Required value of the `aud` claim.'),
        subject: z
          .string()
          .min(1)
          .max(1024)
          .describe(
            'Pattern of the `sub` claim; `*` matches any characters except `:`. `repo:acme/models:ref:refs/heads/main`.',
          ),
        ttlSeconds: z.int().min(60).max(3600).optional().describe('Token lifetime in seconds. Default: 900.'),
      }),
    )
    .max(50)
    .optional()
    .describe('OIDC tokens of other systems (CI) that can be exchanged for a short-lived token of this account.'),
});

export const serviceAccountKind = {
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  shortNames: ['sa'],
  scope: 'org',
  description:
    'An account for a program, for example a CI pipeline, a scheduler or a bot. It authenticates only with tokens.',
  name: labelNameSchema,
  spec: serviceAccountSpec,
  status: z.strictObject({ ...baseStatus }),
  actions: [],
  attributes: [
    {
      name: 'suspended',
      path: 'spec.suspended',
      type: 'bool',
      fallback: false,
      description: 'Whether the account is suspended.',
    },
    {
      name: 'clearance',
      path: 'spec.clearance',
      type: 'long',
      fallback: 0,
      description: 'Clearance: highest data classification, 0 to 3.',
    },
  ],
  columns: [
    { title: 'Description', path: 'spec.description' },
    { title: 'Owner', path: 'spec.owner' },
  ],
  example: `apiVersion: dais.dev/v1
kind: ServiceAccount
metadata:
  name: ci
spec:
  description: Deploys models from the main branch
  trust:
    - issuer: https://token.actions.example.com
      audience: dais
      subject: repo:acme/models:ref:refs/heads/main
`,
} as const satisfies KindSpec;
