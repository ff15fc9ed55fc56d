import { z } from 'zod';
import { baseStatus, labelNameSchema, reference, type KindSpec } from '#manifest.ts';

const teamSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('Description.'),
  members: z.array(reference('User')).max(5000).optional().describe('Member users.'),
  serviceAccounts: z.array(reference('ServiceAccount')).max(1000).optional().describe('Member service accounts.'),
  groups: z
    .array(
      z.strictObject({
        provider: z.string().max(63).describe('Name of the identity provider in the configuration.'),
        group: z.string().min(1).max(256).describe('Name of the group at the provider.'),
      }),
    )
    .max(200)
    .optional()
    .describe('Identity provider groups whose users are members.'),
  parent: reference('Team').optional().describe('Parent team. Members of this team are also members of the parent.'),
});

export const teamKind = {
  kind: 'Team',
  plural: 'teams',
  scope: 'org',
  description: 'A group of users and service accounts with the same permissions.',
  name: labelNameSchema,
  spec: teamSpec,
  status: z.strictObject({ ...baseStatus }),
  actions: [],
  columns: [
    { title: 'Description', path: 'spec.description' },
    { title: 'Parent', path: 'spec.parent', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: Team
metadata:
  name: vision
spec:
  description: Image models
  groups:
    - provider: corporate
      group: ml-vision
`,
} as const satisfies KindSpec;
