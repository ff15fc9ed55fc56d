import { z } from 'zod';
import { baseStatus, labelNameSchema, reference, type KindSpec } from '#manifest.ts';

const teamSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('What the team does.'),
  members: z.array(reference('User')).max(5000).optional().describe('Names of users.'),
  serviceAccounts: z.array(reference('ServiceAccount')).max(1000).optional().describe('Names of service accounts.'),
  groups: z
    .array(
      z.strictObject({
        provider: z.string().max(63).describe('Name of the identity provider in the configuration.'),
        group: z.string().min(1).max(256).describe('The group as the provider names it.'),
      }),
    )
    .max(200)
    .optional()
    .describe('Whoever a provider counts to one of these groups is a member too.'),
  parent: reference('Team').optional().describe('Members of this team are members of that one as well.'),
});

export const teamKind = {
  kind: 'Team',
  plural: 'teams',
  scope: 'org',
  description: 'People and service accounts that get the same rights.',
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
